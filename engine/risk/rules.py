"""The rules of the gate, one class each: an order and a view in, a refusal or None out. Pure.

A rule that needs what is unknown refuses. A limit never traps an order that only reduces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import Final, Protocol

from engine.risk.view import Refusal, RiskView, Terms, reduces
from schemas.clock import NS_PER_MS
from schemas.messages import OrderRequest, RejectCode, TradingState

_INTENT: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_LONGEST_PROTECTION_PCT: Final = 50.0


class Rule(Protocol):
    """One reason to say no."""

    name: str

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """The refusal, or None when this rule has nothing against it."""
        ...


class WellFormed:
    """Refuses an intent id, a size or a protection that no venue could take.

    Source: OKX guide, "Place order": clOrdId is 1-32 letters and digits, unique among pending orders only.
    """

    name = "well_formed"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if not _INTENT.fullmatch(order.intent_id):
            return self._no(order.intent_id[:40], "1-32 letters and digits", "mend intent_id")
        if not order.contracts > 0:
            return self._no(str(order.contracts), "> 0", "mend contracts")
        for label, pct in (("tp_pct", order.tp_pct), ("sl_pct", order.sl_pct)):
            if pct is not None and not (isfinite(pct) and 0 < pct <= _LONGEST_PROTECTION_PCT):
                return self._no(str(pct), f"0 < {label} <= {_LONGEST_PROTECTION_PCT}", f"mend {label}")
        return None

    def _no(self, observed: str, limit: str, text: str) -> Refusal:
        return Refusal(code=RejectCode.MALFORMED, rule=self.name, observed=observed, limit=limit, text=text)


class TradingStateRule:
    """Refuses everything while HALTED, and what adds risk while REDUCING. Source: SPEC.md 6."""

    name = "trading_state"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if view.trading_state is TradingState.ACTIVE:
            return None
        if view.trading_state is TradingState.REDUCING and reduces(order, view):
            return None
        return Refusal(
            code=RejectCode.TRADING_STATE, rule=self.name, observed=view.trading_state.value,
            limit=TradingState.ACTIVE.value, text=f"because of {view.causes}",
        )  # fmt: skip


class AllowList:
    """Refuses an instrument that is not on the list; an empty list allows nothing. Source: SPEC.md 5."""

    name = "allow_list"

    def __init__(self, instruments: Sequence[str]) -> None:
        self._instruments = frozenset(instruments)

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.instrument in self._instruments and order.instrument == view.instrument:
            return None
        allowed = ", ".join(sorted(self._instruments & {view.instrument})) or "none"
        return Refusal(
            code=RejectCode.NOT_ALLOWED, rule=self.name, observed=order.instrument, limit=allowed,
            text="the instrument is not in risk.instruments",
        )  # fmt: skip


class Grid:
    """Refuses a size off the lot or under the minimum, a price off the tick. Never rounds. Source: OKX 51121, 51020."""

    name = "grid"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        terms = view.terms
        if terms is None:
            return Refusal(
                code=RejectCode.UNKNOWN_INPUT, rule=self.name, observed=None, limit=None,
                text="lot and minimum are not known yet",
            )  # fmt: skip
        if order.contracts < terms.minimum:
            return self._no(order.contracts, f">= {terms.minimum}", "under the minimum")
        if order.contracts % terms.lot:
            return self._no(order.contracts, f"multiple of {terms.lot}", "not a multiple of the lot")
        if order.limit_price is not None and (order.limit_price <= 0 or order.limit_price % terms.tick):
            return self._no(order.limit_price, f"multiple of {terms.tick}", "price not a multiple of the tick")
        return None

    def _no(self, observed: Decimal, limit: str, text: str) -> Refusal:
        return Refusal(code=RejectCode.OFF_GRID, rule=self.name, observed=str(observed), limit=limit, text=text)


class AccountShare:
    """Refuses a notional above `limit_pct` of the account's equity, in one order. Source: SPEC.md 5.

    An order that only shrinks the position passes: a limit must not trap the operator.
    """

    name = "account_share"

    def __init__(self, limit_pct: float) -> None:
        self.limit_pct = Decimal(str(limit_pct))

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if reduces(order, view):
            return None
        if view.terms is None or view.equity is None or view.equity <= 0 or view.price is None:
            return Refusal(
                code=RejectCode.RISK_VIOLATION, rule=self.name, observed=None, limit=f"{self.limit_pct} %",
                text="price or equity is not known",
            )  # fmt: skip
        price = Decimal(str(view.price))
        if order.limit_price is not None:
            price = max(price, order.limit_price)
        share = order.contracts * view.terms.contract_value * price / view.equity * 100
        if share <= self.limit_pct:
            return None
        return Refusal(
            code=RejectCode.RISK_VIOLATION, rule=self.name, observed=f"{share:.4f} %", limit=f"{self.limit_pct} %",
            text="notional above the largest share of the account per trade",
        )  # fmt: skip

    def largest(self, *, equity: Decimal, price: float, terms: Terms) -> str:
        """Largest order that passes at `price`, contracts as text, rounded down to the lot."""
        contracts = equity * self.limit_pct / 100 / (Decimal(str(price)) * terms.contract_value)
        return format(contracts // terms.lot * terms.lot, "f")


class PriceAge:
    """Refuses an order decided on a price more than `limit_ms` older than the current one. Source: SPEC.md 5."""

    name = "price_age"

    def __init__(self, limit_ms: float) -> None:
        self._limit_ns = int(limit_ms * NS_PER_MS)
        self._limit = f"{limit_ms:g} ms"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        age_ns = view.price_age_ns
        if age_ns is not None and age_ns <= self._limit_ns:
            return None
        return Refusal(
            code=RejectCode.TTL_EXPIRED, rule=self.name, limit=self._limit,
            observed=None if age_ns is None else f"{age_ns / NS_PER_MS:.1f} ms",
            text="decided on a tick that is unknown here" if age_ns is None else "decided on a price that is too old",
        )  # fmt: skip


class DuplicateIntent:
    """Refuses an intent that was seen before; the journal remembers over restarts. Source: SPEC.md 4."""

    name = "duplicate_intent"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.intent_id not in view.known_intents:
            return None
        return Refusal(
            code=RejectCode.DUPLICATE_INTENT, rule=self.name, observed=order.intent_id, limit="once",
            text="this intent was sent before",
        )  # fmt: skip
