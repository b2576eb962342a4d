"""Faults of trading: partial fills, a cancel that comes too late, protection that is late or missing."""

from __future__ import annotations

from typing import Any

import pytest

from engine.exchange.faults.switchboard import Fault
from engine.exchange.market.events import Change, Print
from engine.exchange.notes import OrderNote
from tests.engine.exchange.faults.support import LIMIT, MARKET, PROTECTED, SWAP, Rig, audit


def told(rig: Rig) -> list[tuple[str, str, str]]:
    rows = [note.row for note in rig.exchange.notes if isinstance(note, OrderNote)]
    return [(row["state"], row["accFillSz"], row["cancelSource"]) for row in rows]


@pytest.mark.parametrize("kind", [{"ordType": "market"}, {"ordType": "ioc", "px": "64000"}])
def test_partial_fills_leave_an_immediate_order_with_its_share_and_cancel_the_rest(kind: dict[str, str]) -> None:
    rig = Rig(Fault(name="partial_fills", times=1, share=0.29))
    order = rig.venue.place(sz="1", **kind)
    assert (order.state, order.filled, order.cancel_source) == ("canceled", 29, "14")
    assert told(rig) == [("live", "0", ""), ("partially_filled", "0.29", ""), ("canceled", "0.29", "14")]
    assert rig.venue.place(sz="1", **kind).state == "filled"
    audit(rig.venue)


def test_partial_fills_spare_fok_and_what_has_no_part_and_what_the_book_does_not_have() -> None:
    rig = Rig(Fault(name="partial_fills", share=0.5))
    assert rig.venue.place(ordType="fok", px="64000", sz="1").state == "filled"
    assert rig.venue.place(sz="0.01").state == "filled"
    rig.venue.market(Change("sell", 640_000, 20, 1), Change("sell", 640_001, 0, 0))
    assert rig.venue.place(ordType="ioc", px="64000", sz="1").filled == 20
    assert rig.faults.injected() == {}
    audit(rig.venue)


def test_partial_fills_slice_what_the_flow_gives_to_a_resting_order() -> None:
    rig = Rig(Fault(name="partial_fills", times=1, share=0.4))
    volume = rig.exchange.market.candles.forming("1m").lots
    order = rig.venue.place(ordType="limit", px="63999.9", sz="1")
    rig.venue.market(Print("sell", 639_999, 10_100 + 50, 3))
    assert [fill.lots for fill in rig.exchange.desk.orders.fills] == [40, 40, 20]
    assert (order.state, len({fill.trade_id for fill in rig.exchange.desk.orders.fills})) == ("filled", 3)
    assert rig.exchange.market.candles.forming("1m").lots - volume == 10_150
    assert sum(trade.lots for trade in rig.exchange.market.trades) == 10_150
    audit(rig.venue)


def test_partial_fills_slice_what_a_moving_book_gives_to_a_resting_order() -> None:
    rig = Rig(Fault(name="partial_fills", times=1, share=0.4))
    order = rig.venue.place(ordType="limit", px="63999.9", sz="1")
    rig.venue.market(Change("buy", 639_999, 0, 0), Change("sell", 639_999, 500, 1))
    assert [(fill.lots, fill.px) for fill in rig.exchange.desk.orders.fills] == [
        (40, 639_999),
        (40, 639_999),
        (20, 639_999),
    ]
    assert (order.state, rig.faults.injected()) == ("filled", {"partial_fills": 1})
    audit(rig.venue)


def test_partial_fills_of_a_child_leave_a_rest_of_the_position() -> None:
    rig = Rig()
    rig.venue.place(sz="1", attachAlgoOrds=PROTECTED["attachAlgoOrds"])
    rig.faults.arm(Fault(name="partial_fills", times=1, share=0.6))
    rig.venue.market(Print("sell", 629_999, 1, 1))
    (algo,) = rig.exchange.protector.algos.history()
    assert (algo.state, rig.venue.held) == ("effective", 40)
    audit(rig.venue)


@pytest.mark.parametrize(("ack", "code"), [(False, "51402"), (True, "0")])
def test_cancel_fill_race_fills_the_order_at_its_own_price_before_the_cancel(ack: bool, code: str) -> None:
    rig = Rig(Fault(name="cancel_fill_race", times=1, ack=ack))
    peer, trades = rig.connect("private", "orders", instType="SWAP"), rig.connect("public", "trades", **SWAP)
    rig("POST", "trade/order", {**LIMIT, "clOrdId": "a"})
    said = rig("POST", "trade/cancel-order", {**SWAP, "clOrdId": "a"})
    assert said is not None and said.json["data"][0]["sCode"] == code
    live, filled = peer.data("orders")
    assert (live["state"], filled["state"], filled["fillPx"], filled["execType"]) == ("live", "filled", "63900", "M")
    assert [(row["tradeId"], row["side"]) for row in trades.data("trades")] == [(filled["tradeId"], "sell")]
    again = rig("POST", "trade/cancel-order", {**SWAP, "clOrdId": "a"})
    assert again is not None and again.json["data"][0]["sCode"] == "51402"
    assert rig.venue.held == 100
    audit(rig.venue)


def test_a_cancel_of_what_has_ended_or_by_the_venue_itself_is_no_race() -> None:
    rig = Rig(Fault(name="cancel_fill_race"))
    rig("POST", "trade/order", {**MARKET, "clOrdId": "a"})
    said = rig("POST", "trade/cancel-order", {**SWAP, "clOrdId": "a"})
    assert said is not None and said.json["data"][0]["sCode"] == "51402"
    rig("POST", "trade/order", {**LIMIT, "side": "sell", "px": "64100"})
    rig("POST", "trade/close-position", {**SWAP, "mgnMode": "isolated", "autoCxl": True})
    rig("POST", "trade/order", LIMIT)
    rig("POST", "trade/cancel-all-after", {"timeOut": "10"})
    rig.passes(10_010)
    assert [order.cancel_source for order in rig.exchange.desk.orders.history(0)] == ["20", "", "1", ""]
    assert (rig.venue.held, rig.faults.injected()) == (0, {})
    audit(rig.venue)


def algos(rig: Rig) -> list[tuple[str, Any]]:
    return [(algo.state, algo.lots) for algo in rig.exchange.protector.algos.live()]


def test_protection_late_is_born_after_its_parent_ended() -> None:
    rig = Rig(Fault(name="protection_late", times=1, delay_ms=1500))
    peer = rig.connect("business", "orders-algo", instType="SWAP")
    rig("POST", "trade/order", PROTECTED)
    rig.passes(1490)
    assert (algos(rig), peer.data("orders-algo")) == ([], [])
    rig.passes(20)
    assert algos(rig) == [("live", 100)]
    (row,) = peer.data("orders-algo")
    assert int(row["cTime"]) - rig.exchange.desk.orders.fills[0].ts_ms == 1500
    rig("POST", "trade/order", PROTECTED)
    assert algos(rig) == [("live", 100)] * 2


@pytest.mark.parametrize(("with_position", "born"), [(True, []), (False, [("live", 100)])])
def test_protection_late_does_not_outlive_a_position_that_it_would_have_ended_with(
    with_position: bool, born: list[Any]
) -> None:
    rig = Rig(Fault(name="protection_late", delay_ms=1000))
    rig(
        "POST",
        "trade/order",
        {**MARKET, "attachAlgoOrds": [{**PROTECTED["attachAlgoOrds"][0], "cxlOnClosePos": with_position}]},
    )
    rig("POST", "trade/close-position", {**SWAP, "mgnMode": "isolated"})
    rig.passes(1010)
    assert algos(rig) == born


def test_protection_never_leaves_a_position_without_any() -> None:
    rig = Rig(Fault(name="protection_never", times=1))
    rig("POST", "trade/order", MARKET)
    rig("POST", "trade/order", PROTECTED)
    rig.passes(60_000)
    assert (algos(rig), rig.venue.held, rig.faults.injected()) == ([], 200, {"protection_never": 1})
    rig("POST", "trade/order", PROTECTED)
    assert algos(rig) == [("live", 100)]
