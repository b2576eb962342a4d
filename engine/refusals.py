"""What the command port answers when the answer is no."""

from __future__ import annotations

from typing import Final

from engine.execution.lifecycle import OrderState
from engine.execution.orders import OrderRecord
from engine.risk.view import Refusal
from schemas.messages import OrderReject, OrderRequest, RejectCode

NO_TERMS: Final = Refusal(
    code=RejectCode.UNKNOWN_INPUT, rule="grid", observed=None, limit=None, text="the terms are not known yet"
)
"""What closes a position needs nothing of the terms but that the venue has told them."""


def rejected(order: OrderRequest, refusal: Refusal) -> OrderReject:
    """A refusal of the gate."""
    return OrderReject(
        intent_id=order.intent_id, code=refusal.code, rule=refusal.rule, observed=refusal.observed,
        limit=refusal.limit, text=refusal.text,
    )  # fmt: skip


def last_word(intent_id: str, record: OrderRecord | None) -> OrderReject:
    """To whoever waits when the port is closed. What has not left by then never leaves."""
    dropped = record is not None and record.state is OrderState.NEW
    text = "it was stopped before it was sent" if dropped else "what was asked is on its way to the venue"
    return OrderReject(
        intent_id=intent_id, code=RejectCode.TRADING_STATE if dropped else RejectCode.VENUE_UNKNOWN,
        rule="trading_state" if dropped else "execution", observed=None, limit=None,
        text=f"the engine closes its command port; {text}",
    )  # fmt: skip
