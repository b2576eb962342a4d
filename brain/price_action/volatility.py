"""Mean true range: how far price goes in a bar, the measure for what counts as the same price."""

from __future__ import annotations

from brain.price_action.layout import NAN, Vector


def true_range_size(bars: int) -> int:
    """Length of the state: the last close, and a ring of true ranges."""
    return 1 + bars


def true_range_step(state: Vector, bars: int, i: int, high: float, low: float, close: float) -> None:
    """Bar `i`: keep its true range, max(high, close before) - min(low, close before).

    Source: Wilder, New Concepts in Technical Trading Systems, ch. 3.
    """
    top, bottom = high, low
    if i > 0:
        top = state[0] if state[0] > high else high
        bottom = state[0] if state[0] < low else low
    state[0] = close
    state[1 + i % bars] = top - bottom


def mean_true_range(state: Vector, bars: int, i: int) -> float:
    """Plain mean of the last `bars` true ranges up to bar `i`, quote currency; NaN before there are so many.

    Summed anew each time, from the newest back: no error of rounding grows, and the same bars give the same bits.
    Warm-up: bars + 1, exact from then on.
    """
    if i < bars:
        return NAN
    total = 0.0
    for k in range(bars):
        total += state[1 + (i - k) % bars]
    return total / bars
