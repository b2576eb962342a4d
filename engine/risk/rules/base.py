"""What a rule is: an order and a view in, a refusal or None out. Pure.

A rule that needs what is unknown refuses. A rule that `spares_reducing` is not asked about an order that can only
shrink the position: a limit must not trap the operator.
"""

from __future__ import annotations

from typing import Protocol

from engine.risk.view import Refusal, RiskView
from schemas.clock import NS_PER_MS
from schemas.messages import OrderRequest, RejectCode


class Rule(Protocol):
    """One reason to say no."""

    name: str
    spares_reducing: bool

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """The refusal, or None when this rule has nothing against it."""
        ...


class Limit:
    """The common part of the rules: one name, one code."""

    name: str
    code: RejectCode
    spares_reducing = True

    def no(self, observed: object, limit: object, text: str) -> Refusal:
        """A refusal of this rule; `observed` None: the value is unknown."""
        return Refusal(
            code=self.code, rule=self.name, observed=None if observed is None else str(observed),
            limit=None if limit is None else str(limit), text=text,
        )  # fmt: skip


class MillisecondLimit(Limit):
    """A limit of time, given in ms and compared in ns."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ns = int(limit_ms * NS_PER_MS)
        self._limit = f"{limit_ms:g} ms"
