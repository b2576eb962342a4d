"""What `panic` asks of a venue, without a venue: every answer that can go wrong, and that only its word ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.venue.calls import Call, Pause, Reply, Said
from engine.venue.sweep import Sweep, Tally

SWAP = "BTC-USDT-SWAP"
NO_ANSWER = Reply(code=None, text="RequestTimeout")
BUSY = Reply(code="50011", text="Too Many Requests")
DOWN = Reply(code="50001", text="Service temporarily unavailable")


@dataclass
class FakeVenue:
    """An account. `spoil`: what to answer instead of doing a call, and whether it is done all the same."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    algos: list[dict[str, Any]] = field(default_factory=list)
    held: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    spoil: Callable[[Call], tuple[Reply, bool] | None] = lambda call: None
    calls: list[Call] = field(default_factory=list)

    def answer(self, call: Call) -> Reply:
        self.calls.append(call)
        spoiled = self.spoil(call)
        if spoiled is None:
            return self._do(call)
        if spoiled[1]:
            self._do(call)
        return spoiled[0]

    def _do(self, call: Call) -> Reply:
        match call.path:
            case "trade/orders-pending":
                return _page(self.orders, call, "ordId")
            case "trade/orders-algo-pending":
                return _page([row for row in self.algos if row["ordType"] == call.params["ordType"]], call, "algoId")
            case "trade/cancel-batch-orders":
                return self._cancel(self.orders, call, "ordId", 20)
            case "trade/cancel-algos":
                return self._cancel(self.algos, call, "algoId", 10)
            case "account/positions":
                rows = [
                    {"instId": inst, "instType": "SWAP", "mgnMode": "isolated", "posSide": side, "pos": str(pos)}
                    for (inst, side), pos in self.held.items()
                ]
                return Reply(code="0", rows=tuple(rows))
            case "trade/close-position":
                self.held.pop((call.params["instId"], call.params.get("posSide", "net")), None)
                return Reply(code="0", rows=({"instId": call.params["instId"]},))
            case "trade/order":
                self.held.pop((call.params["instId"], call.params.get("posSide", "net")), None)
                return Reply(code="0", rows=({"sCode": "0", "clOrdId": call.params["clOrdId"]},))
        raise AssertionError(call)

    @staticmethod
    def _cancel(rows: list[dict[str, Any]], call: Call, name: str, most: int) -> Reply:
        assert 0 < len(call.params) <= most
        assert len({one["instId"] for one in call.params}) == 1
        answers = []
        for one in call.params:
            found = next((row for row in rows if row[name] == one[name]), None)
            if found is not None:
                rows.remove(found)
            code = "0" if found is not None else "51400"
            answers.append({name: one[name], "sCode": code, "sMsg": "" if found is not None else "does not exist"})
        failed = sum(one["sCode"] != "0" for one in answers)
        return Reply(code="0" if not failed else "1" if failed == len(answers) else "2", rows=tuple(answers))


def _page(rows: list[dict[str, Any]], call: Call, name: str) -> Reply:
    newest_first = sorted(rows, key=lambda row: -int(row[name]))
    older = [row for row in newest_first if int(row[name]) < int(call.params.get("after", 10**9))]
    return Reply(code="0", rows=tuple(older[: int(call.params["limit"])]))


def orders(count: int, *, inst: str = SWAP, first: int = 1) -> list[dict[str, Any]]:
    return [{"instId": inst, "ordId": str(n)} for n in range(first, first + count)]


def algos(*kinds: str) -> list[dict[str, Any]]:
    return [{"instId": SWAP, "algoId": str(n), "ordType": kind} for n, kind in enumerate(kinds, 1)]


def carry_out(
    venue: FakeVenue, *, flatten: bool = False, instrument: str = "", most: int = 5_000
) -> tuple[Tally, list[Said], list[Pause]]:
    sweep = Sweep(flatten=flatten, instrument=instrument)
    steps = sweep.steps()
    said: list[Said] = []
    pauses: list[Pause] = []
    reply: Reply | None = None
    for _ in range(most):
        try:
            item = steps.send(reply)
        except StopIteration:
            break
        reply = venue.answer(item) if isinstance(item, Call) else None
        if isinstance(item, Said):
            said.append(item)
        elif isinstance(item, Pause):
            pauses.append(item)
    return sweep.tally, said, pauses


def strikes(replies: dict[int, tuple[Reply, bool]]) -> Callable[[Call], tuple[Reply, bool] | None]:
    """Spoils the calls of these numbers."""
    count = iter(range(10**6))
    return lambda call: replies.get(next(count))


def test_nothing_open_is_asked_twice_and_confirmed() -> None:
    venue = FakeVenue(held={(SWAP, "net"): Decimal(3)}, algos=algos("oco"))
    tally, said, pauses = carry_out(venue)
    assert tally == Tally(open_orders=0, confirmed=True)
    assert [str(call) for call in venue.calls] == ["GET trade/orders-pending"] * 2
    assert pauses == [Pause(seconds=0.25)]
    assert [one.step for one in said] == ["zero", "confirmed"]


@pytest.mark.parametrize("count", [1, 50, 100, 130, 400])
def test_all_pages_are_canceled_in_batches_of_one_instrument(count: int) -> None:
    venue = FakeVenue(orders=orders(count) + orders(3, inst="ETH-USDT-SWAP", first=1000))
    tally, said, _ = carry_out(venue)
    assert (tally.confirmed, tally.canceled, venue.orders) == (True, {"ordId": count + 3, "algoId": 0}, [])
    assert said[0] == Said(step="orders", text=f"{min(100, count + 3)} open")


def test_flatten_cancels_algo_orders_of_all_types_and_closes_every_position() -> None:
    venue = FakeVenue(
        orders=orders(2), algos=algos("conditional", "oco", "trigger", "move_order_stop", "iceberg", "twap", "chase"),
        held={(SWAP, "long"): Decimal(5), (SWAP, "short"): Decimal(2), ("ETH-USDT-SWAP", "net"): Decimal(-1)},
    )  # fmt: skip
    tally, _, _ = carry_out(venue, flatten=True)
    assert tally == Tally(
        open_orders=0, open_algos=0, open_positions=0, canceled={"ordId": 2, "algoId": 7}, closes_sent=3, confirmed=True
    )
    closings = [call.params for call in venue.calls if call.path == "trade/close-position"]
    assert closings == [
        {"instId": SWAP, "mgnMode": "isolated", "autoCxl": True, "posSide": "long"},
        {"instId": SWAP, "mgnMode": "isolated", "autoCxl": True, "posSide": "short"},
        {"instId": "ETH-USDT-SWAP", "mgnMode": "isolated", "autoCxl": True},
    ]


def test_one_instrument_is_asked_for_by_name() -> None:
    venue = FakeVenue()
    carry_out(venue, flatten=True, instrument=SWAP)
    assert {call.params["instId"] for call in venue.calls} == {SWAP}


def test_a_position_whose_close_is_refused_is_reduced_at_market_and_then_closed_again() -> None:
    held = {(SWAP, "net"): Decimal("-2.5")}
    refused = Reply(code="1", rows=({"sCode": "51115", "sMsg": "Cancel all pending close orders"},))
    venue = FakeVenue(held=held)
    sent: list[Any] = []

    def spoil(call: Call) -> tuple[Reply, bool] | None:
        if call.path == "trade/order":
            sent.append(dict(call.params))
            return Reply(code="0", rows=({"sCode": "0"},)), False
        if call.path == "trade/close-position" and not sent:
            return refused, False
        return None

    venue.spoil = spoil
    tally, said, _ = carry_out(venue, flatten=True)
    assert (tally.confirmed, tally.closes_sent, held) == (True, 3, {})
    assert sent == [
        {"instId": SWAP, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "2.5", "clOrdId": "panic1",
         "reduceOnly": True}
    ]  # fmt: skip
    assert Said(step="close", text="POST trade/close-position: Cancel all pending close orders", code="51115") in said


def test_a_venue_without_twap_and_chase_is_flat_all_the_same_but_not_one_that_hides_its_stops() -> None:
    unknown = Reply(code="51000", text="Parameter ordType error")
    venue = FakeVenue(spoil=lambda call: (unknown, False) if call.params.get("ordType") in {"twap", "chase"} else None)
    assert carry_out(venue, flatten=True)[0].confirmed
    venue = FakeVenue(spoil=lambda call: (unknown, False) if call.params.get("ordType") == "oco" else None)
    tally, _, _ = carry_out(venue, flatten=True, most=300)
    assert (tally.confirmed, tally.open_algos) == (False, None)


def test_keys_that_the_venue_refuses_end_it_at_once() -> None:
    venue = FakeVenue(orders=orders(1), spoil=lambda call: (Reply(code="50113", text="Invalid Sign"), False))
    tally, said, pauses = carry_out(venue)
    line = "GET trade/orders-pending: Invalid Sign"
    assert tally == Tally(keys_refused="50113", problems={f"{line} (50113)": 1})
    assert (len(venue.calls), said, pauses) == (1, [Said(step="orders", text=line, code="50113")], [])


def test_a_clock_that_is_off_is_looked_at_again() -> None:
    off = Reply(code="50102", text="Timestamp request expired")
    _, _, pauses = carry_out(FakeVenue(spoil=strikes({0: (off, False)})))
    assert pauses[0] == Pause(seconds=0.1, resync=True)


def test_it_backs_off_longer_and_longer_and_forgets_it_after_an_answer() -> None:
    spoiled = dict.fromkeys(range(7), (BUSY, False)) | {8: (NO_ANSWER, False)}
    _, _, pauses = carry_out(FakeVenue(orders=orders(1), spoil=strikes(spoiled)))
    backing_off = [pause.seconds for pause in pauses if pause.seconds not in {0.05, 0.25}]
    assert backing_off == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 0.1]


def test_an_order_that_arrives_after_the_first_zero_is_seen_by_the_second_look() -> None:
    venue = FakeVenue()

    def spoil(call: Call) -> None:
        if len(venue.calls) == 2:
            venue.orders += orders(1)

    venue.spoil = spoil
    tally, _, _ = carry_out(venue)
    assert (tally.confirmed, tally.canceled["ordId"], venue.orders) == (True, 1, [])


def test_rows_that_make_no_sense_are_open_and_do_not_stop_it() -> None:
    answers = {
        "trade/orders-pending": Reply(code="0", rows=({"state": "live"},)),
        "trade/orders-algo-pending": Reply(code="0"),
        "account/positions": Reply(
            code="0", rows=({"instId": SWAP, "instType": "SWAP", "mgnMode": "cross", "pos": "much"},)
        ),
    }
    no = Reply(code="51000", text="Parameter error")
    venue = FakeVenue(spoil=lambda call: (answers.get(call.path, no), False))
    tally, _, _ = carry_out(venue, flatten=True, most=300)
    assert (tally.confirmed, tally.open_orders, tally.open_algos, tally.open_positions) == (False, 1, 0, 1)


_REPLIES = st.sampled_from(
    [NO_ANSWER, BUSY, DOWN, Reply(code="50004", text="timeout"), Reply(code="50026"), Reply(code="1"), Reply(code="7")]
)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 230), flatten=st.booleans(),
    spoiled=st.dictionaries(st.integers(0, 60), st.tuples(_REPLIES, st.booleans()), max_size=25),
    kinds=st.lists(st.sampled_from(["conditional", "oco", "trigger"]), max_size=25),
)  # fmt: skip
def test_whatever_goes_wrong_for_a_while_it_ends_confirmed_and_what_it_says_is_true(
    count: int, flatten: bool, spoiled: dict[int, tuple[Reply, bool]], kinds: list[str]
) -> None:
    held = {(SWAP, "net"): Decimal(4)}
    venue = FakeVenue(orders=orders(count), algos=algos(*kinds), held=held, spoil=strikes(spoiled))
    tally, _, _ = carry_out(venue, flatten=flatten)
    assert (tally.confirmed, tally.open_orders, venue.orders) == (True, 0, [])
    if flatten:
        assert (tally.open_algos, tally.open_positions, venue.algos, held) == (0, 0, [], {})
    else:
        assert (len(venue.algos), held) == (len(kinds), {(SWAP, "net"): Decimal(4)})
        assert {call.path for call in venue.calls} <= {"trade/orders-pending", "trade/cancel-batch-orders"}
