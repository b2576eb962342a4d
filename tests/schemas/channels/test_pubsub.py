from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import zmq

from schemas.channels import BadTopic, ChannelClosed, Direction, Keyring, NullTap, PayloadTooLarge
from schemas.channels.drain import BUDGET
from tests.schemas.channels.support import ANY_PORT, Inbox, ListTap, eventually, run, wire

BOTH = pytest.mark.parametrize("keys", [None, Keyring.generate()], ids=["plain", "curve"])


@BOTH
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_messages_arrive_once_in_order_with_their_stamps(keys: Keyring | None, transport: str, tmp_path: Path) -> None:
    async def scene() -> None:
        endpoint = ANY_PORT if transport == "tcp" else f"ipc://{tmp_path}/stream"
        async with wire(keys) as ours, wire(keys) as theirs:
            inbox = Inbox()
            publisher = ours.publisher(endpoint)
            subscriber = theirs.subscriber(publisher.endpoint, ["tick."], inbox)
            assert await publisher.wait_subscribed("tick.BTC", 5)
            stream = publisher.stream("tick.BTC")
            assert stream is publisher.stream("tick.BTC")
            assert stream.last_payload is None
            assert [stream.next_sequence, stream.send(b"a", 10), stream.send(memoryview(b"b"), 20)] == [1, 1, 2]
            assert stream.last_payload == b"b"
            assert publisher.publish("state.engine", b"not subscribed") == 1
            assert publisher.publish("tick.ETH", b"c", timestamp_ns=30) == 1
            await eventually(lambda: len(inbox.messages) == 3)
            assert inbox.messages == [("tick.BTC", 1, 10, b"a"), ("tick.BTC", 2, 20, b"b"), ("tick.ETH", 1, 30, b"c")]
            assert (subscriber.received, subscriber.gaps, subscriber.duplicates, subscriber.restarts) == (3, 0, 0, 0)

    run(scene)


@BOTH
def test_a_late_joiner_gets_the_last_values_and_nobody_sees_them_twice(keys: Keyring | None) -> None:
    async def scene() -> None:
        async with wire(keys) as ours, wire(keys) as theirs:
            first, late = Inbox(), Inbox()
            publisher = ours.publisher(ANY_PORT)
            early = theirs.subscriber(publisher.endpoint, ["state."], first)
            assert await publisher.wait_subscribed("state.account", 5)
            for value in (b"1", b"2"):
                publisher.publish("state.account", value, 5)
            publisher.publish("state.engine", b"up", 6)
            await eventually(lambda: len(first.messages) == 3)
            theirs.subscriber(publisher.endpoint, ["state."], late)
            await eventually(lambda: len(late.messages) == 2)
            assert sorted(late.messages) == [("state.account", 2, 5, b"2"), ("state.engine", 1, 6, b"up")]
            await eventually(lambda: early.duplicates == 2)
            assert len(first.messages) == 3

    run(scene)


def test_a_subscriber_that_leaves_or_connects_before_the_bind_is_seen() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
            inbox = Inbox()
            subscriber = theirs.subscriber(endpoint, ["tick."], inbox)
            publisher = ours.publisher(endpoint)
            assert await publisher.wait_subscribed("tick.BTC", 5)
            assert (publisher.subscribers, publisher.subscribed("tick.BTC"), publisher.subscribed("x")) == (1, 1, 0)
            subscriber.add_topic("state.")
            await eventually(lambda: publisher.subscribers == 2)
            subscriber.remove_topic("tick.")
            await eventually(lambda: publisher.subscribed("tick.BTC") == 0)
            assert subscriber.topics == {"state."}
            subscriber.close()
            await eventually(lambda: publisher.subscribers == 0)
            assert not await publisher.wait_subscribed("tick.BTC", 0.01)

    run(scene)


def test_a_hundred_thousand_messages_drain_without_starving_the_loop() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            count = 100_000
            sequences: list[int] = []
            drained: list[int] = []
            publisher = ours.publisher(ANY_PORT, high_water=count)
            subscriber = theirs.subscriber(
                publisher.endpoint,
                [""],
                lambda topic, sequence, stamp, payload: sequences.append(sequence),
                on_drained=lambda: drained.append(len(sequences)),
                high_water=count,
            )
            assert await publisher.wait_subscribed("tick.BTC", 5)
            stream, payload = publisher.stream("tick.BTC"), b"x" * 464
            for _ in range(count):
                stream.send(payload, 1)
            await eventually(lambda: len(sequences) == count)
            assert sequences == list(range(1, count + 1))
            assert (subscriber.lost, subscriber.received) == (0, count)
            steps = [after - before for before, after in zip([0, *drained], drained, strict=False)]
            assert max(steps) <= BUDGET
            assert min(steps) >= 1
            assert drained[-1] == count

    run(scene)


def test_conflate_hands_over_the_newest_of_each_topic() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            inbox = Inbox()
            publisher = ours.publisher(ANY_PORT)
            subscriber = theirs.subscriber(publisher.endpoint, [""], inbox, conflate=True)
            assert await publisher.wait_subscribed("a", 5)
            for number in range(1000):
                publisher.publish("a", b"%d" % number)
                publisher.publish("b", b"%d" % number)
            await eventually(lambda: subscriber.received == 2000)
            assert {(m[0], m[3]) for m in inbox.messages[-2:]} == {("a", b"999"), ("b", b"999")}
            assert len(inbox.messages) < 2000
            assert subscriber.gaps == 0

    run(scene)


def test_of_a_stream_that_is_looked_at_now_and_then_the_newest_comes_and_no_gap_is_counted() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            inbox = Inbox()
            publisher = ours.publisher(ANY_PORT)
            subscriber = theirs.subscriber(publisher.endpoint, ["a"], inbox, newest=True)
            assert await publisher.wait_subscribed("a", 5)

            def look() -> bool:
                subscriber.look()
                return bool(inbox.messages and inbox.messages[-1][3] == b"4999")

            for number in range(5_000):
                publisher.publish("a", b"%d" % number)
                if number % 500 == 0:
                    await asyncio.sleep(0.01)
                    look()
            await eventually(look)
            seen = [message[1] for message in inbox.messages]
            assert seen == sorted(set(seen))
            assert (len(seen) < 50, subscriber.gaps, subscriber.lost) == (True, 0, 0)
            subscriber.close()
            count = len(inbox.messages)
            publisher.publish("a", b"late")
            look()
            assert len(inbox.messages) == count

    run(scene)


def test_what_no_publisher_of_ours_sends_is_counted_and_dropped() -> None:
    async def scene() -> None:
        async with wire() as theirs:
            with zmq.Context() as context, context.socket(zmq.XPUB) as raw:
                raw.linger = 0
                port = raw.bind_to_random_port("tcp://127.0.0.1")
                inbox = Inbox()
                subscriber = theirs.subscriber(f"tcp://127.0.0.1:{port}", [""], inbox)
                assert raw.poll(5000)
                for frame in (
                    b"",
                    b"short",
                    b"\0" * 60,
                    b"\xff" * 60,
                    b"t".ljust(48, b"\0") + b"\0" * (1 << 20) + b"x",
                ):
                    raw.send(frame)
                await eventually(lambda: subscriber.malformed == 5)
                assert inbox.messages == []

    run(scene)


def test_a_callback_that_raises_costs_its_message_only() -> None:
    async def scene() -> None:
        caught: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: caught.append(context["exception"]))
        async with wire() as ours, wire() as theirs:
            seen: list[bytes] = []

            def on_message(topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
                if sequence == 2:
                    raise ValueError("the owner's bug")
                seen.append(bytes(payload))

            publisher = ours.publisher(ANY_PORT)
            theirs.subscriber(publisher.endpoint, ["t"], on_message)
            assert await publisher.wait_subscribed("t", 5)
            for value in (b"1", b"2", b"3"):
                publisher.publish("t", value)
            await eventually(lambda: seen == [b"1", b"3"])
            assert [str(error) for error in caught] == ["the owner's bug"]

    run(scene)


def test_every_message_reaches_the_tap_and_a_null_tap_is_not_called() -> None:
    async def scene() -> None:
        tap = ListTap()
        async with wire(tap=tap) as ours, wire(tap=NullTap()) as theirs:
            inbox = Inbox()
            publisher = ours.publisher(ANY_PORT, vital=True, name="signals")
            theirs.subscriber(publisher.endpoint, ["halt"], inbox)
            again = ours.subscriber(publisher.endpoint, ["halt"], inbox)
            await eventually(lambda: publisher.subscribers == 2)
            publisher.publish("halt", b"now")
            await eventually(lambda: len(inbox.messages) == 2)
            assert tap.records == [
                (Direction.SENT, "signals", "halt", b"now", True),
                (Direction.RECEIVED, again.endpoint, "halt", b"now", False),
            ]

    run(scene)


def test_what_was_sent_to_be_recorded_later_is_recorded_once_in_order_and_at_the_latest_with_the_end() -> None:
    async def scene() -> None:
        tap = ListTap()
        async with wire(tap=tap) as ours:
            publisher = ours.publisher(ANY_PORT, name="market")
            tick, trade = publisher.stream("tick"), publisher.stream("trade")
            trade.send(b"1", 0, record_later=True)
            tick.send(b"2", 0, record_later=True)
            assert tap.records == []
            publisher.record_sent()
            publisher.record_sent()
            tick.send(b"3", 0)
            tick.send(b"4", 0, record_later=True)
        assert [(topic, payload) for _, _, topic, payload, _ in tap.records] == [
            ("trade", b"1"), ("tick", b"2"), ("tick", b"3"), ("tick", b"4"),
        ]  # fmt: skip

    run(scene)


def test_what_cannot_be_sent_is_refused_by_name() -> None:
    async def scene() -> None:
        async with wire() as ours:
            publisher = ours.publisher(ANY_PORT)
            stream = publisher.stream("t")
            with pytest.raises(BadTopic):
                publisher.publish("x" * 32, b"")
            with pytest.raises(PayloadTooLarge):
                stream.send(bytes((1 << 20) + 1), 0)
            publisher.close()
            publisher.close()
            with pytest.raises(ChannelClosed):
                stream.send(b"", 0)
            assert stream.next_sequence == 1

    run(scene)


def test_a_last_burst_before_the_close_arrives() -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with wire() as theirs:
            async with wire() as ours:
                publisher = ours.publisher(ANY_PORT)
                theirs.subscriber(publisher.endpoint, "signal.", inbox)
                assert await publisher.wait_subscribed("signal.halt", 5)
                for number in range(5000):
                    publisher.publish("signal.halt", b"%d" % number)
            await eventually(lambda: len(inbox.messages) == 5000)

    run(scene)


def test_a_bad_topic_of_a_subscriber_leaves_nothing_open() -> None:
    async def scene() -> None:
        async with wire() as ours:
            with pytest.raises(BadTopic):
                ours.subscriber("tcp://127.0.0.1:1", ["tick.", "x" * 32], Inbox())

    run(scene)


def test_a_stream_that_renews_itself_answers_newcomers_and_who_asks_again_with_how_things_stand_now() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            publisher, stands = ours.publisher(ANY_PORT), 1
            stream = publisher.stream("trades.X")
            stream.renew = lambda: stream.send(b"%d" % stands, 5)
            inbox = Inbox()
            subscriber = theirs.subscriber(publisher.endpoint, ["trades.X"], inbox)
            await eventually(lambda: inbox.messages == [("trades.X", 1, 5, b"1")])
            stands = 2
            subscriber.ask_again("trades.X")
            await eventually(lambda: inbox.messages[1:] == [("trades.X", 2, 5, b"2")])
            with pytest.raises(BadTopic):
                subscriber.ask_again("x" * 40)
            assert (subscriber.gaps, subscriber.duplicates) == (0, 0)

    run(scene)
