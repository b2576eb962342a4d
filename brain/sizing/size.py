"""How many contracts: notional over price, on the lot, never above what the engine allows."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from brain.reasons import Reason, WhyNot
from schemas.messages import AccountState, EngineState
from schemas.settings.tree import Sizing


class SizeLimits(NamedTuple):
    """What the engine says: lot, minimum and largest order in contracts; base currency a contract; equity in quote."""

    equity: Decimal
    contract_value: Decimal
    lot: Decimal
    minimum: Decimal
    largest: Decimal | None


def contracts_for(
    *, limits: SizeLimits, price: float, risk_pct: float, fixed_notional: Decimal, authority: Decimal = Decimal(1)
) -> Decimal | WhyNot:
    """Contracts of an entry, rounded down to the lot; why not, where that is under the minimum.

    Args:    price, quote currency; risk_pct, percent of equity that the notional is (0: fixed_notional);
             authority, share in (0, 1] that is left after refusals.
    Source:  SPEC.md 7, layer 4: contracts = notional / (price x contract value).
    """
    notional = limits.equity * _share(risk_pct) if risk_pct else fixed_notional
    contracts = notional * authority / (Decimal(str(price)) * limits.contract_value)
    if limits.largest is not None:
        contracts = min(contracts, limits.largest)
    contracts = contracts // limits.lot * limits.lot
    if contracts < limits.minimum or contracts <= 0:
        return WhyNot(Reason.UNDER_MINIMUM, f"{contracts} contracts, the minimum is {limits.minimum}")
    return contracts


class Sizer:
    """Sizes entries as the settings say, within what the engine allows.

    The last answer is kept while nothing that it follows from has changed: the touch stands for many ticks, and
    decimals are the dearest part of a decision. The engine's words are compared by identity: each is a new object.
    """

    __slots__ = ("_account", "_authority", "_engine", "_kept", "_price", "_settings")

    def __init__(self, settings: Sizing) -> None:
        self._settings = settings
        self._engine: EngineState | None = None
        self._account: AccountState | None = None
        self._price = 0.0
        self._authority = Decimal(0)
        self._kept: Decimal | WhyNot = Decimal(0)

    def __call__(
        self, engine: EngineState, account: AccountState, price: float, authority: Decimal
    ) -> Decimal | WhyNot:
        """Contracts to enter with at `price` (quote currency), or why none."""
        if (
            engine is self._engine
            and account is self._account
            and price == self._price
            and authority is self._authority
        ):
            return self._kept
        self._engine, self._account, self._price, self._authority = engine, account, price, authority
        self._kept = self._fresh(engine, account, price, authority)
        return self._kept

    def _fresh(self, engine: EngineState, account: AccountState, price: float, authority: Decimal) -> Decimal | WhyNot:
        if engine.lot is None or engine.minimum is None or engine.contract_value is None or account.equity is None:
            return WhyNot(Reason.STATE_UNKNOWN, "equity or terms of the instrument are not known")
        limits = SizeLimits(
            equity=account.equity, contract_value=engine.contract_value, lot=engine.lot, minimum=engine.minimum,
            largest=engine.max_order_contracts,
        )  # fmt: skip
        return contracts_for(
            limits=limits, price=price, risk_pct=self._settings.risk_pct_per_trade,
            fixed_notional=self._settings.fixed_notional_usdt, authority=authority,
        )  # fmt: skip


@lru_cache(maxsize=64)
def _share(percent: float) -> Decimal:
    return Decimal(str(percent)) / 100
