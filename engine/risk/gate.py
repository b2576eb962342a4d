"""The gate: the only maker of a Cleared order. The veto is a type, since execution takes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from engine.risk import rules as r
from engine.risk.view import Refusal, RiskView, reduces
from schemas.messages import OrderRequest, RejectCode
from schemas.settings.risk import Risk

_SEAL: Final = object()
_LIQUIDATION_TOO: Final = frozenset({r.WellFormed.name, r.TradingStateRule.name, r.DuplicateIntent.name})
"""What closes all that the venue says is held needs no price, no grid and no list: the venue sized it."""

_Asked = tuple[r.Rule, Callable[[OrderRequest, RiskView], Refusal | None]]

Outcome = Literal["passed", "refused", "spared", "not asked"]
"""`spared`: the order can only shrink the position. `not asked`: a rule before it has refused."""


class RuleNote(NamedTuple):
    """One row of a verdict. `observed` and `limit` with their units; None: unknown, or the rule was not asked."""

    rule: str
    code: str
    observed: str | None
    limit: str | None
    outcome: Outcome


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
        self._all = tuple((rule, rule.judge) for rule in rules)
        self._for_reducing = tuple((rule, rule.judge) for rule in rules if not rule.spares_reducing)
        self._for_liquidation = tuple((rule, rule.judge) for rule in rules if rule.name in _LIQUIDATION_TOO)

    def _asked(self, order: OrderRequest, view: RiskView) -> tuple[_Asked, ...]:
        if not reduces(order, view):
            return self._all
        return self._for_liquidation if view.liquidation else self._for_reducing

    def judge(self, order: OrderRequest, view: RiskView) -> Cleared | Refusal:
        """Cleared, or why not."""
        rule: r.Rule = self.rules[0]
        try:
            for rule, judge in self._asked(order, view):  # noqa: B007  `rule`: the except
                refusal = judge(order, view)
                if refusal is not None:
                    return refusal
        except Exception as error:  # noqa: BLE001  whatever a rule raises, the answer is no
            return _failed(rule, error)
        return Cleared(order, _SEAL, liquidation=view.liquidation)

    def explain(self, order: OrderRequest, view: RiskView) -> tuple[RuleNote, ...]:
        """What each rule says, in the order in which they are asked; the same verdict on the same view as `judge`.

        It costs ten times as much: nothing for the order path.
        """
        return tuple(self._notes(order, view))

    def _notes(self, order: OrderRequest, view: RiskView) -> Iterator[RuleNote]:
        refusal: Refusal | None = None
        reducing = False
        try:
            reducing = reduces(order, view)
        except Exception as error:  # noqa: BLE001  as in `judge`
            refusal = _failed(self.rules[0], error)
        for number, rule in enumerate(self.rules):
            if refusal is not None:
                outcome: Outcome = "not asked" if number else "refused"
                yield RuleNote(rule.name, (rule if number else refusal).code.value, None, None, outcome)
            elif reducing and (rule.name not in _LIQUIDATION_TOO if view.liquidation else rule.spares_reducing):
                yield RuleNote(rule.name, rule.code.value, *_measured(rule, order, view), "spared")
            else:
                refusal = _asked(rule, order, view)
                if refusal is None:
                    yield RuleNote(rule.name, rule.code.value, *_measured(rule, order, view), "passed")
                else:
                    yield RuleNote(rule.name, refusal.code.value, refusal.observed, refusal.limit, "refused")


def _asked(rule: r.Rule, order: OrderRequest, view: RiskView) -> Refusal | None:
    try:
        return rule.judge(order, view)
    except Exception as error:  # noqa: BLE001  as in `judge`
        return _failed(rule, error)


def _measured(rule: r.Rule, order: OrderRequest, view: RiskView) -> r.Measured:
    try:
        return rule.measure(order, view)
    except Exception:  # noqa: BLE001  a rule that lets pass is not overruled by its own words
        return r.Measured(None, None)


def _failed(rule: r.Rule, error: Exception) -> Refusal:
    return Refusal(
        code=RejectCode.INTERNAL, rule=rule.name, observed=None, limit=None,
        text=f"the rule failed ({type(error).__name__}: {error})",
    )  # fmt: skip


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
