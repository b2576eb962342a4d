"""Divergence of the cumulative volume delta (CVD) from price, at confirmed swings: a kernel that numba can compile.

A bar is a swing high if its high is above the highs of the `n` bars before it and not below those of the `n` bars
after it; so it is known `n` bars later. Price makes a higher swing high than at the swing high before while the CVD
stands lower there: buyers took less for a higher price, a bearish divergence. Lows mirror it.

Source: the use of swings ("pivots") for divergences is common practice with oscillators; Wilder, New Concepts in
Technical Trading Systems (1978), "divergence". CVD in place of the oscillator, and the confirmation, are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

NONE: Final = 0
BEARISH: Final = 1
BULLISH: Final = 2
"""What step() says of the bar `n` bars back; both at once is BEARISH + BULLISH."""


class Buffer(Protocol):
    """What the last bars are kept in: a list, or an array where this is compiled."""

    def __getitem__(self, at: int, /) -> float: ...
    def __setitem__(self, at: int, value: float, /) -> None: ...


class DivergenceState(NamedTuple):
    """What is remembered: bars so far, and the last confirmed swings; `*_bar` is -1 before the first."""

    bars: int
    high_bar: int
    high: float
    high_cvd: float
    low_bar: int
    low: float
    low_cvd: float


def start() -> DivergenceState:
    """Before the first bar."""
    return DivergenceState(0, -1, 0.0, 0.0, -1, 0.0, 0.0)


def step(
    state: DivergenceState, highs: Buffer, lows: Buffer, cvds: Buffer, n: int, high: float, low: float, cvd: float
) -> tuple[DivergenceState, int]:
    """One final bar more.

    Args:    highs, lows, cvds, shape (2n + 1,): rings, written here; high and low in quote currency, cvd in units at
             the close (whole numbers below 2**53: exact as float64).
    Returns: the state after it, and what is confirmed at this bar of the bar `n` before it: NONE, BEARISH, BULLISH.
    Lag:     n bars. Cost: order n.
    """
    size = 2 * n + 1
    highs[state.bars % size] = high
    lows[state.bars % size] = low
    cvds[state.bars % size] = cvd
    bars = state.bars + 1
    high_bar, last_high, high_cvd = state.high_bar, state.high, state.high_cvd
    low_bar, last_low, low_cvd = state.low_bar, state.low, state.low_cvd
    found = NONE
    if bars >= size:
        middle = bars - 1 - n
        at = middle % size
        is_high = is_low = True
        for offset in range(1, n + 1):
            before, after = (middle - offset) % size, (middle + offset) % size
            is_high = is_high and highs[before] < highs[at] and highs[after] <= highs[at]
            is_low = is_low and lows[before] > lows[at] and lows[after] >= lows[at]
        if is_high:
            if high_bar >= 0 and highs[at] > last_high and cvds[at] < high_cvd:
                found += BEARISH
            high_bar, last_high, high_cvd = middle, highs[at], cvds[at]
        if is_low:
            if low_bar >= 0 and lows[at] < last_low and cvds[at] > low_cvd:
                found += BULLISH
            low_bar, last_low, low_cvd = middle, lows[at], cvds[at]
    return DivergenceState(bars, high_bar, last_high, high_cvd, low_bar, last_low, low_cvd), found


def rings_of(n: int) -> tuple[list[float], list[float], list[float]]:
    """The buffers of step(), empty."""
    size = 2 * n + 1
    return [0.0] * size, [0.0] * size, [0.0] * size


def divergences(highs: Sequence[float], lows: Sequence[float], cvds: Sequence[float], n: int) -> list[int]:
    """The batch loop: what step() says at each bar, shape (T,); the mark at t is of bar t - n."""
    state, found = start(), []
    rings = rings_of(n)
    for high, low, cvd in zip(highs, lows, cvds, strict=True):
        state, what = step(state, *rings, n, high, low, cvd)
        found.append(what)
    return found
