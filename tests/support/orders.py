"""Builders of orders and views, everything plain unless said otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from engine.risk.view import Day, RiskView, Terms, Traffic
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


class DeepBook:
    """As much as one likes, at the touch."""

    def __init__(self, *, behind: float = 0.0, holds: float = 1e9) -> None:
        self._behind, self._holds = behind, holds

    def average_price(self, *, buy: bool, contracts: float) -> float | None:
        if contracts > self._holds:
            return None
        return 64_000.0 + (self._behind if buy else -self._behind)


DAY = Day(result=Decimal(0), opening=Decimal(100_000), peak=Decimal(100_000), losses=0, last_loss_age_ns=None)
TRAFFIC = Traffic(last_second=0, in_window=0, latched="")


def view(**changes: Any) -> RiskView:
    """An account of 100,000 with nothing open, a price of 64,000, all fresh and alive."""
    plain: dict[str, Any] = {
        "trading_state": TradingState.ACTIVE, "causes": "", "instrument": INSTRUMENT, "terms": TERMS,
        "equity": Decimal(100_000), "available": Decimal(100_000), "position": Decimal(0), "working_buy": Decimal(0),
        "working_sell": Decimal(0), "working_notional": Decimal(0), "leverage": Decimal(5), "liquidation_price": None,
        "price": Decimal(64_000), "mid": 64_000.0, "mark": 64_000.0, "depth": DeepBook(), "book_valid": True,
        "price_age_ns": 0, "order_age_ns": 0, "feed_age_ns": 0, "brain_age_ns": 0, "clock_offset_ns": 0, "day": DAY,
        "traffic": TRAFFIC, "authority_pct": Decimal(100), "known_intents": set(),
    }  # fmt: skip
    return RiskView(**{**plain, **changes})
