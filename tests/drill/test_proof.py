"""The proof that nothing passed after a latch, on records made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.blackbox import Direction, Record
from tests.drill.proof import (
    Accepted,
    Halted,
    Proof,
    Sent,
    accepted_by_exchange,
    prove,
    received_by_exchange,
    sent_by_engine,
)

HALT = Halted(id="h1", latched_ns=1_000, confirmed_ns=3_000, until_ns=5_000)


def record(at_ns: int, topic: str, body: Any, direction: Direction = Direction.SENT) -> Record:
    return Record(
        process="engine", monotonic_ns=at_ns, wall_ns=0, direction=direction, channel="venue", topic=topic,
        payload=orjson.dumps(body),
    )  # fmt: skip


def proof(sent: list[Sent], accepted: list[Accepted], *, halt: Halted = HALT, received: list[Sent] = []) -> Proof:  # noqa: B006
    return prove([halt], sent=sent, received=received, accepted=accepted, ours="rig")


def test_orders_are_found_in_rest_and_in_websocket_frames_and_cancels_are_none() -> None:
    records = [
        record(1, "POST /api/v5/trade/order", {"clOrdId": "a"}),
        record(2, "POST /api/v5/trade/order-algo", {"algoClOrdId": "b"}),
        record(3, "ws/private", {"id": "1", "op": "batch-orders", "args": [{"clOrdId": "c"}, {"clOrdId": "d"}]}),
        record(4, "POST /api/v5/trade/cancel-batch-orders", [{"ordId": "1"}]),
        record(5, "POST /api/v5/trade/cancel-all-after", {"timeOut": "30"}),
        record(6, "ws/private", {"op": "subscribe", "args": [{"channel": "orders"}]}),
        record(7, "GET /api/v5/trade/order", {"clOrdId": "a"}),
        record(8, "ws/private", {"id": "1", "op": "order", "args": [{"clOrdId": "e"}]}, Direction.RECEIVED),
    ]
    assert sent_by_engine(records) == [
        Sent(1, "trade/order", "a"), Sent(2, "trade/order-algo", "b"), Sent(3, "batch-orders", "c"),
        Sent(3, "batch-orders", "d"),
    ]  # fmt: skip
    assert received_by_exchange(records) == [Sent(8, "order", "e")]


def test_an_order_is_accepted_once_and_ends_once_and_a_stop_of_the_venue_is_no_order_of_ours() -> None:
    plain = {"kind": "order", "ordId": "1", "clOrdId": "a", "algoId": "", "state": "live", "mono_ns": 10}
    rows = [
        plain, plain | {"state": "partially_filled", "mono_ns": 11}, plain | {"state": "canceled", "mono_ns": 12},
        plain | {"ordId": "2", "clOrdId": "", "mono_ns": 13}, plain | {"ordId": "3", "algoId": "9"},
        plain | {"kind": "algo"},
    ]  # fmt: skip
    notes = [record(0, "a", row, Direction.NOTE) for row in rows]
    assert accepted_by_exchange(notes) == [Accepted(10, "a", 12), Accepted(13, "2", None)]


def test_what_is_sent_after_the_latch_is_a_violation_until_the_resume() -> None:
    sent = [Sent(at, "order", f"o{at}") for at in (999, 1_001, 4_999, 5_001)]
    taken = [Accepted(999, "o999", 2_000)]
    found = proof(sent, taken)
    assert found.violations == [
        "halt h1: order o1001 was sent 0.000 ms after the latch",
        "halt h1: order o4999 was sent 0.004 ms after the latch",
    ]
    assert (found.sent, found.accepted, found.dropped, found.chased) == (4, 1, 3, 0)


def test_an_order_in_flight_is_chased_and_has_to_be_gone_when_the_venue_says_zero() -> None:
    sent = [Sent(990, "order", "a")]
    assert proof(sent, [Accepted(1_500, "a", 2_999)]) == Proof(sent=1, accepted=1, chased=1)
    for ended_ns in (3_001, None):
        (text,) = proof(sent, [Accepted(1_500, "a", ended_ns)]).violations
        assert text.endswith("and was still there when the venue said zero")


def test_an_order_that_nobody_sent_is_a_violation_unless_a_killed_engines_venue_had_it_before() -> None:
    other, accepted = [Sent(1, "order", "x")], [Accepted(1_500, "a", 2_000)]
    early, late = [Sent(999, "order", "a")], [Sent(1_001, "order", "a")]
    killed = replace(HALT, killed=True)
    assert proof(other, accepted, received=early).violations[0].endswith("nobody recorded that it was sent")
    assert proof(other, accepted, halt=killed, received=early) == Proof(
        sent=1, accepted=1, chased=1, unrecorded=1, dropped=1
    )
    assert proof(other, accepted, halt=killed, received=late).violations[0].endswith("arrived 0.000 ms after it")


def test_what_a_killed_engine_sent_at_the_very_latch_is_undecided_within_the_time_of_an_orders_way() -> None:
    ways = {**dict.fromkeys(range(99), 20), 99: 400}  # of the hundred one took long
    sent = [Sent(10, "order", f"o{number}") for number in ways]
    killed = replace(HALT, killed=True)

    def judged(arrived_ns: int, *, halt: Halted = killed, ended_ns: int = 2_000) -> Proof:
        received = [Sent(10 + way, "order", f"o{number}") for number, way in ways.items()]
        received.append(Sent(arrived_ns, "order", "a"))
        return proof(sent, [Accepted(1_500, "a", ended_ns)], received=received, halt=halt)

    for arrived_ns, undecided in ((1_000, 0), (1_001, 1), (1_020, 1)):
        found = judged(arrived_ns)
        assert (found.violations, found.chased, found.unrecorded, found.undecided) == ([], 1, 1, undecided)
    for bad, end in (
        (judged(1_021), "arrived 0.000 ms after it"),
        (judged(1_001, halt=HALT), "nobody recorded that it was sent"),
        (judged(1_001, ended_ns=3_001), "still there when the venue said zero"),
    ):
        (text,) = bad.violations
        assert text.endswith(end)
        assert (bad.chased, bad.unrecorded, bad.undecided) == (0, 0, 0)


def test_nothing_sent_proves_nothing_and_what_the_drill_placed_does_not_count() -> None:
    found = proof([Sent(2_000, "order", "rig1")], [Accepted(2_000, "rig1")])
    assert found.violations == ["0 orders sent and 0 accepted: nothing is proved"]


@given(st.lists(st.tuples(st.integers(0, 6_000), st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=20))
def test_without_a_violation_every_order_was_sent_outside_the_halt(times: list[tuple[int, int, int]]) -> None:
    sent = [Sent(at, "order", str(number)) for number, (at, _, _) in enumerate(times)]
    accepted = [Accepted(at + way, str(n), at + way + life) for n, (at, way, life) in enumerate(times)]
    found = proof(sent, accepted)
    inside = [one for one in sent if 1_000 < one.at_ns < 5_000]
    if not found.violations:
        assert not inside
        late = [one for one in accepted if 1_000 < one.at_ns < 5_000]
        assert (found.chased, all(one.ended_ns <= 3_000 for one in late)) == (len(late), True)
    else:
        assert len(found.violations) >= len(inside)
