"""Numbers to dots and back, and round numbers for an axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10
from typing import Final

_FAR: Final = 100
"""Heights away: what is further outside is drawn nowhere anyway."""
_MOST: Final = 1e15
"""What is beyond is no price and no amount: the numbers of a scale would not differ any more."""
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` is the lowest of `dots` rows of dots, `high` the topmost (row 0)."""

    low: float
    high: float
    dots: int

    def row(self, value: float) -> int:
        """The row of dots of a value; outside of the range: outside of the rows."""
        share = (self.high - value) / (self.high - self.low)
        return round(max(-_FAR, min(_FAR, share)) * (self.dots - 1)) if share == share else -_FAR

    def value(self, row: int) -> float:
        """The value of a row."""
        return self.high - row * (self.high - self.low) / max(1, self.dots - 1)

    def holds(self, value: float) -> bool:
        """Whether the value is within."""
        return self.low <= value <= self.high


def scale_of(values: Iterable[float], dots: int, *, margin: float = 0.04) -> Scale | None:
    """A scale that holds all the values that are numbers, with some margin; None if there are none."""
    finite = [value for value in values if abs(value) < _MOST]  # NaN is not, either
    if not finite or dots < 1:
        return None
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * 1e-4 or 1.0
    return Scale(low - room, high + room, dots)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within the range, at most `most`, lowest first."""
    if most < 1 or not low < high:
        return []
    rough = (high - low) / most
    unit = 10.0 ** floor(log10(rough))
    step = next(factor * unit for factor in _STEPS if factor * unit >= rough)
    first = floor(low / step) + 1
    found: list[float] = []
    while first * step <= high and len(found) < most:
        found.append(first * step)
        first += 1
    return found
