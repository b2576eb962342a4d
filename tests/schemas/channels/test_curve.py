from __future__ import annotations

import asyncio

import pytest

from schemas.channels import Keyring, PeerDown, Wire
from tests.schemas.channels.support import ANY_PORT, Inbox, eventually, run, wire

RIGHT = Keyring.generate()
OTHER = Keyring.generate()
STRANGERS = {
    "another keyring": OTHER,
    "a client key of its own": Keyring(
        RIGHT.server_public, RIGHT.server_secret, OTHER.client_public, OTHER.client_secret
    ),
    "no keys": None,
}


@pytest.mark.parametrize("keys", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_gets_nothing_delivers_nothing_and_is_counted(keys: Keyring | None) -> None:
    async def scene() -> None:
        pulled: list[bytes] = []
        asked: list[bytes] = []
        inbox, friendly = Inbox(), Inbox()
        async with wire(RIGHT) as ours, wire(RIGHT) as friend, wire(keys) as stranger:
            publisher = ours.publisher(ANY_PORT)
            replier = ours.replier(ANY_PORT, lambda payload, reply: asked.append(bytes(payload)))
            puller = ours.puller(ANY_PORT, lambda payload: pulled.append(bytes(payload)))
            publisher.publish("state.account", b"secret")
            stranger.subscriber(publisher.endpoint, [""], inbox)
            stranger.pusher(puller.endpoint).push(b"forged")
            requester = stranger.requester(replier.endpoint)
            await eventually(lambda: ours.refused_peers >= 3)
            with pytest.raises(PeerDown):
                await requester.request(b"order", 1)
            friend.subscriber(publisher.endpoint, [""], friendly)
            await eventually(lambda: friendly.payloads == [b"secret"])
            assert (inbox.messages, pulled, asked, publisher.subscribers) == ([], [], [], 1)
            assert friend.failed_handshakes == 0

    run(scene)


def test_a_client_with_keys_gets_nothing_from_a_server_without() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with wire(None) as impostor, wire(RIGHT) as ours:
            publisher = impostor.publisher(ANY_PORT)
            publisher.publish("signal.halt", b"forged")
            ours.subscriber(publisher.endpoint, [""], inbox)
            await eventually(lambda: ours.failed_handshakes > 0)
            assert inbox.messages == []

    run(scene)


def test_two_wires_of_one_process_do_not_share_their_door() -> None:
    async def scene() -> None:
        async with wire(RIGHT) as one, wire(OTHER) as other:
            for ours in (one, other):
                inbox = Inbox()
                publisher = ours.publisher(ANY_PORT)
                ours.subscriber(publisher.endpoint, [""], inbox)
                assert await publisher.wait_subscribed("t", 5)
                publisher.publish("t", b"x")
                await eventually(lambda inbox=inbox: inbox.payloads == [b"x"])
                assert ours.refused_peers == 0

    run(scene)


def test_closing_a_wire_twice_is_nothing_and_frees_the_port() -> None:
    async def scene() -> None:
        async with wire(RIGHT) as ours:
            publisher = ours.publisher(ANY_PORT)
            ours.close()
            ours.close()
            assert publisher.closed
            async with wire(RIGHT) as again:
                assert again.publisher(publisher.endpoint).endpoint == publisher.endpoint

    run(scene)


def test_a_wire_needs_a_loop() -> None:
    from schemas.clock import SystemClock

    with pytest.raises(RuntimeError):
        Wire(process="test", keys=None, clock=SystemClock())
    assert not asyncio.all_tasks(asyncio.new_event_loop())
