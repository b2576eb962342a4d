from __future__ import annotations

import pytest

from schemas.channels import ChannelClosed, Direction, Keyring
from schemas.channels.pipeline import AT_ONCE
from tests.schemas.channels.support import ANY_PORT, ListTap, Turns, eventually, run, wire


@pytest.mark.parametrize("keys", [None, Keyring.generate()], ids=["plain", "curve"])
def test_what_is_pushed_is_pulled_and_taped(keys: Keyring | None) -> None:
    async def scene() -> None:
        tap = ListTap()
        got: list[bytes] = []
        async with wire(keys, tap) as ours, wire(keys) as theirs:
            puller = ours.puller(ANY_PORT, lambda payload: got.append(bytes(payload)), name="telemetry")
            pushers = [theirs.pusher(puller.endpoint) for _ in range(2)]
            for number in range(100):
                assert pushers[number % 2].push(b"%d" % number)
            await eventually(lambda: len(got) == 100)
            assert sorted(map(int, got)) == list(range(100))
            assert tap.records[0] == (Direction.RECEIVED, "telemetry", "push", got[0], False)

    run(scene)


def test_a_flood_leaves_the_loop_to_others_in_between() -> None:
    async def scene() -> None:
        turns = Turns()
        async with wire() as ours, wire() as theirs:
            puller = ours.puller(ANY_PORT, lambda payload: turns.handle(), high_water=10_000)
            pusher = theirs.pusher(puller.endpoint, high_water=10_000)
            assert all(pusher.push(b"%d" % n) for n in range(5_000))
            await eventually(lambda: sum(turns.handled) == 5_000)
            assert max(turns.handled) <= AT_ONCE

    run(scene)


def test_without_a_puller_the_newest_are_refused_and_counted_and_the_rest_delivered_later() -> None:
    async def scene() -> None:
        got: list[bytes] = []
        async with wire() as ours, wire() as theirs:
            probe = ours.puller(ANY_PORT, lambda payload: None)
            endpoint = probe.endpoint
            ours.close()
            pusher = theirs.pusher(endpoint, high_water=10)
            assert [pusher.push(b"%d" % n) for n in range(12)] == [True] * 10 + [False] * 2
            assert pusher.dropped == 2
            async with wire() as later:
                later.puller(endpoint, lambda payload: got.append(bytes(payload)))
                await eventually(lambda: got == [b"%d" % n for n in range(10)])
            pusher.close()
            with pytest.raises(ChannelClosed):
                pusher.push(b"")

    run(scene)


def test_what_is_vital_is_taped_even_where_nobody_takes_it() -> None:
    async def scene() -> None:
        tap = ListTap()
        async with wire() as ours, wire(tap=tap) as theirs:
            probe = ours.puller(ANY_PORT, lambda payload: None)
            endpoint = probe.endpoint
            ours.close()
            pusher = theirs.pusher(endpoint, high_water=1, name="telemetry")
            assert [pusher.push(b"%d" % n, vital=n > 1) for n in range(3)] == [True, False, False]
            assert tap.records == [
                (Direction.SENT, "telemetry", "push", b"0", False), (Direction.NOTE, "telemetry", "push", b"2", True),
            ]  # fmt: skip

    run(scene)


def test_a_last_burst_before_the_close_arrives() -> None:
    async def scene() -> None:
        got: list[bytes] = []
        async with wire() as ours:
            puller = ours.puller(ANY_PORT, lambda payload: got.append(bytes(payload)), high_water=10_000)
            async with wire() as theirs:
                pusher = theirs.pusher(puller.endpoint, high_water=10_000)
                assert all(pusher.push(b"%d" % n) for n in range(5000))
            await eventually(lambda: len(got) == 5000)

    run(scene)
