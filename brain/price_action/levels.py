"""Support and resistance: prices at which the market turned more than once.

A level is a cluster of confirmed swings, highs and lows alike (what was resistance turns support), that lie within the
tolerance of its newest one; the tolerance is a multiple of the mean true range at the confirmation. Only the newest
SWINGS_KEPT swings that stand are looked at, so that nothing older has a say.
Lag: that of the swing. Warm-up: SWINGS_KEPT + 4 alternating swings. Source: SPEC.md 7, layer 1; Murphy,
Technical Analysis of the Financial Markets, ch. 4 (support, resistance, role reversal), here with a stated tolerance.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import LEVEL, SWINGS_KEPT, Vector, emit

COUNT: Final = 0
ROWS: Final = 1
ROW: Final = 6
"""How many swings were taken in all, then a ring: price, bar, touches, top and bottom of its cluster, at."""
LEVELS_SIZE: Final = ROWS + ROW * SWINGS_KEPT


def levels_step(
    state: Vector, marks: Vector, tolerance: float, i: int, swing: int, bar: float, price: float, replaces: float
) -> None:  # fmt: skip
    """The swing that bar `i` confirmed; called only when there is one. A NaN tolerance clusters nothing.

    Emits LEVEL: bar of the swing, at = i, from the lowest to the highest price of the cluster, value = touches >= 2.
    """
    count = int(state[COUNT])
    if count > 0 and state[ROWS + ROW * ((count - 1) % SWINGS_KEPT) + 1] == replaces:
        count -= 1
    row = ROWS + ROW * (count % SWINGS_KEPT)
    state[row] = price
    state[row + 1] = bar
    count += 1
    state[COUNT] = float(count)
    touches, top, bottom = 1, price, price
    held = count if count < SWINGS_KEPT else SWINGS_KEPT
    for k in range(2, held + 1):
        other = state[ROWS + ROW * ((count - k) % SWINGS_KEPT)]
        if price - tolerance <= other <= price + tolerance:
            touches += 1
            top = other if other > top else top
            bottom = other if other < bottom else bottom
    state[row + 2] = float(touches)
    state[row + 3] = top
    state[row + 4] = bottom
    state[row + 5] = float(i)
    if touches > 1:
        emit(marks, LEVEL, swing, bar, i, top, bottom, float(touches))
