"""How much: one order, the position, the whole exposure, and the brain's authority."""

from __future__ import annotations

from decimal import Decimal

from engine.risk.rules.base import Limit, Measured
from engine.risk.view import Refusal, RiskView
from schemas.messages import OrderRequest, RejectCode


class MaxContracts(Limit):
    """Refuses more than `limit` contracts in one order, or more than the venue takes. Source: SEC 15c3-5 (c)(1)(ii)."""

    name = "max_contracts"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if order.contracts <= self._largest(order, view):
            return None
        return self.no(self.measure(order, view), "one order this large is not allowed")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The size, and the smaller of our limit and the venue's."""
        return Measured(f"{order.contracts} contracts", f"{self._largest(order, view)} contracts")

    def _largest(self, order: OrderRequest, view: RiskView) -> Decimal:
        limit, terms = self._limit, view.terms
        if terms is None:
            return limit
        venues = terms.largest_market if order.limit_price is None else terms.largest_limit
        return limit if venues is None else min(limit, venues)


class MaxNotional(Limit):
    """Refuses one order worth more than `limit` USDT. Source: SEC 15c3-5 (c)(1)(ii), FIA 2024 "maximum order value"."""

    name = "max_notional"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        worth = view.worth(order)
        if worth is not None and worth <= self._limit:
            return None
        return self.no(self.measure(order, view), "notional of one order above the limit, or its price is unknown")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """What the order is worth."""
        return _worth(view.worth(order), self._limit)


class AccountShare(Limit):
    """Refuses a notional above `limit_pct` of the account's equity, in one order. Source: SPEC.md 5."""

    name = "account_share"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit_pct: float) -> None:
        self.limit_pct = Decimal(str(limit_pct))

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        share_pct = _share_pct(order, view)
        if share_pct is None:
            return self.no(self._words(share_pct), "price or equity is not known")
        if share_pct <= self.limit_pct:
            return None
        return self.no(self._words(share_pct), "notional above the largest share of the account per trade")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Share of the equity that the order is worth."""
        return self._words(_share_pct(order, view))

    def _words(self, share_pct: Decimal | None) -> Measured:
        return Measured(None if share_pct is None else f"{share_pct:.4f} %", f"{self.limit_pct} %")


class Authority(Limit):
    """Refuses more than the share of the account that a brain with a cut authority still has.

    The largest share is halved at each violation and comes back step by step. Source: SPEC.md 5, "the greedy brain".
    """

    name = "authority"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit_pct: float) -> None:
        self._limit_pct = Decimal(str(limit_pct))

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        if view.authority_pct >= 100:
            return None
        share_pct = _share_pct(order, view)
        if share_pct is None:
            return self.no(self.measure(order, view), "price or equity is not known")
        if share_pct <= self._left_pct(view):
            return None
        return self.no(self.measure(order, view), f"authority cut to {view.authority_pct:f} % after violations")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Share of the equity that the order is worth, and what the brain has left of the largest one."""
        share_pct = _share_pct(order, view)
        return Measured(None if share_pct is None else f"{share_pct:.4f} %", f"{self._left_pct(view):f} %")

    def _left_pct(self, view: RiskView) -> Decimal:
        return self._limit_pct * view.authority_pct / 100


class MaxPosition(Limit):
    """Refuses what could leave more than `limit` contracts held, long or short, all working orders filled.

    Source: STYLE.md, "a rule"; FIA 2024 "maximum intraday position".
    """

    name = "max_position"
    code = RejectCode.POSITION_LIMIT

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        worst = view.worst_position(order)  # unknown exposure is not zero exposure
        if worst is not None and worst <= self._limit:
            return None
        return self.no(self.measure(order, view), "the position with all working orders filled")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """The largest position that could come of it."""
        worst = view.worst_position(order)
        return Measured(None if worst is None else f"{worst} contracts", f"{self._limit} contracts")


class GrossExposure(Limit):
    """Refuses what takes position and working orders together above `limit` USDT. Source: SEC 15c3-5 (c)(1)(i)."""

    name = "gross_exposure"
    code = RejectCode.EXPOSURE_LIMIT

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        gross = view.gross(order)
        if gross is not None and gross <= self._limit:
            return None
        return self.no(self.measure(order, view), "worth of position and working orders with this one")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """What position, working orders and this one are worth together."""
        return _worth(view.gross(order), self._limit)


class Leverage(Limit):
    """Refuses what takes the gross exposure above `limit` times the equity. Source: FIA 2024 "credit and margin"."""

    name = "leverage"
    code = RejectCode.EXPOSURE_LIMIT

    def __init__(self, limit: float) -> None:
        self._limit = Decimal(str(limit))

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        gross, equity = view.gross(order), view.equity
        if gross is None or equity is None or equity <= 0:
            return self.no(self.measure(order, view), "exposure or equity is not known")
        if gross <= self._limit * equity:
            return None
        return self.no(self.measure(order, view), "gross exposure over equity")

    def measure(self, order: OrderRequest, view: RiskView) -> Measured:
        """Gross exposure over equity."""
        gross, equity = view.gross(order), view.equity
        if gross is None or equity is None or equity <= 0:
            return Measured(None, f"{self._limit} x")
        return Measured(f"{gross / equity:.3f} x", f"{self._limit} x")


def _share_pct(order: OrderRequest, view: RiskView) -> Decimal | None:
    worth, equity = view.worth(order), view.equity
    if worth is None or equity is None or equity <= 0:
        return None
    return worth / equity * 100


def _worth(worth: Decimal | None, limit: Decimal) -> Measured:
    return Measured(None if worth is None else f"{worth:.2f} USDT", f"{limit} USDT")
