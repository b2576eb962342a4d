"""The gate: the only maker of a Cleared order. The veto is a type, since execution takes nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.risk import rules as r
from engine.risk.view import Refusal, RiskView, reduces
from schemas.messages import OrderRequest, RejectCode
from schemas.settings.risk import Risk

_SEAL: Final = object()
_LIQUIDATION_TOO: Final = frozenset({r.WellFormed.name, r.TradingStateRule.name, r.DuplicateIntent.name})
"""What closes all that the venue says is held needs no price, no grid and no list: the venue sized it."""


class Cleared:
    """An order that every rule let pass. Only the gate can make one. `liquidation`: no halt stops it any more."""

    __slots__ = ("liquidation", "order")

    def __init__(self, order: OrderRequest, seal: object, *, liquidation: bool = False) -> None:
        if seal is not _SEAL:
            raise TypeError("only the gate clears an order")
        self.order = order
        self.liquidation = liquidation


class Gate:
    """Asks the rules in turn; the first refusal decides. A rule that raises refuses: the veto fails closed.

    Of an order that can only shrink the position only those rules are asked that do not spare it.
    """

    def __init__(self, rules: Sequence[r.Rule]) -> None:
        if not rules:
            raise ValueError("a gate without rules would let everything pass")
        self.rules = tuple(rules)
        self._for_reducing = tuple(rule for rule in rules if not rule.spares_reducing)
        self._for_liquidation = tuple(rule for rule in rules if rule.name in _LIQUIDATION_TOO)

    def _asked(self, order: OrderRequest, view: RiskView) -> tuple[r.Rule, ...]:
        if not reduces(order, view):
            return self.rules
        return self._for_liquidation if view.liquidation else self._for_reducing

    def judge(self, order: OrderRequest, view: RiskView) -> Cleared | Refusal:
        """Cleared, or why not."""
        rule: r.Rule = self.rules[0]
        try:
            for rule in self._asked(order, view):
                refusal = rule.judge(order, view)
                if refusal is not None:
                    return refusal
        except Exception as error:  # noqa: BLE001  whatever a rule raises, the answer is no
            return Refusal(
                code=RejectCode.INTERNAL, rule=rule.name, observed=None, limit=None,
                text=f"the rule failed ({type(error).__name__}: {error})",
            )  # fmt: skip
        return Cleared(order, _SEAL, liquidation=view.liquidation)


def default_gate(limits: Risk, *, brain_timeout_s: float) -> Gate:
    """The rules in the order in which they are asked.

    First what is wrong by itself, so that an oversized order is a violation even when it is stale; then what is stale
    or broken; then what the account cannot bear; last what was there before.
    """
    return Gate(
        (
            r.WellFormed(),
            r.TradingStateRule(),
            r.AllowList(limits.instruments),
            r.Grid(),
            r.ProtectiveStop(required=limits.require_stop),
            r.AccountShare(limits.max_account_share_pct),
            r.Authority(limits.max_account_share_pct),
            r.MaxContracts(limits.max_order_contracts),
            r.MaxNotional(limits.max_order_notional_usdt),
            r.PriceAge(limits.price_ttl_ms),
            r.OrderAge(limits.order_age_ms),
            r.FeedSilence(limits.feed_silence_ms),
            r.BookValidity(),
            r.ClockOffset(limits.max_clock_offset_ms),
            r.BrainLease(brain_timeout_s),
            r.PriceCollar(limits.collar_pct),
            r.Slippage(limits.max_slippage_bps),
            r.MaxPosition(limits.max_position_contracts),
            r.GrossExposure(limits.max_gross_exposure_usdt),
            r.Leverage(limits.max_leverage),
            r.FreeMargin(limits.min_free_margin_pct),
            r.LiquidationDistance(limits.min_liquidation_distance_pct),
            r.DailyLoss(limits.max_daily_loss_pct),
            r.Drawdown(limits.max_drawdown_pct),
            r.LossCooldown(limits.max_consecutive_losses, limits.loss_cooldown_s),
            r.MessageRate(limits.max_orders_per_s),
            r.RepeatedExecution(limits.max_executions, limits.executions_window_s),
            r.DuplicateIntent(),
        )
    )
