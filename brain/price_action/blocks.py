"""Order blocks: the last bar against the move that broke a swing.

At the first close beyond the newest confirmed swing high, the block is the bar with the lowest low between that high
and the breaking bar (of equals the last); its low and high are the zone. Lows mirror it. After smart-money-concepts'
`ob`, with what makes it unusable live left out: a swing counts from its confirmation, a block is known at the
breaking bar and never deleted or rewritten. It is mitigated by the first later bar that goes through it (below the
bottom of a bullish one): by its low, or by its body only, as the settings say.
Lag: none after the break. Warm-up: six alternating swings; a block's mitigation follows
from itself.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import BLOCK, BLOCK_MITIGATED, BLOCKS_KEPT, Vector, emit

_ARMED: Final = 0
_LEVEL: Final = 1
_CANDIDATE: Final = 2
_CANDIDATE_BAR: Final = 3
_CANDIDATE_FAR: Final = 4
COUNT: Final = 5
_NEAREST: Final = 6
ROWS: Final = 7
ROW: Final = 4
"""A side: is the swing unbroken, its level, the extreme since with bar and other end, how many blocks stand, the
nearest of their far ends (one comparison a bar, as a rule), and the blocks, oldest first: top, bottom, bar, at."""
SIDE: Final = ROWS + ROW * BLOCKS_KEPT
BLOCKS_SIZE: Final = 2 * SIDE


def blocks_step(
    state: Vector, marks: Vector, by_body: bool, i: int, bar_open: float, high: float, low: float, close: float,
    swing: int, price: float, back: float, back_bar: float, back_far: float,
) -> None:  # fmt: skip
    """Bar `i`, and the swing that it confirmed (`swing` 0: none). Emits BLOCK and BLOCK_MITIGATED, at = i."""
    deepest, highest = low, high
    if by_body:
        deepest, highest = (bar_open, close) if bar_open < close else (close, bar_open)
    _side(state, marks, 0, 1, i, low, high, close, deepest)
    _side(state, marks, SIDE, -1, i, high, low, close, highest)
    if swing != 0:
        base = 0 if swing > 0 else SIDE
        state[base + _ARMED] = 1.0
        state[base + _LEVEL] = price
        state[base + _CANDIDATE] = back
        state[base + _CANDIDATE_BAR] = back_bar
        state[base + _CANDIDATE_FAR] = back_far


def _side(
    state: Vector, marks: Vector, base: int, direction: int, i: int, near: float, far: float, close: float, probe: float
) -> None:  # fmt: skip
    """`near` is the bar's extreme on the block's side; `probe` is what mitigates."""
    if state[base + COUNT] > 0.0 and (probe - state[base + _NEAREST]) * direction < 0.0:
        _mitigate(state, marks, base, direction, i, probe)
    if state[base + _ARMED] == 0.0:
        return
    if (close - state[base + _LEVEL]) * direction > 0.0:
        state[base + _ARMED] = 0.0
        _form(state, marks, base, direction, i)
    elif (near - state[base + _CANDIDATE]) * direction <= 0.0:
        state[base + _CANDIDATE] = near
        state[base + _CANDIDATE_BAR] = float(i)
        state[base + _CANDIDATE_FAR] = far


def _far_end(state: Vector, row: int, direction: int) -> float:
    return state[row + 1] if direction > 0 else state[row]


def _renew_nearest(state: Vector, base: int, direction: int) -> None:
    for k in range(int(state[base + COUNT])):
        end = _far_end(state, base + ROWS + ROW * k, direction)
        if k == 0 or (end - state[base + _NEAREST]) * direction > 0.0:
            state[base + _NEAREST] = end


def _mitigate(state: Vector, marks: Vector, base: int, direction: int, i: int, probe: float) -> None:
    kept = 0
    for k in range(int(state[base + COUNT])):
        row = base + ROWS + ROW * k
        if (probe - _far_end(state, row, direction)) * direction < 0.0:
            emit(marks, BLOCK_MITIGATED, direction, state[row + 2], i, state[row], state[row + 1], state[row + 3])
            continue
        for field in range(ROW):
            state[base + ROWS + ROW * kept + field] = state[row + field]
        kept += 1
    state[base + COUNT] = float(kept)
    _renew_nearest(state, base, direction)


def _form(state: Vector, marks: Vector, base: int, direction: int, i: int) -> None:
    bar = state[base + _CANDIDATE_BAR]
    count = int(state[base + COUNT])
    for k in range(count):
        if state[base + ROWS + ROW * k + 2] == bar:  # the same bar was behind the break of an earlier swing
            return
    if count == BLOCKS_KEPT:
        for k in range(ROW * (BLOCKS_KEPT - 1)):
            state[base + ROWS + k] = state[base + ROWS + ROW + k]
        count -= 1
    near, far = state[base + _CANDIDATE], state[base + _CANDIDATE_FAR]
    top, bottom = (far, near) if direction > 0 else (near, far)
    row = base + ROWS + ROW * count
    state[row] = top
    state[row + 1] = bottom
    state[row + 2] = bar
    state[row + 3] = float(i)
    state[base + COUNT] = float(count + 1)
    _renew_nearest(state, base, direction)
    emit(marks, BLOCK, direction, bar, i, top, bottom, state[base + _LEVEL])
