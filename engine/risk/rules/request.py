"""What is wrong with an order by itself: its shape, its instrument, its grid, its age, and that it was seen before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Final

from engine.risk.rules.base import Limit, MillisecondLimit
from engine.risk.view import Refusal, RiskView
from schemas.clock import NS_PER_MS
from schemas.messages import OrderRequest, RejectCode

_INTENT: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_LONGEST_PROTECTION_PCT: Final = 50.0


class WellFormed(Limit):
    """Refuses an intent id, a size or a protection that no venue could take.

    Source: OKX guide, "Place order": clOrdId is 1-32 letters and digits, unique among pending orders only.
    """

    name = "well_formed"
    code = RejectCode.MALFORMED
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if not _INTENT.fullmatch(order.intent_id):
            return self.no(order.intent_id[:40], "1-32 letters and digits", "mend intent_id")
        if not order.contracts > 0:
            return self.no(order.contracts, "> 0", "mend contracts")
        for label, pct in (("tp_pct", order.tp_pct), ("sl_pct", order.sl_pct)):
            if pct is not None and not (isfinite(pct) and 0 < pct <= _LONGEST_PROTECTION_PCT):
                return self.no(pct, f"0 < {label} <= {_LONGEST_PROTECTION_PCT}", f"mend {label}")
        return None


class AllowList(Limit):
    """Refuses an instrument that is not on the list; an empty list allows nothing. Source: SPEC.md 5."""

    name = "allow_list"
    code = RejectCode.NOT_ALLOWED
    spares_reducing = False

    def __init__(self, instruments: Sequence[str]) -> None:
        self._instruments = frozenset(instruments)

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.instrument in self._instruments and order.instrument == view.instrument:
            return None
        allowed = ", ".join(sorted(self._instruments & {view.instrument})) or "none"
        return self.no(order.instrument, allowed, "the instrument is not in risk.instruments")


class Grid(Limit):
    """Refuses a size off the lot or under the minimum, a price off the tick. Never rounds. Source: OKX 51121, 51020."""

    name = "grid"
    code = RejectCode.OFF_GRID
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        terms = view.terms
        if terms is None:
            return Refusal(
                code=RejectCode.UNKNOWN_INPUT, rule=self.name, observed=None, limit=None,
                text="lot and minimum are not known yet",
            )  # fmt: skip
        if order.contracts < terms.minimum:
            return self.no(order.contracts, f">= {terms.minimum}", "under the minimum")
        if order.contracts % terms.lot:
            return self.no(order.contracts, f"multiple of {terms.lot}", "not a multiple of the lot")
        if order.limit_price is not None and (order.limit_price <= 0 or order.limit_price % terms.tick):
            return self.no(order.limit_price, f"multiple of {terms.tick}", "price not a multiple of the tick")
        return None


class DuplicateIntent(Limit):
    """Refuses an intent that was seen before; the journal remembers over restarts. Source: SPEC.md 4."""

    name = "duplicate_intent"
    code = RejectCode.DUPLICATE_INTENT
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.intent_id not in view.known_intents:
            return None
        return self.no(order.intent_id, "once", "this intent was sent before")


class OrderAge(MillisecondLimit):
    """Refuses an order made more than `limit_ms` ago, or in the future. Source: SPEC.md 5; FIA 2024, "stale orders"."""

    name = "order_age"
    code = RejectCode.TTL_EXPIRED
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if abs(view.order_age_ns) <= self._limit_ns:
            return None
        return self.no(f"{view.order_age_ns / NS_PER_MS:.1f} ms", self._limit, "the order itself is too old")


class ProtectiveStop(Limit):
    """Refuses an order that adds risk without a stop-loss for the venue to hold. Source: SPEC.md 4."""

    name = "protective_stop"
    code = RejectCode.NO_STOP

    def __init__(self, *, required: bool) -> None:
        self._required = required

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if not self._required or (order.sl_pct is not None and not order.reduce_only):
            return None
        return self.no("none", "a stop-loss", "give sl_pct; an order that is not only reducing needs its stop")
