"""How many contracts: notional over price, on the lot, never above what the engine allows."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from brain.reasons import Reason, WhyNot


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


@lru_cache(maxsize=64)
def _share(percent: float) -> Decimal:
    return Decimal(str(percent)) / 100
