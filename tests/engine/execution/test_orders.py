"""The bookkeeping of orders and money against pushes in any order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.account import Account
from engine.execution.lifecycle import LifecycleError, OrderEvent, OrderState
from engine.execution.orders import RECENT, OrderBookkeeper
from engine.execution.router import client_order_id_of
from engine.execution.shape import protection_prices
from engine.risk.ledger import Ledger
from engine.venue.answers import Algo, Fill
from engine.venue.frames import AccountData, BalanceDetail, OrderData, PositionData
from schemas.messages import Side
from tests.support.clock import ManualClock
from tests.support.orders import INSTRUMENT, TERMS, order

CLIENT = client_order_id_of("i1")


def push(state: str, filled: str = "0", **more: Any) -> OrderData:
    plain: dict[str, Any] = {
        "instId": INSTRUMENT, "ordId": "77", "clOrdId": CLIENT, "state": state, "side": "buy", "sz": "2",
        "accFillSz": filled, "avgPx": "64000" if filled != "0" else "",
    }  # fmt: skip
    return OrderData(**{**plain, **more})


def sent() -> OrderBookkeeper:
    orders = OrderBookkeeper(ManualClock())
    record = orders.open(order(contracts=Decimal(2)), CLIENT, tp_price=None, sl_price=None)
    orders.apply(record, OrderEvent.SEND)
    return orders


LIFE = [push("live"), push("partially_filled", "1"), push("filled", "2", fee="-0.5")]


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE)))
def test_any_order_of_pushes_and_any_doubled_one_ends_in_the_same_order(
    first: list[OrderData], again: list[OrderData]
) -> None:
    orders = sent()
    for data in [*first, *again]:
        orders.on_push(data)
    snapshot = orders.snapshot()
    assert snapshot.working == ()
    (ended,) = snapshot.recent
    assert (ended.state, ended.filled_contracts, ended.average_price, ended.venue_order_id, ended.fee) == (
        "filled", Decimal(2), Decimal(64_000), "77", Decimal("-0.5"),
    )  # fmt: skip


def test_what_works_counts_for_its_side_until_it_ends() -> None:
    orders = sent()
    assert (orders.working_contracts(Side.BUY), orders.working_contracts(Side.SELL)) == (2, 0)
    orders.on_push(push("partially_filled", "0.5"))
    assert orders.working_contracts(Side.BUY) == Decimal("1.5")
    orders.on_push(push("canceled", "0.5"))
    assert orders.working_contracts(Side.BUY) == 0
    assert orders.find("i1") is not None


def test_the_venue_s_own_and_other_people_s_orders_are_tracked_by_their_kind() -> None:
    orders = OrderBookkeeper(ManualClock())
    orders.on_push(push("live", ordId="1", clOrdId="", algoId="9"))
    orders.on_push(push("live", ordId="2", clOrdId="mine"))
    assert {view.client_order_id: view.kind for view in orders.snapshot().working} == {
        "1": "protection",
        "mine": "foreign",
    }


def test_a_state_that_the_guide_does_not_name_changes_nothing() -> None:
    orders = sent()
    assert orders.on_push(push("teleported")) is None
    assert [view.state for view in orders.snapshot().working] == ["sent"]


def test_a_push_for_an_order_that_was_never_sent_stops_trading() -> None:
    orders = OrderBookkeeper(ManualClock())
    orders.open(order(), CLIENT, tp_price=None, sl_price=None)
    with pytest.raises(LifecycleError):
        orders.on_push(push("filled", "1"))


def test_only_so_many_ended_orders_are_kept() -> None:
    orders = OrderBookkeeper(ManualClock())
    for number in range(RECENT + 5):
        orders.on_push(push("filled", "2", ordId=str(number), clOrdId=f"c{number}"))
    recent = orders.snapshot().recent
    assert [view.client_order_id for view in recent[:2]] == [f"c{RECENT + 4}", f"c{RECENT + 3}"]
    assert len(recent) == RECENT


def test_an_order_that_the_venue_does_not_know_any_more_is_canceled() -> None:
    orders = sent()
    record = orders.find("i1")
    assert record is not None
    orders.on_push(push("live"))
    orders.apply(record, OrderEvent.NOT_FOUND)
    assert record.state is OrderState.CANCELED


@given(st.text(min_size=1, max_size=32))
def test_a_client_order_id_is_letters_and_digits_and_the_same_for_the_same_intent(intent: str) -> None:
    found = client_order_id_of(intent)
    assert found.isalnum()
    assert found.isascii()
    assert len(found) <= 32
    assert found == client_order_id_of(intent)


@given(st.sampled_from([Side.BUY, Side.SELL]), st.floats(1_000, 100_000), st.floats(0.1, 10), st.floats(0.1, 10))
def test_protection_lies_on_the_tick_and_on_the_right_sides_of_the_price(
    side: Side, price: float, tp: float, sl: float
) -> None:
    tp_price, sl_price = protection_prices(order(side=side, tp_pct=tp, sl_pct=sl), TERMS, price)
    assert tp_price is not None
    assert sl_price is not None
    assert tp_price % TERMS.tick == sl_price % TERMS.tick == 0
    below, above = (sl_price, tp_price) if side is Side.BUY else (tp_price, sl_price)
    assert below < Decimal(str(price)) < above
    assert protection_prices(order(side=side, reduce_only=True), TERMS, price) == (None, None)


def account(clock: ManualClock) -> Account:
    ledger = Ledger(day_starts_utc_hour=0)
    return Account(instrument=INSTRUMENT, margin_mode="isolated", currency="USDT", clock=clock, ledger=ledger)


def test_nothing_is_known_of_an_account_before_the_venue_has_spoken() -> None:
    fresh = account(ManualClock())
    state = fresh.state()
    assert (fresh.contracts, state.equity, state.realised_today, state.fees_today) == (None, None, None, None)


def test_the_day_counts_each_fill_once_and_begins_anew_at_midnight_utc() -> None:
    clock = ManualClock()
    here = account(clock)
    now_ms = str(clock.wall_ns() // 1_000_000)
    fill = Fill(instId=INSTRUMENT, tradeId="1", ordId="7", fillPnl="5", fee="-1", ts=now_ms)
    old = Fill(instId=INSTRUMENT, tradeId="0", ordId="6", fillPnl="100", fee="-9", ts="1000")
    here.on_fills([fill, old], whole=True)
    here.on_order_push(push("filled", "2", tradeId="1", fillPnl="5", fillFee="-1"))
    here.on_order_push(push("filled", "2", tradeId="2", fillPnl="-2", fillFee="-0.5"))
    state = here.state()
    assert (state.realised_today, state.fees_today) == (Decimal(3), Decimal("-1.5"))
    clock.advance(s=86_400)
    assert (here.state().realised_today, here.state().fees_today) == (0, 0)


def test_a_flat_position_is_known_and_has_no_protection() -> None:
    here = account(ManualClock())
    here.on_positions([PositionData(instId=INSTRUMENT, pos="-3", avgPx="64000", upl="1")])
    here.on_algos([Algo(algoId="1", instId=INSTRUMENT, tpTriggerPx="63000", slTriggerPx="65000")])
    (position,) = here.positions().positions
    assert (position.contracts, position.tp_price, position.sl_price) == (-3, Decimal(63_000), Decimal(65_000))
    here.on_positions([PositionData(instId=INSTRUMENT, pos="0")])
    assert (here.contracts, here.positions().positions, here.protection.sl_price) == (0, (), None)
    here.on_positions([], whole=True)
    assert here.contracts == 0


def test_an_empty_number_is_unknown_and_not_zero() -> None:
    here = account(ManualClock())
    here.on_account(AccountData(details=[BalanceDetail(ccy="USDT", eq="", availEq="", availBal="")]))
    assert (here.equity, here.available) == (None, None)
