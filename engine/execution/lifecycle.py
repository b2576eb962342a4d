"""The life of an order, as a table. An event that the table does not know stops trading; it is not a log line.

NEW is journaled and not yet sent; SENT may or may not have reached the venue; UNKNOWN is being asked for. Acks, fills
and pushes may come in any order, twice, or not at all: every order of them converges.
Source: OKX guide, "Order channel" (live, partially_filled, filled, canceled; there is no "rejected" state).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class OrderState(StrEnum):
    """Where an order is."""

    NEW = "new"
    SENT = "sent"
    UNKNOWN = "unknown"
    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REFUSED = "refused"


class OrderEvent(StrEnum):
    """What happened to it."""

    SEND = "send"
    ACK = "ack"
    REFUSE = "refuse"
    LOST = "lost"  # the answer never came
    NOT_FOUND = "not_found"  # asked for, and the venue has no such order
    DROP = "drop"  # halted before it was sent
    PUSH_LIVE = "push_live"
    PUSH_PARTIAL = "push_partial"
    PUSH_FILLED = "push_filled"
    PUSH_CANCELED = "push_canceled"


class LifecycleError(Exception):
    """An event that cannot happen in this state."""

    def __init__(self, order_id: str, state: OrderState, event: OrderEvent) -> None:
        super().__init__(f"order {order_id}: {event.value} in state {state.value}; trading stops, reconcile")


ENDED: Final = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REFUSED})

_S, _E = OrderState, OrderEvent
_PUSHES: Final = {
    _E.PUSH_LIVE: _S.LIVE,
    _E.PUSH_PARTIAL: _S.PARTIALLY_FILLED,
    _E.PUSH_FILLED: _S.FILLED,
    _E.PUSH_CANCELED: _S.CANCELED,
}
TABLE: Final[dict[OrderState, dict[OrderEvent, OrderState]]] = {
    _S.NEW: {_E.SEND: _S.SENT, _E.DROP: _S.CANCELED},
    _S.SENT: {_E.ACK: _S.LIVE, _E.REFUSE: _S.REFUSED, _E.LOST: _S.UNKNOWN, **_PUSHES},
    _S.UNKNOWN: {_E.ACK: _S.LIVE, _E.NOT_FOUND: _S.REFUSED, _E.LOST: _S.UNKNOWN, **_PUSHES},
    _S.LIVE: {_E.ACK: _S.LIVE, _E.LOST: _S.LIVE, _E.NOT_FOUND: _S.CANCELED, **_PUSHES},
    _S.PARTIALLY_FILLED: {
        _E.ACK: _S.PARTIALLY_FILLED, _E.LOST: _S.PARTIALLY_FILLED, _E.NOT_FOUND: _S.CANCELED, **_PUSHES,
        _E.PUSH_LIVE: _S.PARTIALLY_FILLED,  # the push of its acceptance, overtaken
    },
    # an ended order stays ended: late acks, and pushes that were overtaken or doubled, change nothing
    _S.FILLED: dict.fromkeys((_E.ACK, _E.LOST, *_PUSHES), _S.FILLED),
    _S.CANCELED: {
        **dict.fromkeys((_E.ACK, _E.LOST, *_PUSHES), _S.CANCELED),
        _E.PUSH_FILLED: _S.FILLED,  # the cancel lost the race
    },
    _S.REFUSED: {_E.LOST: _S.REFUSED},
}  # fmt: skip


def advance(order_id: str, state: OrderState, event: OrderEvent) -> OrderState:
    """The next state. Raises LifecycleError."""
    following = TABLE[state].get(event)
    if following is None:
        raise LifecycleError(order_id, state, event)
    return following
