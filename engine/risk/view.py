"""What the rules look at: account, position and market at one instant. None means unknown, and unknown is refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from schemas.messages import OrderRequest, RejectCode, Side, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms of an instrument, from the venue. Sizes in contracts, `contract_value` in base currency a contract."""

    instrument: str
    contract_value: Decimal
    lot: Decimal
    minimum: Decimal
    tick: Decimal


@dataclass(slots=True, kw_only=True)
class RiskView:
    """One instant. Prices in quote currency, ages in ns, sizes in contracts (negative: short)."""

    trading_state: TradingState
    causes: str
    instrument: str
    terms: Terms | None
    equity: Decimal | None
    position: Decimal | None
    working_buy: Decimal
    working_sell: Decimal
    price: float | None
    price_age_ns: int | None
    known_intents: set[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why not: the code, the rule, and the value that broke the limit (None: unknown)."""

    code: RejectCode
    rule: str
    observed: str | None
    limit: str | None
    text: str


def reduces(order: OrderRequest, view: RiskView) -> bool:
    """True when the order can only shrink what is held, also if every working order on its side fills."""
    if view.position is None or not view.position:
        return False
    if order.side is Side.SELL:
        return view.position > 0 and order.contracts + view.working_sell <= view.position
    return view.position < 0 and order.contracts + view.working_buy <= -view.position
