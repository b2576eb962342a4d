from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import zmq

from schemas.channels import Gap, Subscriber
from schemas.channels.frame import encode, pad_topic
from tests.schemas.channels.support import ANY_PORT, Inbox, eventually, run, wire


@asynccontextmanager
async def skipping(topic: str, inbox: Inbox, gaps: list[Gap]) -> AsyncIterator[tuple[zmq.Socket[bytes], Subscriber]]:
    """A raw publisher that may skip numbers, and a subscriber of it."""
    async with wire() as theirs:
        with zmq.Context() as context, context.socket(zmq.XPUB) as raw:
            raw.linger = 0
            raw.setsockopt(zmq.XPUB_VERBOSER, 1)
            port = raw.bind_to_random_port("tcp://127.0.0.1")
            subscriber = theirs.subscriber(f"tcp://127.0.0.1:{port}", [topic], inbox, on_gap=gaps.append)
            assert raw.poll(5000)
            assert raw.recv() == b"\x01" + topic.encode()
            yield raw, subscriber


def test_a_gap_is_told_and_the_topic_asked_for_again() -> None:
    async def scene() -> None:
        inbox, gaps = Inbox(), list[Gap]()
        async with skipping("state.", inbox, gaps) as (raw, subscriber):
            for sequence in (1, 2, 5):
                raw.send(encode("state.orders", sequence, sequence, b"%d" % sequence))
            await eventually(lambda: subscriber.gaps == 1)
            assert raw.poll(5000)
            padded = pad_topic("state.orders")
            assert [raw.recv(), raw.recv()] == [b"\x01" + padded, b"\x00" + padded]
            raw.send(encode("state.orders", 5, 5, b"5"))
            raw.send(encode("state.orders", 6, 6, b"6"))
            await eventually(lambda: len(inbox.messages) == 4)
            assert inbox.payloads == [b"1", b"2", b"5", b"6"]
            assert gaps == [Gap("state.orders", 3, 5)]
            assert (subscriber.lost, subscriber.duplicates, subscriber.received) == (2, 1, 4)

    run(scene)


def test_a_gap_of_a_stream_that_heals_itself_is_told_and_left() -> None:
    async def scene() -> None:
        inbox, gaps = Inbox(), list[Gap]()
        async with skipping("tick.", inbox, gaps) as (raw, subscriber):
            for sequence in (1, 3, 4):
                raw.send(encode("tick.BTC", sequence, sequence, b""))
            await eventually(lambda: subscriber.received == 3)
            assert gaps == [Gap("tick.BTC", 2, 3)]
            subscriber.add_topic("end")
            assert raw.poll(5000)
            assert raw.recv() == b"\x01end"

    run(scene)


def test_a_slow_subscriber_loses_messages_counts_them_and_gets_the_last_value() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            inbox, gaps = Inbox(), list[Gap]()
            publisher = ours.publisher(ANY_PORT, high_water=1)
            subscriber = theirs.subscriber(publisher.endpoint, ["state."], inbox, on_gap=gaps.append, high_water=1)
            assert await publisher.wait_subscribed("state.x", 5)
            count = 5_000
            for _ in range(count):  # the loop does not run meanwhile: nobody reads
                publisher.publish("state.x", bytes(10_000), 1)

            def noticed() -> bool:
                if subscriber.gaps == 0:
                    publisher.publish("state.x", b"", 2)
                return subscriber.gaps > 0

            await eventually(noticed)
            await eventually(lambda: inbox.messages[-1][1] == publisher.stream("state.x").next_sequence - 1)
            assert subscriber.lost == sum(gap.lost for gap in gaps) > 0
            assert subscriber.received + subscriber.lost == publisher.stream("state.x").next_sequence - 1

    run(scene)


def test_a_restarted_publisher_is_accepted_from_its_first_message() -> None:
    async def scene() -> None:
        async with wire() as theirs:
            inbox, gaps = Inbox(), list[Gap]()
            async with wire() as first:
                publisher = first.publisher(ANY_PORT)
                endpoint = publisher.endpoint
                subscriber = theirs.subscriber(endpoint, ["state."], inbox, on_gap=gaps.append)
                assert await publisher.wait_subscribed("state.engine", 5)
                publisher.publish("state.engine", b"old", 1)
                await eventually(lambda: inbox.payloads == [b"old"])
            async with wire() as second:
                publisher = second.publisher(endpoint)
                publisher.publish("state.engine", b"new", 2)
                await eventually(lambda: inbox.payloads == [b"old", b"new"])
                publisher.publish("state.engine", b"newer", 3)
                await eventually(lambda: inbox.payloads == [b"old", b"new", b"newer"])
                assert (subscriber.restarts, subscriber.duplicates, gaps) == (1, 0, [])

    run(scene)
