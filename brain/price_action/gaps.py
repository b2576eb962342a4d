"""Fair value gaps: three bars of which the first and the third do not touch.

Bullish at bar b: high[b-1] < low[b+1] and close[b] > open[b]; the gap is [high[b-1], low[b+1]]. Bearish mirrors it.
It is mitigated by the first bar from b + 2 on whose low comes to the top (bearish: high to the bottom). Joined: gaps
of the same direction at bars in a row are one, from the lowest bottom to the highest top, and mitigation counts from
its last bar. The definition is smart-money-concepts' `fvg`; equal to it in every row.
Lag: 1 bar, at = b + 1. Warm-up: 3 bars, joined the first bar without a gap; a gap's mitigation follows from itself.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import GAP, GAP_MITIGATED, GAPS_KEPT, JOINED, JOINED_MITIGATED, Vector, emit

_BEFORE: Final = 0
_LAST: Final = 2
_RUN: Final = 6
"""High and low of bar i - 2; high, low, open, close of bar i - 1; direction of the gap found at bar i - 1."""
BULLISH: Final = 7
ROW: Final = 5
SIDE: Final = 2 + ROW * GAPS_KEPT
BEARISH: Final = BULLISH + SIDE
"""A side: place of the oldest, how many stand, then a ring of rows: top, bottom, bar, at, first bar of the run.

The newest is the nearest to price: an older one that price had to pass has been mitigated. So mitigation takes from the
newer end, and costs no more in all than the gaps that were found.
"""
GAPS_SIZE: Final = BULLISH + 2 * SIDE


def gaps_step(
    state: Vector, marks: Vector, join: bool, i: int, bar_open: float, high: float, low: float, close: float
) -> None:  # fmt: skip
    """Bar `i`. Emits GAP and GAP_MITIGATED (`join`: JOINED and JOINED_MITIGATED), at = i."""
    direction = 0
    if i >= 2:
        if state[_BEFORE] < low and state[_LAST + 3] > state[_LAST + 2]:
            direction = 1
        elif state[_BEFORE + 1] > high and state[_LAST + 3] < state[_LAST + 2]:
            direction = -1
    top, bottom = (low, state[_BEFORE]) if direction > 0 else (state[_BEFORE + 1], high)
    first = float(i - 1)
    if join and direction != 0 and direction == state[_RUN]:
        base = BULLISH if direction > 0 else BEARISH
        row = base + 2 + ROW * ((int(state[base]) + int(state[base + 1]) - 1) % GAPS_KEPT)
        first = state[row + 4]
        top = state[row] if state[row] > top else top
        bottom = state[row + 1] if state[row + 1] < bottom else bottom
        state[base + 1] -= 1.0  # it goes on as part of the longer one
    mitigated = JOINED_MITIGATED if join else GAP_MITIGATED
    _mitigate(state, marks, BULLISH, mitigated, 1, i, low)
    _mitigate(state, marks, BEARISH, mitigated, -1, i, high)
    if direction != 0:
        _push(state, BULLISH if direction > 0 else BEARISH, top, bottom, i, first)
        emit(marks, JOINED if join else GAP, direction, i - 1, i, top, bottom, first)
    state[_BEFORE] = state[_LAST]
    state[_BEFORE + 1] = state[_LAST + 1]
    state[_LAST] = high
    state[_LAST + 1] = low
    state[_LAST + 2] = bar_open
    state[_LAST + 3] = close
    state[_RUN] = float(direction)


def _mitigate(state: Vector, marks: Vector, base: int, kind: int, direction: int, i: int, price: float) -> None:
    while state[base + 1] > 0.0:
        row = base + 2 + ROW * ((int(state[base]) + int(state[base + 1]) - 1) % GAPS_KEPT)
        top, bottom = state[row], state[row + 1]
        if (price > top) if direction > 0 else (price < bottom):
            return
        emit(marks, kind, direction, state[row + 2], i, top, bottom, state[row + 4])
        state[base + 1] -= 1.0


def _push(state: Vector, base: int, top: float, bottom: float, i: int, first: float) -> None:
    oldest, count = int(state[base]), int(state[base + 1])
    if count == GAPS_KEPT:
        state[base] = float((oldest + 1) % GAPS_KEPT)
        oldest, count = int(state[base]), count - 1
    row = base + 2 + ROW * ((oldest + count) % GAPS_KEPT)
    state[row] = top
    state[row + 1] = bottom
    state[row + 2] = float(i - 1)
    state[row + 3] = float(i)
    state[row + 4] = first
    state[base + 1] = float(count + 1)
