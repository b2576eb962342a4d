"""Orders, money and protection on a hand-made market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.algo_intake import new_algo
from engine.exchange.instrument import notional
from engine.exchange.intake import Refused
from engine.exchange.market.events import Change, Print
from engine.exchange.notes import OrderNote
from engine.exchange.orders import Slot
from tests.engine.exchange.support import Venue


def code_of(venue: Venue, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        venue.place(**fields)
    return caught.value.refusal.code


def states(venue: Venue) -> list[tuple[str, str, str]]:
    rows = [note.row for note in venue.exchange.notes if isinstance(note, OrderNote)]
    return [(row["state"], row["accFillSz"], row["cancelSource"]) for row in rows]


def test_a_market_order_fills_at_the_touch_and_pays_the_taker_fee() -> None:
    venue = Venue()
    order = venue.place(sz="2")
    assert (order.state, order.filled, order.fee) == ("filled", 200, Decimal("-0.64"))
    assert venue.exchange.account.wallet == Decimal("99999.36")
    assert states(venue) == [("live", "0", ""), ("filled", "2", "")]


def test_a_market_order_that_finds_too_little_ends_canceled_with_what_it_got() -> None:
    venue = Venue(default_lever=Decimal(100))
    order = venue.place(sz="700")
    assert (order.state, order.filled, order.cancel_source) == ("canceled", 60_000, "14")


@pytest.mark.parametrize(
    ("fields", "ending"),
    [
        ({"ordType": "post_only", "px": "64000"}, ("canceled", "0", "31")),
        ({"ordType": "fok", "px": "64000", "sz": "101"}, ("canceled", "0", "13")),
        ({"ordType": "ioc", "px": "64000", "sz": "101"}, ("canceled", "100", "14")),
        ({"ordType": "fok", "px": "64000", "sz": "100"}, ("filled", "100", "")),
        ({"ordType": "optimal_limit_ioc", "sz": "1"}, ("filled", "1", "")),
    ],
)
def test_order_types_end_as_okx_ends_them(fields: dict[str, Any], ending: tuple[str, str, str]) -> None:
    venue = Venue()
    venue.place(**fields)
    assert states(venue)[0] == ("live", "0", "")
    assert states(venue)[-1] == ending


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sz": "0.005"}, "51121"),
        ({"sz": "0"}, "51020"),
        ({"sz": "x"}, "51000"),
        ({"sz": "12000.01"}, "51202"),
        ({"ordType": "limit", "px": "64000.05"}, "51150"),
        ({"ordType": "limit", "px": "70000"}, "51006"),
        ({"ordType": "limit"}, "51000"),
        ({"clOrdId": "no-dashes"}, "51000"),
        ({"clOrdId": "a" * 33}, "51000"),
        ({"posSide": "long"}, "51000"),
        ({"tdMode": "cash"}, "51000"),
        ({"instId": "ETH-USDT-SWAP"}, "51001"),
        ({"sz": "500"}, "51008"),
        ({"reduceOnly": True}, "51169"),
        ({"reduceOnly": True, "attachAlgoOrds": [{"slTriggerPx": "63000", "slOrdPx": "-1"}]}, "51100"),
        ({"attachAlgoOrds": [{"slTriggerPx": "65000", "slOrdPx": "-1"}]}, "51051"),
        ({"attachAlgoOrds": [{"tpTriggerPx": "63000", "tpOrdPx": "-1"}]}, "51050"),
        ({"ordType": "limit", "px": "63900", "attachAlgoOrds": [{"slTriggerPx": "63950", "slOrdPx": "-1"}]}, "51047"),
    ],
)
def test_a_wrong_order_is_refused_with_okx_code_and_changes_nothing(fields: dict[str, Any], code: str) -> None:
    venue = Venue()
    assert code_of(venue, **fields) == code
    assert venue.exchange.notes == []
    assert venue.exchange.account.wallet == Decimal(100_000)


def test_a_client_id_is_unique_among_pending_orders_only() -> None:
    venue = Venue()
    first = venue.place(ordType="limit", px="63900", clOrdId="once")
    assert code_of(venue, clOrdId="once") == "51016"
    venue.exchange.cancel(first)
    assert venue.place(clOrdId="once").state == "filled"


def test_reduce_only_larger_than_the_position_is_refused_whole() -> None:
    venue = Venue()
    venue.place(sz="2")
    assert code_of(venue, side="sell", sz="2.01", reduceOnly=True) == "51169"
    assert code_of(venue, side="buy", sz="1", reduceOnly=True) == "51170"
    assert venue.place(side="sell", sz="2", reduceOnly=True).state == "filled"


def test_a_resting_reduce_only_order_is_canceled_when_the_position_shrinks_below_it() -> None:
    venue = Venue()
    venue.place(sz="2")
    resting = venue.place(side="sell", ordType="limit", px="64100", sz="2", reduceOnly="true")
    venue.place(side="sell", sz="1")
    assert (resting.state, resting.cancel_source, venue.held) == ("canceled", "23", 100)


def test_own_orders_do_not_trade_with_each_other() -> None:
    venue = Venue()
    venue.market(Change("sell", 640_000, 0, 0))
    maker = venue.place(side="sell", ordType="limit", px="64000", sz="1")
    taker = venue.place(side="buy", ordType="limit", px="64000.1", sz="1")
    assert (maker.state, maker.cancel_source) == ("canceled", "32")
    assert taker.state == "filled"


def test_a_smaller_size_keeps_the_place_in_the_queue_and_a_larger_one_loses_it() -> None:
    venue = Venue()
    order = venue.place(ordType="limit", px="63999.9", sz="2")
    venue.market(Print("sell", 639_999, 9_900, 1))
    venue.exchange.amend(order, 100, None, "r1")
    assert order.resting is not None
    assert order.resting.ahead == 100
    venue.exchange.amend(order, 300, None, "r2")
    assert order.resting.ahead == 10_000
    rows = [note.row for note in venue.exchange.notes if isinstance(note, OrderNote)]
    assert [(row["sz"], row["reqId"], row["amendResult"]) for row in rows[1:]] == [("1", "r1", "0"), ("3", "r2", "0")]


def test_a_resting_order_that_the_flow_trades_through_fills_as_maker() -> None:
    venue = Venue()
    order = venue.place(ordType="limit", px="63999.9", sz="2")
    venue.market(Print("sell", 639_998, 500, 1))
    (fill,) = venue.exchange.desk.orders.fills
    assert (order.state, fill.liquidity, fill.px, fill.fee_rate) == ("filled", "M", 639_999, Decimal("-0.0002"))
    assert fill.trade_id == venue.exchange.market.trades[-1].trade_id


ATTACHED = [{"tpTriggerPx": "64010", "tpOrdPx": "-1", "slTriggerPx": "63990", "slOrdPx": "-1"}]


def test_attached_protection_is_born_when_its_parent_ends_with_fills() -> None:
    venue = Venue()
    parent = venue.place(ordType="limit", px="63999.9", sz="2", attachAlgoOrds=ATTACHED)
    venue.market(Print("sell", 639_999, 10_050, 1))
    assert (parent.filled, venue.exchange.protector.algos.live()) == (50, [])
    venue.exchange.cancel(parent)
    (algo,) = venue.exchange.protector.algos.live()
    assert (algo.ord_type, algo.side, algo.lots, algo.reduce_only) == ("oco", "sell", 50, True)


def test_a_parent_canceled_without_a_fill_leaves_no_protection() -> None:
    venue = Venue()
    venue.exchange.cancel(venue.place(ordType="limit", px="63995", attachAlgoOrds=ATTACHED))
    assert venue.exchange.protector.algos.live() == []


@pytest.mark.parametrize(("px", "side", "leg"), [(640_100, "buy", "tp"), (639_900, "sell", "sl")])
def test_a_leg_that_triggers_closes_the_position_and_ends_the_other(px: int, side: Any, leg: str) -> None:
    venue = Venue()
    venue.place(sz="2", attachAlgoOrds=ATTACHED)
    venue.market(Print(side, px, 1, 1))
    (algo,) = venue.exchange.protector.algos.history()
    assert (algo.state, algo.actual_side, algo.fail_code, venue.held) == ("effective", leg, "", 0)
    assert venue.exchange.protector.algos.live() == []
    child = venue.exchange.desk.orders.find(algo.child_ids[0], "")
    assert child is not None
    assert (child.terms.algo_id, child.terms.source, child.state) == (algo.algo_id, "7", "filled")


@pytest.mark.parametrize(("with_position", "left"), [(False, 1), (True, 0)])
def test_protection_outlives_the_position_unless_told_to_end_with_it(with_position: bool, left: int) -> None:
    venue = Venue()
    venue.place(attachAlgoOrds=[{**ATTACHED[0], "cxlOnClosePos": with_position}])
    venue.exchange.close_position(Slot("isolated"), "", "", cancel_first=False)
    assert len(venue.exchange.protector.algos.live()) == left
    venue.market(Print("sell", 639_900, 1, 1))
    failed = [algo.fail_code for algo in venue.exchange.protector.algos.history() if algo.state == "order_failed"]
    assert failed == ["51169"] * left
    assert venue.held == 0


def test_a_conditional_order_with_two_legs_keeps_only_the_stop() -> None:
    raw = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "sell", "ordType": "conditional", "sz": "1"}
    algo = new_algo({**raw, **ATTACHED[0]}, algo_id="1", now_ms=0, last_px=640_000)
    assert (algo.legs.tp_trigger, algo.legs.sl_trigger) == (None, 639_900)


def test_cancel_all_after_cancels_resting_orders_and_nothing_else() -> None:
    venue = Venue()
    venue.place(attachAlgoOrds=ATTACHED)
    orders = [venue.place(ordType="limit", px="63900") for _ in range(2)]
    venue.exchange.arm_dead_man("", 10)
    venue.clock.advance(s=9)
    venue.exchange.arm_dead_man("", 10)
    venue.clock.advance(s=9)
    venue.exchange.advance()
    assert [order.state for order in orders] == ["live", "live"]
    venue.clock.advance(s=1)
    venue.clock.step_wall(s=-3600)
    venue.exchange.advance()
    assert [(order.state, order.cancel_source) for order in orders] == [("canceled", "20")] * 2
    assert (venue.held, len(venue.exchange.protector.algos.live())) == (100, 1)


trade = st.tuples(
    st.sampled_from(["buy", "sell"]), st.integers(1, 500), st.sampled_from(["isolated", "cross"]), st.integers(-30, 30)
)


@settings(deadline=None)
@given(st.lists(trade, max_size=40))
def test_the_wallet_changes_by_realised_pnl_and_fees_and_by_nothing_else(trades: list[Any]) -> None:
    venue = Venue(default_lever=Decimal(20))
    exchange = venue.exchange
    for side, lots, mode, shift in trades:
        bid = 639_999 + shift
        top = exchange.market.matcher
        pulled = [Change("buy", level.px, 0, 0) for level in top.bids.top(400)]
        pulled += [Change("sell", level.px, 0, 0) for level in top.asks.top(400)]
        venue.market(*pulled, Change("buy", bid, 100_000, 1), Change("sell", bid + 1, 100_000, 1))
        venue.place(side=side, sz=f"{lots / 100}", tdMode=mode)
    fills = exchange.desk.orders.fills
    assert exchange.account.wallet - 100_000 == pytest.approx(sum(f.pnl + f.fee for f in fills), abs=Decimal("1e-9"))
    # And the same seen from outside: cash flow of all fills plus the value still held.
    flow = sum(notional(f.lots, f.px) * (1 if f.side == "sell" else -1) for f in fills)
    fees = sum(f.fee for f in fills)
    held = sum(p.lots for p in exchange.account.open_positions())
    mark = exchange.market.mark
    assert exchange.account.equity(mark) - 100_000 == pytest.approx(
        flow + fees + notional(held, mark), abs=Decimal("1e-9")
    )


def test_leverage_cannot_change_under_resting_orders() -> None:
    venue = Venue()
    venue.place(ordType="limit", px="63900")
    with pytest.raises(Refused) as caught:
        venue.exchange.set_lever(Slot("isolated"), Decimal(5))
    assert caught.value.refusal.code == "59107"
