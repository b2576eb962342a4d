"""What is wrong with an order by itself: its shape, its instrument, its grid, its age, and that it was seen before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Final

from engine.risk.rules.base import Limit, Measured, MillisecondLimit
from engine.risk.view import Refusal, RiskView
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
            return self.no(Measured(order.intent_id[:40], "1-32 letters and digits"), "mend intent_id")
        if not order.contracts > 0:
            return self.no(Measured(str(order.contracts), "> 0"), "mend contracts")
        for label, pct in (("tp_pct", order.tp_pct), ("sl_pct", order.sl_pct)):
            if pct is not None and not (isfinite(pct) and 0 < pct <= _LONGEST_PROTECTION_PCT):
                measured = Measured(str(pct), f"0 < {label} <= {_LONGEST_PROTECTION_PCT}")
                return self.no(measured, f"mend {label}")
        return None

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The first thing that is wrong; the whole shape, if nothing is."""
        if (refusal := self.judge(order, view)) is not None:
            return Measured(refusal.observed, refusal.limit)
        shape = (
            f"{order.intent_id}, {order.contracts} contracts, TP {_percent(order.tp_pct)}, SL {_percent(order.sl_pct)}"
        )
        limit = f"1-32 letters and digits, > 0 contracts, TP and SL within {_LONGEST_PROTECTION_PCT:g} %"
        return Measured(shape, limit)


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
        return self.no(self.measure(order, view), "the instrument is not in risk.instruments")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The instrument, and what is allowed here."""
        return Measured(order.instrument, ", ".join(sorted(self._instruments & {view.instrument})) or "none")


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
        contracts, price = order.contracts, order.limit_price
        if contracts < terms.minimum:
            return self.no(Measured(str(contracts), f">= {terms.minimum}"), "under the minimum")
        if contracts % terms.lot:
            return self.no(Measured(str(contracts), f"multiple of {terms.lot}"), "not a multiple of the lot")
        if price is not None and (price <= 0 or price % terms.tick):
            return self.no(Measured(str(price), f"multiple of {terms.tick}"), "price not a multiple of the tick")
        return None

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The first thing that is off; size and price, if nothing is."""
        refusal, terms = self.judge(order, view), view.terms
        if terms is None:
            return Measured(None, None)
        if refusal is not None:
            return Measured(refusal.observed, refusal.limit)
        price = "" if order.limit_price is None else f", price {order.limit_price}"
        limit = f">= {terms.minimum}, multiple of {terms.lot}" + (f"; tick {terms.tick}" if price else "")
        return Measured(f"{order.contracts} contracts{price}", limit)


class DuplicateIntent(Limit):
    """Refuses an intent that was seen before; the journal remembers over restarts. Source: SPEC.md 4."""

    name = "duplicate_intent"
    code = RejectCode.DUPLICATE_INTENT
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.intent_id not in view.known_intents:
            return None
        return self.no(Measured(order.intent_id, "once"), "this intent was sent before")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The intent, and whether it is new."""
        seen = order.intent_id in view.known_intents
        return Measured(order.intent_id if seen else f"{order.intent_id}, new", "once")


class OrderAge(MillisecondLimit):
    """Refuses an order made more than `limit_ms` ago, or in the future. Source: SPEC.md 5; FIA 2024, "stale orders"."""

    name = "order_age"
    code = RejectCode.TTL_EXPIRED
    spares_reducing = False

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if abs(view.order_age_ns) <= self._limit_ns:
            return None
        return self.no(self.measure(order, view), "the order itself is too old")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Age of the order; negative: of the future."""
        return self._measured(view.order_age_ns, 1)


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
        text = "give sl_pct; an order that is not only reducing needs its stop"
        return self.no(Measured("none", "a stop-loss"), text)

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The stop-loss."""
        bare = order.sl_pct is None or order.reduce_only
        return Measured("none" if bare else f"{order.sl_pct:g} %", "a stop-loss" if self._required else "not required")


def _percent(pct: float | None) -> str:
    return "none" if pct is None else f"{pct:g} %"
