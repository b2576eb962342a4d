"""The gate: the only maker of a Cleared order. The veto is a type, since execution takes nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.risk.rules import (
    AccountShare,
    AllowList,
    DuplicateIntent,
    Grid,
    PriceAge,
    Rule,
    TradingStateRule,
    WellFormed,
)
from engine.risk.view import Refusal, RiskView
from schemas.messages import OrderRequest, RejectCode
from schemas.settings.risk import Risk

_SEAL: Final = object()


class Cleared:
    """An order that every rule let pass. Only the gate can make one."""

    __slots__ = ("order",)

    def __init__(self, order: OrderRequest, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the gate clears an order")
        self.order = order


class Gate:
    """Asks the rules in turn; the first refusal decides. A rule that raises refuses: the veto fails closed."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        if not rules:
            raise ValueError("a gate without rules would let everything pass")
        self.rules = tuple(rules)

    def judge(self, order: OrderRequest, view: RiskView) -> Cleared | Refusal:
        """Cleared, or why not."""
        for rule in self.rules:
            try:
                refusal = rule.judge(order, view)
            except Exception as error:  # noqa: BLE001  whatever a rule raises, the answer is no
                return Refusal(
                    code=RejectCode.INTERNAL, rule=rule.name, observed=None, limit=None,
                    text=f"the rule failed ({type(error).__name__}: {error})",
                )  # fmt: skip
            if refusal is not None:
                return refusal
        return Cleared(order, _SEAL)


def default_gate(limits: Risk) -> Gate:
    """The rules in the order in which they are asked: what is wrong by itself first, what is stale last but one."""
    return Gate(
        (
            WellFormed(),
            TradingStateRule(),
            AllowList(limits.instruments),
            Grid(),
            AccountShare(limits.max_account_share_pct),
            PriceAge(limits.price_ttl_ms),
            DuplicateIntent(),
        )
    )
