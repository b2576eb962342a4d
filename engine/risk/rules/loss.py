"""How much was lost: the day, the drawdown, losses in a row."""

from __future__ import annotations

from decimal import Decimal

from engine.risk.rules.base import Limit, Measured
from engine.risk.view import Refusal, RiskView
from schemas.clock import NS_PER_S
from schemas.messages import OrderRequest, RejectCode


class DailyLoss(Limit):
    """Refuses new risk once the day's realised + unrealised + fees lost `limit_pct` of its opening equity.

    Source: SPEC.md 7, layer 4; FIA 2024 "daily loss limit".
    """

    name = "daily_loss"
    code = RejectCode.DAILY_LOSS

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct = Decimal(str(limit_pct))
        self._limit = f"{self._limit_pct} %"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        lost_pct = self._lost_pct(view)
        if lost_pct is None:
            return self.no(Measured(None, self._limit), "the day's result is not known")
        if lost_pct < self._limit_pct:
            return None
        return self.no(self.measure(order, view), "the day is over for new risk")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """What the day lost, share of its opening equity; negative: it won."""
        lost_pct = self._lost_pct(view)
        return Measured(None if lost_pct is None else f"{lost_pct:.3f} %", self._limit)

    @staticmethod
    def _lost_pct(view: RiskView) -> Decimal | None:
        result, opening = view.day.result, view.day.opening
        if result is None or opening is None or opening <= 0:
            return None
        return -result / opening * 100


class Drawdown(Limit):
    """Refuses new risk once equity fell `limit_pct` from its peak; the peak begins anew when the operator re-arms.

    Source: FIA 2024 "drawdown limits"; freqtrade's MaxDrawdown protection, but never by time alone.
    """

    name = "drawdown"
    code = RejectCode.DRAWDOWN

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct = Decimal(str(limit_pct))
        self._limit = f"{self._limit_pct} %"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        fall_pct = self._fall_pct(view)
        if fall_pct is None:
            return self.no(Measured(None, self._limit), "equity or its peak is not known")
        if fall_pct < self._limit_pct:
            return None
        text = f"fell from its peak {view.day.peak:.2f}; `sovereign rearm` begins anew"
        return self.no(self.measure(order, view), text)

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """How far equity is below its peak."""
        fall_pct = self._fall_pct(view)
        return Measured(None if fall_pct is None else f"{fall_pct:.3f} %", self._limit)

    @staticmethod
    def _fall_pct(view: RiskView) -> Decimal | None:
        equity, peak = view.equity, view.day.peak
        if equity is None or peak is None or peak <= 0:
            return None
        return (peak - equity) / peak * 100


class LossCooldown(Limit):
    """Refuses new risk for `cooldown_s` after `losses` losing trades in a row. Source: SPEC.md 7, layer 4."""

    name = "loss_cooldown"
    code = RejectCode.COOLDOWN

    def __init__(self, losses: int, cooldown_s: float) -> None:
        self._losses = losses
        self._cooldown_ns = int(cooldown_s * NS_PER_S)
        self._limit = f"{losses} losses in a row, then {cooldown_s:g} s"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        day = view.day
        if day.losses < self._losses:
            return None
        if day.last_loss_age_ns is not None and day.last_loss_age_ns >= self._cooldown_ns:
            return None
        if day.last_loss_age_ns is None:
            return self.no(self.measure(order, view), "when the last loss was is not known")
        left_s = (self._cooldown_ns - day.last_loss_age_ns) / NS_PER_S
        return self.no(self.measure(order, view), f"{left_s:.0f} s left")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Losing trades in a row, and where they are too many, how long ago the last one was."""
        day = view.day
        if day.losses >= self._losses and day.last_loss_age_ns is None:
            return Measured(None, self._limit)
        return Measured(f"{day.losses} losses in a row", self._limit)
