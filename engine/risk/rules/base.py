"""What a rule is: an order and a view in, a refusal or None out. Pure.

A rule that needs what is unknown refuses. A rule that `spares_reducing` is not asked about an order that can only
shrink the position: a limit must not trap the operator.
`measure` says what a rule looks at, also where it lets the order pass. What a refusal shows is what `measure` says, so
the two cannot differ; `judge`, on the order path, puts nothing into words before it has to.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.risk.view import Refusal, RiskView
from schemas.clock import NS_PER_MS
from schemas.messages import OrderRequest, RejectCode


class Measured(NamedTuple):
    """What a rule saw, and its limit, each with its unit. `observed` None: unknown, or nothing there to look at."""

    observed: str | None
    limit: str | None


class Rule(Protocol):
    """One reason to say no."""

    name: str
    code: RejectCode
    spares_reducing: bool

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """The refusal, or None when this rule has nothing against it."""
        ...

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """What it looks at, whatever it says about it."""
        ...


class Limit:
    """The common part of the rules: one name, one code."""

    name: str
    code: RejectCode
    spares_reducing = True

    def no(self, measured: Measured, text: str) -> Refusal:
        """A refusal of this rule."""
        return Refusal(
            code=self.code, rule=self.name, observed=measured.observed, limit=measured.limit, text=text
        )  # fmt: skip


class MillisecondLimit(Limit):
    """A limit of time, given in ms and compared in ns."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ns = int(limit_ms * NS_PER_MS)
        self._limit = f"{limit_ms:g} ms"

    def _measured(self, age_ns: int | None, digits: int) -> Measured:
        return Measured(None if age_ns is None else f"{age_ns / NS_PER_MS:.{digits}f} ms", self._limit)
