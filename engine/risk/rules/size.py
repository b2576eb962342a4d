"""How much: one order, the position, the whole exposure, and the brain's authority."""

from __future__ import annotations

from decimal import Decimal

from engine.risk.rules.base import Limit
from engine.risk.view import Refusal, RiskView, Terms
from schemas.messages import OrderRequest, RejectCode


class MaxContracts(Limit):
    """Refuses more than `limit` contracts in one order, or more than the venue takes. Source: SEC 15c3-5 (c)(1)(ii)."""

    name = "max_contracts"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        limit, terms = self._limit, view.terms
        if terms is not None:
            venues = terms.largest_market if order.limit_price is None else terms.largest_limit
            limit = limit if venues is None else min(limit, venues)
        if order.contracts <= limit:
            return None
        return self.no(f"{order.contracts} contracts", f"{limit} contracts", "one order this large is not allowed")


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
        seen = None if worth is None else f"{worth:.2f} USDT"
        return self.no(seen, f"{self._limit} USDT", "notional of one order above the limit, or its price is unknown")


class AccountShare(Limit):
    """Refuses a notional above `limit_pct` of the account's equity, in one order. Source: SPEC.md 5."""

    name = "account_share"
    code = RejectCode.RISK_VIOLATION

    def __init__(self, limit_pct: float) -> None:
        self.limit_pct = Decimal(str(limit_pct))

    def judge(self, order: OrderRequest, view: RiskView) -> Refusal | None:
        """See class."""
        worth, equity = view.worth(order), view.equity
        if worth is None or equity is None or equity <= 0:
            return self.no(None, f"{self.limit_pct} %", "price or equity is not known")
        share = worth / equity * 100
        if share <= self.limit_pct:
            return None
        return self.no(
            f"{share:.4f} %", f"{self.limit_pct} %", "notional above the largest share of the account per trade"
        )

    def largest(self, *, equity: Decimal, price: Decimal, terms: Terms, authority_pct: Decimal = Decimal(100)) -> str:
        """Largest order that passes at `price`, contracts as text, rounded down to the lot."""
        share = self.limit_pct * authority_pct / 100
        contracts = equity * share / 100 / (price * terms.contract_value)
        return format(contracts // terms.lot * terms.lot, "f")


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
        limit = self._limit_pct * view.authority_pct / 100
        worth, equity = view.worth(order), view.equity
        if worth is None or equity is None or equity <= 0:
            return self.no(None, f"{limit} %", "price or equity is not known")
        share = worth / equity * 100
        if share <= limit:
            return None
        return self.no(
            f"{share:.4f} %",
            f"{limit:f} %",
            f"authority cut to {view.authority_pct:f} % after violations",
        )


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
        seen = None if worst is None else f"{worst} contracts"
        return self.no(seen, f"{self._limit} contracts", "the position with all working orders filled")


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
        seen = None if gross is None else f"{gross:.2f} USDT"
        return self.no(seen, f"{self._limit} USDT", "worth of position and working orders with this one")


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
            return self.no(None, f"{self._limit} x", "exposure or equity is not known")
        if gross <= self._limit * equity:
            return None
        return self.no(f"{gross / equity:.3f} x", f"{self._limit} x", "gross exposure over equity")
