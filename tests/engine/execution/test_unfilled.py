"""The sum that every order is judged with is that of the orders that work now, whatever happened to them, and when."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation

from hypothesis import given
from hypothesis import strategies as st

from engine.execution.lifecycle import ENDED, LifecycleError, OrderEvent
from engine.execution.orders import OrderBookkeeper, OrderRecord, Unfilled
from engine.venue.frames import OrderData
from schemas.messages import Side
from tests.support.clock import ManualClock
from tests.support.orders import INSTRUMENT, order

PRICE, VALUE = Decimal(64_000), Decimal("0.01")
NUMBERS = st.integers(0, 3)
ENTRIES = st.tuples(st.just("open"), NUMBERS, st.sampled_from([
    order(), order(side=Side.SELL, limit_price=Decimal(65_000)), order(contracts=Decimal("2.5"), reduce_only=True),
]))  # fmt: skip
EVENTS = st.tuples(st.just("event"), NUMBERS, st.sampled_from(list(OrderEvent)))
PUSHES = st.tuples(st.just("push"), NUMBERS, st.sampled_from([
    ("live", "0", ""), ("partially_filled", "0.4", "63000"), ("filled", "1", "63000"), ("canceled", "0.4", "63000"),
    ("live", "0.2", ""), ("partially_filled", "0.6", "unreadable"),
]))  # fmt: skip


def counted(working: list[OrderRecord]) -> tuple[Decimal, Decimal, Decimal]:
    """Contracts to buy, contracts to sell, and worth: one order after the other, as the venue would count them."""
    left = {side: sum((r.contracts - r.filled for r in working if r.side is side), Decimal(0)) for side in Side}
    worth = sum(
        ((r.contracts - r.filled) * VALUE * (r.limit_price or PRICE) for r in working if not r.reduce_only), Decimal(0)
    )  # fmt: skip
    return left[Side.BUY], left[Side.SELL], worth


@given(st.lists(st.one_of(ENTRIES, EVENTS, PUSHES), max_size=30))
def test_what_is_unfilled_is_that_of_the_working_orders_after_every_step(steps: list[tuple[str, int, object]]) -> None:
    orders, records = OrderBookkeeper(ManualClock()), {}
    for what, number, detail in steps:
        client_id = f"c{number}"
        known = orders.by_client_id(client_id)
        with suppress(LifecycleError, InvalidOperation):  # may have changed something before
            if what == "open" and known is None:
                orders.open(detail, client_id, tp_price=None, sl_price=None)
            elif what == "event" and known is not None:
                orders.apply(known, detail)
            elif what == "push":
                state, filled, average = detail
                orders.on_push(
                    OrderData(
                        instId=INSTRUMENT, ordId=f"v{number}", clOrdId=client_id, state=state, side="sell", sz="1",
                        accFillSz=filled, px="63000", avgPx=average,
                    )
                )  # fmt: skip
        record = orders.by_client_id(client_id)
        records |= {} if record is None else {client_id: record}
        working = [record for record in records.values() if record.state not in ENDED]
        assert orders.working() == working
        found = orders.unfilled()
        assert (found.buy, found.sell, found.notional(VALUE, PRICE)) == counted(working)


def test_orders_without_a_price_of_their_own_are_worth_the_price_of_now_and_reducing_ones_nothing() -> None:
    orders = OrderBookkeeper(ManualClock())
    assert orders.unfilled() == Unfilled(Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    for number, placed in enumerate(
        (order(), order(limit_price=Decimal(60_000)), order(side=Side.SELL, reduce_only=True, contracts=Decimal(5)))
    ):
        orders.open(placed, f"c{number}", tp_price=None, sl_price=None)
    found = orders.unfilled()
    assert found == Unfilled(Decimal(2), Decimal(5), Decimal(60_000), Decimal(1))
    assert found.notional(VALUE, PRICE) == Decimal(1_240)
