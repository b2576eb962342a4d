from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.lifecycle import ENDED, TABLE, LifecycleError, OrderEvent, OrderState, advance

PUSHES = [OrderEvent.PUSH_LIVE, OrderEvent.PUSH_PARTIAL, OrderEvent.PUSH_FILLED]


def test_the_table_has_a_row_for_every_state() -> None:
    assert set(TABLE) == set(OrderState)


@given(st.permutations([OrderEvent.ACK, *PUSHES]), st.lists(st.sampled_from([OrderEvent.ACK, *PUSHES])))
def test_any_order_of_ack_and_pushes_of_a_filled_order_ends_filled(
    first: list[OrderEvent], doubled: list[OrderEvent]
) -> None:
    state = OrderState.SENT
    for event in [*first, *doubled]:
        state = advance("x", state, event)
    assert state is OrderState.FILLED


@given(st.permutations([OrderEvent.ACK, OrderEvent.PUSH_LIVE, OrderEvent.PUSH_CANCELED]))
def test_any_order_of_ack_and_pushes_of_a_canceled_order_ends_canceled(events: list[OrderEvent]) -> None:
    state = OrderState.SENT
    for event in events:
        state = advance("x", state, event)
    assert state is OrderState.CANCELED


@given(st.sampled_from(OrderState), st.sampled_from(OrderEvent))
def test_an_ended_order_never_comes_back_to_life(state: OrderState, event: OrderEvent) -> None:
    try:
        following = advance("x", state, event)
    except LifecycleError:
        return
    assert state not in ENDED or following in ENDED


def test_a_fill_of_an_order_that_was_never_sent_stops_trading() -> None:
    with pytest.raises(LifecycleError, match="trading stops"):
        advance("x", OrderState.NEW, OrderEvent.PUSH_FILLED)
