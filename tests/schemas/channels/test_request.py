from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import zmq

from schemas.channels import (
    AlreadyAnswered,
    AnswerLost,
    ChannelClosed,
    Direction,
    Keyring,
    PayloadTooLarge,
    PeerDown,
    Reply,
    RequestTimeout,
)
from schemas.channels.reply import AT_ONCE
from tests.schemas.channels.support import ANY_PORT, ListTap, Turns, eventually, refuses, run, wire


def echo(payload: memoryview, reply: Reply) -> None:
    reply(b"re:" + payload)


@pytest.mark.parametrize("keys", [None, Keyring.generate()], ids=["plain", "curve"])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_request_is_answered_and_taped(keys: Keyring | None, transport: str, tmp_path: Path) -> None:
    async def scene() -> None:
        tap = ListTap()
        endpoint = ANY_PORT if transport == "tcp" else f"ipc://{tmp_path}/orders"
        async with wire(keys, tap) as ours, wire(keys) as theirs:
            replier = ours.replier(endpoint, echo)
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            assert await requester.request(b"hi", 5) == b"re:hi"
            answers: list[bytes | RequestTimeout] = []
            requester.request_nowait(b"ho", answers.append, 5)
            await eventually(lambda: answers == [b"re:ho"])
            assert tap.records[:2] == [
                (Direction.RECEIVED, replier.endpoint, "request", b"hi", True),
                (Direction.SENT, replier.endpoint, "reply", b"re:hi", True),
            ]
            assert (replier.received, replier.pending, requester.in_flight) == (2, [], 0)

    run(scene)


def test_fifty_requests_at_once_are_answered_in_any_order() -> None:
    async def scene() -> None:
        held: list[tuple[bytes, Reply]] = []

        def handler(payload: memoryview, reply: Reply) -> None:
            if payload == b"0":
                held.append((bytes(payload), reply))
            else:
                echo(payload, reply)

        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, handler)
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            slow = asyncio.ensure_future(requester.request(b"0", 10))
            others = await asyncio.gather(*(requester.request(b"%d" % n, 10) for n in range(1, 50)))
            assert others == [b"re:%d" % n for n in range(1, 50)]
            assert not slow.done()
            assert replier.pending == [held[0][1]]
            assert held[0][1](b"last")
            assert await slow == b"last"

    run(scene)


def test_a_crowd_of_requests_leaves_the_loop_to_others_in_between() -> None:
    async def scene() -> None:
        turns = Turns()

        def handler(payload: memoryview, reply: Reply) -> None:
            turns.handle()
            echo(payload, reply)

        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, handler)
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            await asyncio.gather(*(requester.request(b"%d" % n, 10) for n in range(40 * AT_ONCE)))
            assert (sum(turns.handled), replier.received) == (40 * AT_ONCE, 40 * AT_ONCE)
            assert max(turns.handled) <= AT_ONCE

    run(scene)


@pytest.mark.parametrize("correlate", [False, True])
def test_a_plain_req_peer_is_served(correlate: bool) -> None:
    async def scene() -> None:
        async with wire() as ours:
            replier = ours.replier(ANY_PORT, echo)

            def ask() -> list[bytes]:
                with zmq.Context() as context, context.socket(zmq.REQ) as raw:
                    raw.linger = 0
                    raw.rcvtimeo = 5000
                    raw.setsockopt(zmq.REQ_CORRELATE, int(correlate))
                    raw.setsockopt(zmq.REQ_RELAXED, int(correlate))
                    raw.connect(replier.endpoint)
                    answers = []
                    for question in (b"1", b"2"):
                        raw.send(question)
                        answers.append(raw.recv())
                    return answers

            assert await asyncio.to_thread(ask) == [b"re:1", b"re:2"]

    run(scene)


def test_a_timed_out_request_is_unknown_its_late_answer_dropped_and_the_next_works() -> None:
    async def scene() -> None:
        held: list[Reply] = []
        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, lambda payload, reply: held.append(reply))
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            with pytest.raises(RequestTimeout, match="outcome is unknown"):
                await requester.request(b"slow", 0.02)
            await eventually(lambda: len(held) == 1)
            held[0](b"late")
            await eventually(lambda: requester.late == 1)
            again = asyncio.ensure_future(requester.request(b"again", 5))
            await eventually(lambda: len(held) == 2)
            held[1](b"in time")
            assert await again == b"in time"
            assert (requester.timeouts, requester.in_flight) == (1, 0)

    run(scene)


def test_a_restarted_replier_is_found_again_and_none_is_peer_down() -> None:
    async def scene() -> None:
        async with wire() as theirs:
            async with wire() as first:
                endpoint = first.replier(ANY_PORT, echo).endpoint
                requester = theirs.requester(endpoint)
                assert await requester.wait_connected(5)
                assert await requester.request(b"1", 5) == b"re:1"
            await eventually(lambda: not requester.connected)
            with pytest.raises(PeerDown, match="was not sent"):
                await requester.request(b"2", 5)
            async with wire() as second:
                second.replier(endpoint, echo)
                assert await requester.wait_connected(5)
                assert await requester.request(b"3", 5) == b"re:3"

    run(scene)


def test_a_closed_replier_refuses_connections_at_once() -> None:
    async def scene() -> None:
        held: list[Reply] = []
        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, lambda payload, reply: held.append(reply))
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            asked = asyncio.ensure_future(requester.request(b"order", 5))
            await eventually(lambda: len(held) == 1)
            assert not refuses(replier.endpoint)
            for reply in replier.pending:
                reply(b"halted")
            replier.close()
            assert refuses(replier.endpoint)
            assert await asked == b"halted"
            assert not requester.closed

    run(scene)


def test_an_answer_goes_out_once_and_not_after_the_close() -> None:
    async def scene() -> None:
        held: list[Reply] = []
        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, lambda payload, reply: held.append(reply))
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            for _ in range(2):
                requester.request_nowait(b"order", lambda answer: None, 5)
            await eventually(lambda: len(held) == 2)
            with pytest.raises(PayloadTooLarge):
                held[0](bytes((1 << 20) + 1))
            assert held[0](b"1")
            with pytest.raises(AlreadyAnswered):
                held[0](b"2")
            replier.close()
            assert not held[1](b"too late")
            assert replier.undelivered == 1

    run(scene)


def test_an_answer_to_a_peer_that_is_gone_is_counted() -> None:
    async def scene() -> None:
        held: list[Reply] = []
        async with wire() as ours:
            replier = ours.replier(ANY_PORT, lambda payload, reply: held.append(reply))
            async with wire() as theirs:
                requester = theirs.requester(replier.endpoint)
                assert await requester.wait_connected(5)
                for _ in range(200):
                    requester.request_nowait(b"order", lambda answer: None, 5)
                await eventually(lambda: len(held) == 200)
            answers = iter(held)
            await eventually(lambda: not next(answers)(b"x"))
            assert replier.undelivered == 1

    run(scene)


def test_what_is_no_request_is_counted_and_dropped() -> None:
    async def scene() -> None:
        async with wire() as ours:
            replier = ours.replier(ANY_PORT, echo)
            with zmq.Context() as context, context.socket(zmq.DEALER) as raw:
                raw.linger = 0
                raw.connect(replier.endpoint)
                raw.send_multipart([b"no delimiter"])
                raw.send_multipart([b"a", b"b", b"c"])
                raw.send_multipart([b"", b"two", b"bodies"])
                raw.send_multipart([b""])
                raw.send_multipart([b"x"] * 40 + [b"", b"deep"])
                raw.send_multipart([b"", bytes((1 << 20) + 1)])
                raw.send_multipart([b"\x01 short"])
                raw.send_multipart([b"\x01 too long" + bytes(1 << 20)])
                raw.send_multipart([b"\x02 not an ask"])
                await eventually(lambda: replier.malformed == 9)
                raw.send_multipart([b"", b"fine"])
                await eventually(lambda: replier.received == 1)
                assert raw.poll(5000)
                assert raw.recv_multipart() == [b"", b"re:fine"]
                raw.send_multipart([b"\x01corr-8b.one frame"])
                assert await asyncio.to_thread(raw.poll, 5000)
                assert raw.recv_multipart() == [b"\x01corr-8b.re:one frame"]
                raw.send_multipart([b"", bytes(3 << 20)])  # libzmq hangs up on this one
                await asyncio.to_thread(raw.poll, 50)
                assert (replier.malformed, replier.received) == (9, 2)

    run(scene)


def test_what_is_no_answer_is_counted_and_dropped_and_the_answer_still_arrives() -> None:
    async def scene() -> None:
        async with wire() as theirs:
            with zmq.Context() as context, context.socket(zmq.ROUTER) as raw:
                raw.linger = 0
                port = raw.bind_to_random_port("tcp://127.0.0.1")
                requester = theirs.requester(f"tcp://127.0.0.1:{port}")
                assert await requester.wait_connected(5)
                asked = asyncio.ensure_future(requester.request(b"hi", 5))
                assert await asyncio.to_thread(raw.poll, 5000)
                peer, question = raw.recv_multipart()
                begins, body = question[:9], question[9:]
                assert (begins[:1], body) == (b"\x01", b"hi")
                for wrong in ([b"\x01 short"], [b"\x02" + question], [begins, b"two"], [begins + bytes((1 << 20) + 1)]):
                    raw.send_multipart([peer, *wrong])
                raw.send_multipart([peer, b"\x01another.late"])
                raw.send_multipart([peer, begins + b"ho"])
                assert await asked == b"ho"
                assert (requester.malformed, requester.late, requester.in_flight) == (4, 1, 0)

    run(scene)


def test_too_many_unanswered_requests_are_refused_not_queued() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, lambda payload, reply: None)
            requesters = [theirs.requester(replier.endpoint) for _ in range(2)]
            for requester in requesters:
                assert await requester.wait_connected(5)
            for number in range(1000):
                requesters[0].request_nowait(b"", lambda answer: None, 20)
                if number % 100 == 0:
                    await asyncio.sleep(0)
            with pytest.raises(PeerDown, match="1000 requests are unanswered"):
                requesters[0].request_nowait(b"", lambda answer: None, 20)
            assert requesters[0].in_flight == 1000
            await eventually(lambda: replier.received == 1000)
            requesters[1].request_nowait(b"", lambda answer: None, 20)
            await eventually(lambda: replier.refused == 1)
            assert len(replier.pending) == 1000

    run(scene)


def test_closing_a_requester_tells_whoever_waits_and_cancelling_forgets() -> None:
    async def scene() -> None:
        async with wire() as ours, wire() as theirs:
            replier = ours.replier(ANY_PORT, lambda payload, reply: None)
            requester = theirs.requester(replier.endpoint)
            assert await requester.wait_connected(5)
            cancelled = asyncio.ensure_future(requester.request(b"1", 5))
            waiting = asyncio.ensure_future(requester.request(b"2", 5))
            await eventually(lambda: replier.received == 2)
            cancelled.cancel()
            await eventually(lambda: requester.in_flight == 1)
            requester.close()
            with pytest.raises(RequestTimeout):
                await waiting
            with pytest.raises(ChannelClosed):
                await requester.request(b"3", 5)

    run(scene)


def test_answers_given_just_before_the_close_arrive_even_at_a_peer_that_reads_late() -> None:
    """libzmq throws away what an IMMEDIATE socket has not read when its connection ends: hence a socket each."""

    async def scene() -> None:
        for _ in range(10):
            held: list[Reply] = []
            async with wire() as ours, wire() as theirs:
                replier = ours.replier(ANY_PORT, lambda payload, reply, held=held: held.append(reply))
                requester = theirs.requester(replier.endpoint)
                assert await requester.wait_connected(5)
                asked = [asyncio.ensure_future(requester.request(b"order", 5)) for _ in range(5)]
                await eventually(lambda held=held: len(held) == 5)
                for reply in replier.pending:
                    reply(b"halted")
                replier.close()
                assert refuses(replier.endpoint)  # meanwhile nobody reads
                assert await asyncio.gather(*asked) == [b"halted"] * 5
                await eventually(lambda requester=requester: not requester.connected)

    run(scene)


def test_a_broken_connection_is_told_at_once_and_its_requests_never_reach_the_next_peer() -> None:
    async def scene() -> None:
        async with wire() as theirs:
            async with wire() as first:
                replier = first.replier(ANY_PORT, lambda payload, reply: None)
                requester = theirs.requester(replier.endpoint)
                assert await requester.wait_connected(5)
                asked = asyncio.ensure_future(requester.request(b"old", 60))
                await eventually(lambda: replier.received == 1)
                replier.close()
                for _ in range(10):  # the loop has not run: the requester does not know yet
                    requester.request_nowait(b"old", lambda answer: None, 60)
                with pytest.raises(AnswerLost, match="outcome is unknown"):
                    await asked
            seen: list[bytes] = []

            def handler(payload: memoryview, reply: Reply) -> None:
                seen.append(bytes(payload))
                echo(payload, reply)

            async with wire() as second:
                second.replier(replier.endpoint, handler)
                assert await requester.wait_connected(5)
                assert await requester.request(b"new", 5) == b"re:new"
                assert seen == [b"new"]
                assert requester.connections == 2

    run(scene)
