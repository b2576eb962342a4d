"""Liquidity pools: equal highs with the stops of the sellers above them, equal lows with those of the buyers below.

A confirmed swing high makes a pool with the earlier ones that lie within the tolerance of it and that no later bar
has gone above. The tolerance is a multiple of the mean true range at the confirmation (smart-money-concepts'
`liquidity` measures it on the range of the whole sample, which nobody knows before its end). The pool is swept by the
first bar that goes beyond its outermost price. Lows mirror it. Swings and pools older than `max_bars` are let go.
Lag: that of the swing; none for the sweep. Warm-up: four alternating swings, then max_bars.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import NAN, POOL, POOL_SWEPT, POOLS_KEPT, SWINGS_KEPT, Vector, emit

_SWINGS: Final = 0
_NEAREST: Final = 1
_SWING_ROWS: Final = 2
_SWING_ROW: Final = 2
POOLS: Final = _SWING_ROWS + _SWING_ROW * SWINGS_KEPT
ROW: Final = 5
SIDE: Final = POOLS + 1 + ROW * POOLS_KEPT
"""A side: how many swings are unswept; the nearest price that has something to sweep, NaN for none (one comparison a
bar, as a rule); the swings, oldest first: price, bar; how many pools stand, and those, oldest first: top, bottom, bar,
at, how many swings."""
POOLS_SIZE: Final = 2 * SIDE


def pools_reset(state: Vector) -> None:
    """What is unknown at the start."""
    state[_NEAREST] = state[SIDE + _NEAREST] = NAN


def pools_step(
    state: Vector, marks: Vector, tolerance: float, max_bars: int, i: int, high: float, low: float,
    swing: int, bar: float, price: float,
) -> None:  # fmt: skip
    """Bar `i`, and the swing that it confirmed (`swing` 0: none; only then `tolerance` is asked for).

    Emits POOL: bar of its newest swing, at = i, value = how many; and POOL_SWEPT.
    """
    if high > state[_NEAREST]:
        _sweep(state, marks, 0, 1, i, high, i - max_bars)
    if low < state[SIDE + _NEAREST]:
        _sweep(state, marks, SIDE, -1, i, low, i - max_bars)
    if swing > 0:
        _add(state, marks, 0, 1, tolerance, i, bar, price, i - max_bars)
    elif swing < 0:
        _add(state, marks, SIDE, -1, tolerance, i, bar, price, i - max_bars)


def _sweep(state: Vector, marks: Vector, base: int, direction: int, i: int, price: float, oldest: int) -> None:
    """Let go what price went beyond, and what is too old."""
    kept = 0
    for k in range(int(state[base + _SWINGS])):
        row = base + _SWING_ROWS + _SWING_ROW * k
        if (price - state[row]) * direction > 0.0 or state[row + 1] < oldest:
            continue
        _copy(state, row, base + _SWING_ROWS + _SWING_ROW * kept, _SWING_ROW)
        kept += 1
    state[base + _SWINGS] = float(kept)
    kept = 0
    for k in range(int(state[base + POOLS])):
        row = base + POOLS + 1 + ROW * k
        if state[row + 2] < oldest:
            continue
        if (price - _outermost(state, row, direction)) * direction > 0.0:
            emit(marks, POOL_SWEPT, direction, state[row + 2], i, state[row], state[row + 1], state[row + 4])
            continue
        _copy(state, row, base + POOLS + 1 + ROW * kept, ROW)
        kept += 1
    state[base + POOLS] = float(kept)
    _renew_nearest(state, base, direction)


def _add(
    state: Vector, marks: Vector, base: int, direction: int, tolerance: float, i: int, bar: float, price: float,
    oldest: int,
) -> None:  # fmt: skip
    count, top, bottom = 1, price, price
    held = int(state[base + _SWINGS])
    for k in range(held):
        row = base + _SWING_ROWS + _SWING_ROW * k
        other = state[row]
        if state[row + 1] >= oldest and price - tolerance <= other <= price + tolerance:
            count += 1
            top = other if other > top else top
            bottom = other if other < bottom else bottom
    if held == SWINGS_KEPT:
        start = base + _SWING_ROWS
        _copy(state, start + _SWING_ROW, start, _SWING_ROW * (SWINGS_KEPT - 1))
        held -= 1
    row = base + _SWING_ROWS + _SWING_ROW * held
    state[row] = price
    state[row + 1] = bar
    state[base + _SWINGS] = float(held + 1)
    if count > 1:
        _pool(state, base, tolerance, i, bar, price, top, bottom, float(count))
        emit(marks, POOL, direction, bar, i, top, bottom, float(count))
    _renew_nearest(state, base, direction)


def _pool(
    state: Vector, base: int, tolerance: float, i: int, bar: float, price: float, top: float, bottom: float,
    count: float,
) -> None:  # fmt: skip
    """The newest pool takes the place of those that it has a price in common with."""
    kept = 0
    rows = base + POOLS + 1
    for k in range(int(state[base + POOLS])):
        row = rows + ROW * k
        if state[row] >= price - tolerance and state[row + 1] <= price + tolerance:
            continue
        _copy(state, row, rows + ROW * kept, ROW)
        kept += 1
    if kept == POOLS_KEPT:
        _copy(state, rows + ROW, rows, ROW * (POOLS_KEPT - 1))
        kept -= 1
    row = rows + ROW * kept
    state[row] = top
    state[row + 1] = bottom
    state[row + 2] = bar
    state[row + 3] = float(i)
    state[row + 4] = count
    state[base + POOLS] = float(kept + 1)


def _outermost(state: Vector, row: int, direction: int) -> float:
    return state[row] if direction > 0 else state[row + 1]


def _renew_nearest(state: Vector, base: int, direction: int) -> None:
    """A pool may outlive its swings, so it counts too."""
    nearest = NAN
    for k in range(int(state[base + _SWINGS])):
        price = state[base + _SWING_ROWS + _SWING_ROW * k]
        if not (price - nearest) * direction >= 0.0:  # NaN compares false
            nearest = price
    for k in range(int(state[base + POOLS])):
        price = _outermost(state, base + POOLS + 1 + ROW * k, direction)
        if not (price - nearest) * direction >= 0.0:
            nearest = price
    state[base + _NEAREST] = nearest


def _copy(state: Vector, source: int, target: int, length: int) -> None:
    for k in range(length):
        state[target + k] = state[source + k]
