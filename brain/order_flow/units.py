"""Sizes and prices as whole numbers: exact, so that no error of rounding grows with the day, in any order of adding."""

from __future__ import annotations

from math import floor, log10
from typing import Final

UNITS: Final = 10**8
"""A contract is this many units."""
PRICE_UNITS: Final = 10**10
"""One of the quote currency is this many price units: exact up to 900,000 of it with the ten digits after the point."""
SMALLEST: Final = 1 / UNITS
LARGEST: Final = 1e12
"""Sizes and prices outside of these are no sizes and no prices."""


def units_of(contracts: float) -> int:
    """Contracts as whole units, to the nearest."""
    return round(contracts * UNITS)


def contracts_of(units: int) -> float:
    """Units as contracts."""
    return units / UNITS


def bucket_units(price: float, bps: float, fixed: float = 0.0) -> int:
    """Width of a price bucket in price units: `fixed` (quote currency) where it is set, else `bps` of the price.

    What follows from the price is rounded down to 1, 2 or 5 times a power of ten: it changes seldom, and edges are
    round prices.
    """
    if fixed > 0:
        return max(1, round(fixed * PRICE_UNITS))
    width = price * bps / 10_000
    power = 10.0 ** floor(log10(width))
    step = next(step for step in (5, 2, 1) if step * power <= width or step == 1)
    return max(1, round(step * power * PRICE_UNITS))
