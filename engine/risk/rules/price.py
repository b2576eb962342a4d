"""At what price: the collar, the depth, the margin, and how far away the liquidation stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from engine.risk.rules.base import Limit
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
                return self.no(None, self._limit, f"price or {label} is not known")
            away_pct = abs(float(price) / reference - 1) * 100
            if away_pct > self._limit_pct:
                return self.no(f"{away_pct:.4f} %", self._limit, f"{price} is too far from the {label}, {reference:g}")
        return None


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
        average = view.depth.average_price(buy=order.side is Side.BUY, contracts=float(order.contracts))
        if average is None or view.price is None:
            return self.no(None, self._limit, "the book does not hold as much as the order takes")
        touch = float(view.price)
        worse = average - touch if order.side is Side.BUY else touch - average
        if worse / touch * _BPS <= self._limit_bps:
            return None
        return self.no(f"{worse / touch * _BPS:.2f} bps", self._limit, f"the average would be {average:.2f}")


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
        worth, available, equity, leverage = view.worth(order), view.available, view.equity, view.leverage
        if worth is None or available is None or equity is None or equity <= 0 or not leverage:
            return self.no(None, self._limit, "margin, equity or leverage is not known")
        free_pct = (available - worth / leverage) / equity * 100
        if free_pct >= self._limit_pct:
            return None
        return self.no(f"{free_pct:.2f} %", self._limit, "equity that stays free after the order's margin")


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
        if not view.leverage or view.position is None or view.mark is None or not view.mark > 0:
            return self.no(None, self._limit, "leverage, position or mark is not known")
        distance = 100 / float(view.leverage) - self.RESERVE_PCT
        if view.position and view.liquidation_price is not None:
            distance = min(distance, abs(float(view.liquidation_price) / view.mark - 1) * 100)
        if distance >= self._limit_pct:
            return None
        return self.no(f"{distance:.2f} %", self._limit, "distance of the liquidation price from the mark")
