"""A line of numbers as a line of characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

_STEPS: Final = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int) -> str:
    """The last `width` values between their lowest and highest; what is not a number leaves a gap."""
    shown = list(values)[-width:] if width > 0 else []
    finite = [value for value in shown if isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    span = high / 2 - low / 2  # halves: the whole may be beyond all numbers
    return "".join(_step(value, low, span) for value in shown)


def _step(value: float, low: float, span: float) -> str:
    if not isfinite(value):
        return " "
    if span <= 0:
        return _STEPS[len(_STEPS) // 2]
    return _STEPS[min(len(_STEPS) - 1, int((value / 2 - low / 2) / span * len(_STEPS)))]
