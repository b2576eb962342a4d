"""At what price: the collar, the depth, the margin, and how far away the liquidation stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from engine.risk.rules.base import Limit, Measured
from engine.risk.view import Refusal, RiskView
from schemas.messages import OrderRequest, RejectCode, Side

_BPS: Final = 10_000


class PriceCollar(Limit):
    """Refuses a price more than `limit_pct` from the mid or from the mark. A market order counts at the touch.

    Source: SEC 15c3-5 (c)(1)(ii), MiFID II RTS 6 article 15 (1)(a), "price collars".
    """

    name = "price_collar"
    code = RejectCode.PRICE_COLLAR

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct, self._limit = limit_pct, f"{limit_pct:g} %"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        price = order.limit_price if order.limit_price is not None else view.price
        for label, reference in (("mid", view.mid), ("mark", view.mark)):
            if price is None or reference is None or not reference > 0:
                return self.no(Measured(None, self._limit), f"price or {label} is not known")
            if abs(float(price) / reference - 1) * 100 > self._limit_pct:
                return self.no(self.measure(order, view), f"{price} is too far from the {label}, {reference:g}")
        return None

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Distance to the mid; to the mark, where that is farther and the mid is within the limit."""
        price = order.limit_price if order.limit_price is not None else view.price
        worst: float | None = None
        for reference in (view.mid, view.mark):
            if price is None or reference is None or not reference > 0:
                return Measured(None, self._limit)
            away_pct = abs(float(price) / reference - 1) * 100
            worst = away_pct if worst is None else max(worst, away_pct)
            if worst > self._limit_pct:
                break
        return Measured(f"{worst:.4f} %", self._limit)


class Slippage(Limit):
    """Refuses a market order whose average price by the present depth is more than `limit_bps` behind the touch.

    Source: FIA 2024 "price tolerance"; the depth is the book's own, no impact beyond it is assumed.
    """

    name = "slippage"
    code = RejectCode.SLIPPAGE

    def __init__(self, limit_bps: float) -> None:
        self._limit_bps, self._limit = limit_bps, f"{limit_bps:g} bps"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.limit_price is not None:
            return None  # its price is its own bound, and the collar's affair
        behind_bps = self._behind_bps(order, view)
        if behind_bps is None:
            return self.no(Measured(None, self._limit), "the book does not hold as much as the order takes")
        if behind_bps <= self._limit_bps:
            return None
        average = view.depth.average_price(buy=order.side is Side.BUY, contracts=float(order.contracts))
        return self.no(self.measure(order, view), f"the average would be {average:.2f}")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """How far the average price is behind the touch; of a limit order nothing is looked at."""
        behind_bps = self._behind_bps(order, view) if order.limit_price is None else None
        return Measured(None if behind_bps is None else f"{behind_bps:.2f} bps", self._limit)

    @staticmethod
    def _behind_bps(order: OrderRequest, view: RiskView) -> float | None:
        average = view.depth.average_price(buy=order.side is Side.BUY, contracts=float(order.contracts))
        if average is None or view.price is None:
            return None
        touch = float(view.price)
        return (average - touch if order.side is Side.BUY else touch - average) / touch * _BPS


class FreeMargin(Limit):
    """Refuses what leaves less than `limit_pct` of the equity free after the order's initial margin.

    Source: OKX guide, 51008; initial margin = notional / leverage (FACTS.md 8).
    """

    name = "free_margin"
    code = RejectCode.MARGIN

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct = Decimal(str(limit_pct))
        self._limit = f"{self._limit_pct} %"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        free_pct = self._free_pct(order, view)
        if free_pct is None:
            return self.no(Measured(None, self._limit), "margin, equity or leverage is not known")
        if free_pct >= self._limit_pct:
            return None
        return self.no(self.measure(order, view), "equity that stays free after the order's margin")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Share of the equity that stays free."""
        free_pct = self._free_pct(order, view)
        return Measured(None if free_pct is None else f"{free_pct:.2f} %", self._limit)

    @staticmethod
    def _free_pct(order: OrderRequest, view: RiskView) -> Decimal | None:
        worth, available, equity, leverage = view.worth(order), view.available, view.equity, view.leverage
        if worth is None or available is None or equity is None or equity <= 0 or not leverage:
            return None
        return (available - worth / leverage) / equity * 100


class LiquidationDistance(Limit):
    """Refuses new risk whose liquidation price would be, or is, nearer to the mark than `limit_pct`.

    A fresh position's distance is taken as 1 / leverage less maintenance and fee; of what is held the venue says it.
    Source: FACTS.md 8 (margin arithmetic; the tier's rates there are unconfirmed, hence the reserve).
    """

    name = "liquidation_distance"
    code = RejectCode.MARGIN
    RESERVE_PCT: Final = 1.0
    """Maintenance margin and taker fee of the first tiers, generously."""

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct, self._limit = limit_pct, f"{limit_pct:g} %"

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        distance_pct = self._distance_pct(view)
        if distance_pct is None:
            return self.no(Measured(None, self._limit), "leverage, position or mark is not known")
        if distance_pct >= self._limit_pct:
            return None
        return self.no(self.measure(order, view), "distance of the liquidation price from the mark")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Distance of the liquidation price from the mark."""
        distance_pct = self._distance_pct(view)
        return Measured(None if distance_pct is None else f"{distance_pct:.2f} %", self._limit)

    def _distance_pct(self, view: RiskView) -> float | None:
        if not view.leverage or view.position is None or view.mark is None or not view.mark > 0:
            return None
        distance_pct = 100 / float(view.leverage) - self.RESERVE_PCT
        if view.position and view.liquidation_price is not None:
            distance_pct = min(distance_pct, abs(float(view.liquidation_price) / view.mark - 1) * 100)
        return distance_pct
