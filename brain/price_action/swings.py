"""Swing highs and lows, the bones of the structure: an extreme of its surroundings, confirmed `n` bars later.

Definition of smart-money-concepts' `swing_highs_lows`, made causal. A bar is a candidate if its high is the highest
of the window [bar - n + 1, bar + n] (a low: the lowest; ties count; a bar that is both is a high). Highs and lows
alternate: of candidates in a row of the same kind only the most extreme stands, the first of equals. They delete the
others afterwards from the past; here a candidate that is more extreme than the swing before it comes as a new swing
that names the one it replaces, and a less extreme one does not come at all. What stands in the end is the same.
Lag: n bars. Warm-up: the first candidate comes with bar 3 n - 1; alternation has forgotten what was before with the
third swing that replaces none.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import SWING, Vector, emit

KIND: Final = 0
BAR: Final = 1
PRICE: Final = 2
REPLACES: Final = 3
BACK: Final = 4
BACK_BAR: Final = 5
BACK_FAR: Final = 6
"""Of the swing confirmed at this bar: +1, -1 or 0 for none; its bar; its price; the bar it replaces or -1; and what
lies behind it, up to this bar: the extreme of the other side, the (last) bar of that, and that bar's other end."""
LAST_KIND: Final = 7
LAST_BAR: Final = 8
LAST_PRICE: Final = 9
"""The newest swing that stands; kind 0 while there is none."""
_HEAD: Final = 10


def swings_size(n: int) -> int:
    """Length of the state: the newest swing, and rings of 2 n highs and lows."""
    return _HEAD + 4 * n


def swings_step(state: Vector, marks: Vector, n: int, i: int, high: float, low: float) -> int:
    """Bar `i`. Returns the direction of the swing confirmed by it, of bar `i - n`; 0 if none.

    Emits SWING: bar, at = bar + n, top = bottom = price.
    """
    size = 2 * n
    highs, lows = _HEAD, _HEAD + size
    state[highs + i % size] = high
    state[lows + i % size] = low
    state[KIND] = 0.0
    bar = i - n
    if bar < size - 1:
        return 0
    direction, price = 0, 0.0
    if _extreme(state, highs, n, bar, 1.0):
        direction, price = 1, state[highs + bar % size]
    elif _extreme(state, lows, n, bar, -1.0):
        direction, price = -1, state[lows + bar % size]
    if direction == 0:
        return 0
    replaces = -1.0
    if state[LAST_KIND] == direction:
        if (price - state[LAST_PRICE]) * direction <= 0.0:
            return 0
        replaces = state[LAST_BAR]
    state[KIND] = state[LAST_KIND] = float(direction)
    state[BAR] = state[LAST_BAR] = float(bar)
    state[PRICE] = state[LAST_PRICE] = price
    state[REPLACES] = replaces
    near, far = (lows, highs) if direction > 0 else (highs, lows)
    _look_back(state, near, far, n, bar, float(direction))
    emit(marks, SWING, direction, bar, i, price, price, replaces)
    return direction


def _extreme(state: Vector, base: int, n: int, bar: int, sign: float) -> bool:
    """Is no neighbour more extreme? From the nearest outwards: most bars fail at once."""
    size = 2 * n
    price = state[base + bar % size] * sign
    for k in range(1, n):
        if state[base + (bar + k) % size] * sign > price or state[base + (bar - k) % size] * sign > price:
            return False
    return state[base + (bar + n) % size] * sign <= price


def _look_back(state: Vector, near: int, far: int, n: int, bar: int, sign: float) -> None:
    """The extreme of the other side in [bar + 1, bar + n]; of equals the last."""
    size = 2 * n
    found = bar + 1
    for k in range(bar + 2, bar + n + 1):
        if (state[near + k % size] - state[near + found % size]) * sign <= 0.0:
            found = k
    state[BACK] = state[near + found % size]
    state[BACK_BAR] = float(found)
    state[BACK_FAR] = state[far + found % size]
