"""What the rules look at: account, position and market at one instant. None means unknown, and unknown is refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from schemas.messages import OrderRequest, RejectCode, Side, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms of an instrument, from the venue. Sizes in contracts, `contract_value` in base currency a contract.

    `largest_market`, `largest_limit`: the venue's own largest order, contracts; None where it states none.
    """

    instrument: str
    contract_value: Decimal
    lot: Decimal
    minimum: Decimal
    tick: Decimal
    largest_market: Decimal | None = None
    largest_limit: Decimal | None = None


class Depth(Protocol):
    """A side of the book that can say what taking from it costs."""

    def average_price(self, *, buy: bool, contracts: float) -> float | None:
        """Average price of taking `contracts`; None where the book does not hold as much."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The trading day so far, and what came before it. Money in the settlement currency.

    `result` is realised + unrealised + fees; `opening`, `peak`: equity when the day began, and at its highest ever.
    `losses`: losing trades in a row; `last_loss_ns`: age of the last one, ns.
    """

    result: Decimal | None
    opening: Decimal | None
    peak: Decimal | None
    losses: int
    last_loss_age_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Orders sent: in the last second, and within the window of the throttle. `latched`: waits for a re-arm."""

    last_second: int
    in_window: int
    latched: str


@dataclass(slots=True, kw_only=True)
class RiskView:
    """One instant. Prices in quote currency, ages in ns, sizes in contracts (negative: short), money in USDT.

    `price` is the touch that the order would meet. `working_notional`: what rests, at its own prices.
    `clock_offset_ns` is the venue's clock less ours. `authority_pct` is the brain's. `liquidation`: the engine closes
    what the venue says is held, by an operator's word or since the brain died; a halt does not stop that.
    """

    trading_state: TradingState
    causes: str
    instrument: str
    terms: Terms | None
    equity: Decimal | None
    available: Decimal | None
    position: Decimal | None
    working_buy: Decimal
    working_sell: Decimal
    working_notional: Decimal
    leverage: Decimal | None
    liquidation_price: Decimal | None
    price: Decimal | None
    mid: float | None
    mark: float | None
    depth: Depth
    book_valid: bool
    price_age_ns: int | None
    order_age_ns: int
    feed_age_ns: int | None
    brain_age_ns: int | None
    clock_offset_ns: int | None
    day: Day
    traffic: Traffic
    authority_pct: Decimal
    known_intents: set[str]
    liquidation: bool = False

    def worth(self, order: OrderRequest) -> Decimal | None:
        """Notional of an order at the worse of touch and limit, USDT; None while terms or price are unknown."""
        if self.terms is None or self.price is None:
            return None
        price = self.price
        if order.limit_price is not None and order.limit_price > price:
            price = order.limit_price
        return order.contracts * self.terms.contract_value * price

    def worst_position(self, order: OrderRequest) -> Decimal | None:
        """Largest position, long or short, contracts, that could come of it with all that works on its side."""
        if self.position is None:
            return None
        if order.side is Side.BUY:
            return abs(self.position + self.working_buy + order.contracts)
        return abs(self.position - self.working_sell - order.contracts)

    def gross(self, order: OrderRequest) -> Decimal | None:
        """Worth of position, working orders and this one together, USDT."""
        worth = self.worth(order)
        if worth is None or self.position is None or self.terms is None or self.price is None:
            return None
        return abs(self.position) * self.terms.contract_value * self.price + self.working_notional + worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why not: the code, the rule, and the value that broke the limit (None: unknown)."""

    code: RejectCode
    rule: str
    observed: str | None
    limit: str | None
    text: str


def reduces(order: OrderRequest, view: RiskView) -> bool:
    """True when the order can only shrink what is held.

    A reduce-only order of at most the position does, since the venue refuses or cancels what would do more; any other
    only if all that works on its side may fill as well.
    """
    if view.position is None or not view.position:
        return False
    if (order.side is Side.SELL) != (view.position > 0):
        return False
    working = Decimal(0) if order.reduce_only else view.working_sell if order.side is Side.SELL else view.working_buy
    return order.contracts + working <= abs(view.position)
