"""Market structure: BOS and CHoCH, marked at the very bar that breaks the swing.

A swing high is broken by the first close (or high, by the settings) above it after its confirmation. If price had,
since that high, come below the low before it, the break changes the character (CHoCH: a lower low, then a higher
high); if not, it goes on with the structure (BOS). Lows mirror it. The definition is smart-money-concepts'
`bos_choch`, which asks beforehand for the swings that follow the break; nothing of that is needed to know it at the
bar itself. Where a newer level of the same side breaks at the same bar or earlier, the older one is not marked any
more (as there). Differences that remain: tests/brain/price_action/differences.md.
Lag: none after the break; the swing itself has its own. Warm-up: four alternating swings, and then a
break of one of those on each side.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import BOS, BREAKS_KEPT, CHOCH, NAN, Vector, emit

DIRECTION: Final = 0
LAST_KIND: Final = 1
LAST_BAR: Final = 2
LAST_AT: Final = 3
LAST_LEVEL: Final = 4
"""+1, -1, or 0 while nothing was broken; and the newest mark."""
HIGH_PRICE: Final = 5
HIGH_BAR: Final = 6
LOW_PRICE: Final = 7
LOW_BAR: Final = 8
"""The newest swing of each side; NaN while there is none."""
_UP: Final = 9
_ROW: Final = 4
_SIDE: Final = 1 + _ROW * BREAKS_KEPT
"""A side: how many levels wait, then the rows, oldest first: bar, level, the opposite swing before it, the farthest
that price has come to the other side since. Of the newest row that still runs; of the older ones it is the swing
between."""
STRUCTURE_SIZE: Final = _UP + 2 * _SIDE


def structure_reset(state: Vector) -> None:
    """What is unknown at the start."""
    for k in (HIGH_PRICE, HIGH_BAR, LOW_PRICE, LOW_BAR, LAST_BAR, LAST_AT, LAST_LEVEL):
        state[k] = NAN


def structure_step(
    state: Vector, marks: Vector, by_close: bool, i: int, high: float, low: float, close: float,
    swing: int, bar: float, price: float, replaces: float, back: float,
) -> None:  # fmt: skip
    """Bar `i`, and the swing that it confirmed (`swing` 0: none), as brain/price_action/swings.py says it.

    Emits BOS and CHOCH: bar of the swing, at = i.
    """
    if swing > 0:
        _add(state, _UP, 1.0, bar, price, state[LOW_PRICE], back, replaces)
        state[HIGH_PRICE], state[HIGH_BAR] = price, bar
    elif swing < 0:
        _add(state, _UP + _SIDE, -1.0, bar, price, state[HIGH_PRICE], back, replaces)
        state[LOW_PRICE], state[LOW_BAR] = price, bar
    _watch(state, marks, _UP, 1, i, low, close if by_close else high)
    _watch(state, marks, _UP + _SIDE, -1, i, high, close if by_close else low)


def _add(
    state: Vector, base: int, sign: float, bar: float, price: float, before: float, back: float, replaces: float
) -> None:  # fmt: skip
    if before != before:  # no swing of the other side yet
        return
    count = int(state[base])
    newest = base + 1 + _ROW * (count - 1)
    if count > 0 and state[newest] == replaces:
        count -= 1
    elif count > 0 and replaces < 0.0:
        state[newest + 3] = before
        while count > 1 and (state[newest - _ROW + 1] - state[newest + 1]) * sign >= 0.0:
            _move(state, newest, newest - _ROW, 1)  # it cannot break before the newer one
            count -= 1
            newest -= _ROW
    if count == BREAKS_KEPT:
        _move(state, base + 1 + _ROW, base + 1, BREAKS_KEPT - 1)
        count -= 1
    row = base + 1 + _ROW * count
    state[row] = bar
    state[row + 1] = price
    state[row + 2] = before
    state[row + 3] = back
    state[base] = float(count + 1)


def _move(state: Vector, source: int, target: int, rows: int) -> None:
    for k in range(_ROW * rows):
        state[target + k] = state[source + k]


def _watch(state: Vector, marks: Vector, base: int, direction: int, i: int, other: float, price: float) -> None:
    """`other`: the bar's extreme away from the levels; `price`: what would have to be beyond them."""
    count = int(state[base])
    if count == 0:
        return
    newest = base + 1 + _ROW * (count - 1)
    if (other - state[newest + 3]) * direction < 0.0:
        state[newest + 3] = other
    for k in range(count - 1, -1, -1):
        row = base + 1 + _ROW * k
        level = state[row + 1]
        if (price - level) * direction > 0.0:
            kind = CHOCH if (state[row + 3] - state[row + 2]) * direction < 0.0 else BOS
            state[DIRECTION] = float(direction)
            state[LAST_KIND] = float(kind)
            state[LAST_BAR] = state[row]
            state[LAST_AT] = float(i)
            state[LAST_LEVEL] = level
            emit(marks, kind, direction, state[row], i, level, level, state[row + 2])
            _move(state, row + _ROW, base + 1, count - 1 - k)
            state[base] = float(count - 1 - k)
            return
