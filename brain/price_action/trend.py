"""The trend score: how far the price has come, in percent."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite


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
    now, then = closes[-1], closes[-1 - lookback]
    if not (isfinite(now) and isfinite(then)) or then <= 0 or now <= 0:
        return None
    return (now / then - 1.0) * 100.0
