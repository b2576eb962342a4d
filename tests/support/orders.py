"""Builders of orders and views, everything plain unless said otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from engine.risk.view import RiskView, Terms
from schemas.messages import DecidedOn, OrderRequest, Side, TradingState

INSTRUMENT = "BTC-USDT-SWAP"
TERMS = Terms(
    instrument=INSTRUMENT, contract_value=Decimal("0.01"), lot=Decimal("0.01"), minimum=Decimal("0.01"),
    tick=Decimal("0.1"),
)  # fmt: skip
ORDER = OrderRequest(
    intent_id="i1", instrument=INSTRUMENT, side=Side.BUY, contracts=Decimal(1), tp_pct=0.6, sl_pct=0.4,
    decided_on=DecidedOn(tick_sequence=9, timestamp_ns=1_000), created_ns=1_000,
)  # fmt: skip


def order(**changes: Any) -> OrderRequest:
    return msgspec.structs.replace(ORDER, **changes)


def view(**changes: Any) -> RiskView:
    """An account of 100,000 with nothing open, a price of 64,000, all fresh."""
    plain: dict[str, Any] = {
        "trading_state": TradingState.ACTIVE, "causes": "", "instrument": INSTRUMENT, "terms": TERMS,
        "equity": Decimal(100_000), "position": Decimal(0), "working_buy": Decimal(0), "working_sell": Decimal(0),
        "price": 64_000.0, "price_age_ns": 0, "known_intents": set(),
    }  # fmt: skip
    return RiskView(**{**plain, **changes})
