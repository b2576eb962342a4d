"""Premium and discount: where price stands between the last swing low (0) and the last swing high (1).

Each side of the dealing range is the newest confirmed swing, widened by what price has reached since; a close is always
within it. Above 0.5 price is at a premium, below at a discount.
Lag: none after the swings. Warm-up: five alternating swings, exact from then on. Source: SPEC.md 7, layer 1; the
"premium/discount" of the smart-money school (range from the last swing low to the last swing high).
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import NAN, Vector

RANGE_SIZE: Final = 2
"""Top and bottom; NaN before there was a swing on that side."""


def range_reset(state: Vector) -> None:
    """What is unknown at the start."""
    state[0] = state[1] = NAN


def range_step(state: Vector, high: float, low: float, close: float, swing: int, price: float) -> float:
    """A bar, and the swing that it confirmed (`swing` 0: none). Returns (close - bottom) / (top - bottom) in [0, 1].

    NaN before there was a swing on each side, and where the range is a single price.
    """
    if swing > 0:
        state[0] = price
    elif swing < 0:
        state[1] = price
    state[0] = high if high > state[0] else state[0]
    state[1] = low if low < state[1] else state[1]
    top, bottom = state[0], state[1]
    if not top > bottom:  # NaN compares false
        return NAN
    return (close - bottom) / (top - bottom)
