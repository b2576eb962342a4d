"""High and low of the day and of the week before this one: right from the first bar of each.

A day begins at `day_start` (hours UTC), a week on Monday at that hour; the day before is the last one that had bars. A
period that was not seen from its beginning (the history began inside it) has no high and no low: unknown.
smart-money-concepts' `previous_high_low` has them one period stale on the first bar of nearly every day.
Lag: none. Warm-up: one whole period, exact from the next one on. Source: SPEC.md 7, layer 1.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import NAN, Vector

_SEEN: Final = 0
_NUMBER: Final = 1
_HIGH: Final = 2
_LOW: Final = 3
_WHOLE: Final = 4
BEFORE_HIGH: Final = 5
BEFORE_LOW: Final = 6
PERIOD_SIZE: Final = 7
"""Was there a bar; number of the running period, its high, low, and was it seen from its beginning; those of the one
before, NaN where unknown."""
HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS
WEEK_NS: Final = 7 * DAY_NS
MONDAY_NS: Final = 3 * DAY_NS
"""1970 began on a Thursday: the first Monday is three days before it, modulo a week."""


def period_reset(state: Vector) -> None:
    """What is unknown at the start."""
    state[BEFORE_HIGH] = state[BEFORE_LOW] = NAN


def period_step(state: Vector, length_ns: int, since_ns: int, high: float, low: float) -> None:
    """A bar that opens `since_ns` after the beginning of period number 0; periods of `length_ns`."""
    number = since_ns // length_ns
    if state[_SEEN] == 0.0 or state[_NUMBER] != number:
        if state[_SEEN] != 0.0:
            whole = state[_WHOLE] != 0.0
            state[BEFORE_HIGH] = state[_HIGH] if whole else NAN
            state[BEFORE_LOW] = state[_LOW] if whole else NAN
        state[_WHOLE] = 1.0 if state[_SEEN] != 0.0 or since_ns == number * length_ns else 0.0
        state[_SEEN] = 1.0
        state[_NUMBER] = float(number)
        state[_HIGH], state[_LOW] = high, low
        return
    state[_HIGH] = high if high > state[_HIGH] else state[_HIGH]
    state[_LOW] = low if low < state[_LOW] else state[_LOW]
