"""What the kernels share: where a number stands, what a mark is made of. All numbers are float64, all indices whole.

A kernel is `step(state, ..., bar)`: plain Python over numbers and flat indexables, which numba compiles unchanged
(brain/price_action/batch.py). The live brain hands it lists, the batch hands it arrays; the same code gives the same
bits. A state is flat and of a fixed size, a kernel touches its own state, the marks of the bar and nothing else.

Marks are rows of WIDTH numbers that a kernel appends while it steps over one bar:

    kind, direction (+1 up, -1 down), bar, at, top, bottom, value

`bar` is the index of the bar that the mark belongs to, `at` of the bar whose close made it known: nobody could have
had it earlier, and it never changes afterwards. What happens to a mark later is a mark of its own, with the `bar` of
the first and its own `at`. `top` and `bottom` are prices, `value` is told by the kind.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Final

Vector = MutableSequence[float]
"""A list (live) or an array (batch) of float64."""

NAN: Final = float("nan")

WIDTH: Final = 7
SWING: Final = 1
"""A swing high (+1) or low (-1). value: the bar of the swing that it replaces, -1 for none."""
BOS: Final = 2
"""Break of structure. top = bottom = the level broken, bar: its swing, value: the swing extreme it came from."""
CHOCH: Final = 3
"""Change of character; as BOS."""
BLOCK: Final = 4
"""Order block. value: the level whose break formed it."""
BLOCK_MITIGATED: Final = 5
"""Price went through the block. value: the bar that had formed it."""
GAP: Final = 6
"""Fair value gap. value: the first bar of the run, for a single gap its own."""
GAP_MITIGATED: Final = 7
"""Price came back into the gap. value: as GAP."""
JOINED: Final = 8
"""Gaps in a row as one; each further one of the run tells the whole run anew. value: first bar of the run."""
JOINED_MITIGATED: Final = 9
"""As GAP_MITIGATED, of the run as it then was."""
LEVEL: Final = 10
"""Support or resistance touched by a swing of this direction. value: touches, at least 2."""
POOL: Final = 11
"""Equal highs (+1) or lows (-1): liquidity beyond them. value: how many."""
POOL_SWEPT: Final = 12
"""Price went beyond all of them. value: how many."""

SWING_BARS: Final = 0
BY_CLOSE: Final = 1
MITIGATED_BY_CLOSE: Final = 2
RANGE_BARS: Final = 3
LEVEL_TOLERANCE: Final = 4
POOL_TOLERANCE: Final = 5
POOL_BARS: Final = 6
DAY_START: Final = 7
TREND_BARS: Final = 8
SESSIONS: Final = 9
"""Places in the parameters; from SESSIONS on: how many, then start and length of each, minutes of the UTC day."""

TREND: Final = 0
STRUCTURE: Final = 1
PREMIUM: Final = 2
DAY_HIGH: Final = 3
DAY_LOW: Final = 4
WEEK_HIGH: Final = 5
WEEK_LOW: Final = 6
SESSION_ROW: Final = 7
"""Places in the values of a bar; from SESSION_ROW on for each session: active (1 or 0), high, low."""

GAPS_KEPT: Final = 256
BLOCKS_KEPT: Final = 16
SWINGS_KEPT: Final = 32
POOLS_KEPT: Final = 8
BREAKS_KEPT: Final = 8
"""How many of each are watched, a direction; beyond that the oldest is let go."""

_MOST: Final = 4 * GAPS_KEPT + 2 * BLOCKS_KEPT + 2 * POOLS_KEPT + 16
MARKS_SIZE: Final = 1 + WIDTH * _MOST
"""Of the vector that takes the marks of one bar: their number, then their rows. No bar can bring more."""


def emit(
    marks: Vector, kind: int, direction: int, bar: float, at: int, top: float, bottom: float, value: float
) -> None:  # fmt: skip
    """Append one row to `marks`."""
    k = 1 + WIDTH * int(marks[0])
    marks[0] += 1.0
    marks[k] = float(kind)
    marks[k + 1] = float(direction)
    marks[k + 2] = float(bar)
    marks[k + 3] = float(at)
    marks[k + 4] = top
    marks[k + 5] = bottom
    marks[k + 6] = float(value)
