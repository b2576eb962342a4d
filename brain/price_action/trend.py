"""The trend score: how far the price has come, in percent."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from brain.price_action.layout import NAN, Vector


def rate_of_change(now: float, then: float) -> float:
    """(now / then - 1) * 100, percent; NaN where either is not a price, or the result no number. A kernel."""
    if not (isfinite(now) and isfinite(then)) or then <= 0 or now <= 0:
        return NAN
    score = (now / then - 1.0) * 100.0
    return score if isfinite(score) else NAN


def trend_score(closes: Sequence[float], lookback: int) -> float | None:
    """Change of the close over `lookback` bars, percent.

    Args:    closes, shape (T,): oldest first, quote currency; the last one may be of the bar that still forms.
    Returns: (close[-1] / close[-1 - lookback] - 1) * 100; None if there are not enough bars or a number is not one.
    Raises:  ValueError if lookback < 1.
    Source:  SPEC.md 7, layer 1; rate of change (Murphy, Technical Analysis of the Financial Markets, ch. 10).
    """
    if lookback < 1:
        raise ValueError(f"lookback is {lookback}, at least 1 bar is needed")
    if len(closes) <= lookback:
        return None
    score = rate_of_change(closes[-1], closes[-1 - lookback])
    return score if isfinite(score) else None


def trend_size(lookback: int) -> int:
    """Length of the state: the last `lookback` closes, a ring."""
    return lookback


def trend_step(state: Vector, lookback: int, i: int, close: float) -> float:
    """The same score, bar by bar: of bar `i` against bar `i - lookback`.

    Returns: percent; NaN for the first `lookback` bars. Known at the close of its bar; no lag.
    Warm-up: lookback + 1 bars, exact from then on.
    """
    place = i % lookback
    score = rate_of_change(close, state[place]) if i >= lookback else NAN
    state[place] = close
    return score
