"""Trading sessions: is one open, and how high and low has price been in it.

A session is an interval of the UTC day, [start, end), which may cross midnight; a bar belongs to it if it opens
inside. High and low are of the running session, and after its end of the one that ended, until the next begins. One
that was not seen from its beginning has neither: unknown.
Lag: none. Warm-up: the first beginning of the session, exact from then on. Source: SPEC.md 7, layer 1.
"""

from __future__ import annotations

from typing import Final

from brain.price_action.layout import NAN, Vector
from brain.price_action.periods import DAY_NS

MINUTE_NS: Final = 60_000_000_000
SEEN: Final = 0
ACTIVE: Final = 1
NUMBER: Final = 2
HIGH: Final = 3
LOW: Final = 4
SESSION_SIZE: Final = 5
"""Was there a bar; is it open; number of the session (days since 1970); its high and low, NaN where unknown."""


def session_reset(state: Vector, base: int) -> None:
    """What is unknown at the start, of the session whose state begins at `base`."""
    state[base + HIGH] = state[base + LOW] = NAN


def session_step(
    state: Vector, base: int, start_min: float, length_min: float, open_ns: int, high: float, low: float
) -> None:  # fmt: skip
    """A bar that opens at `open_ns`; the session begins `start_min` minutes after midnight UTC."""
    since_ns = open_ns - int(start_min) * MINUTE_NS
    number = since_ns // DAY_NS
    inside_ns = since_ns - number * DAY_NS
    was_seen = state[base + SEEN] != 0.0
    state[base + SEEN] = 1.0
    if inside_ns >= int(length_min) * MINUTE_NS:
        state[base + ACTIVE] = 0.0
        if not was_seen:
            state[base + NUMBER] = float(number)
        return
    state[base + ACTIVE] = 1.0
    if not was_seen or state[base + NUMBER] != number:
        state[base + NUMBER] = float(number)
        whole = was_seen or inside_ns == 0
        state[base + HIGH] = high if whole else NAN
        state[base + LOW] = low if whole else NAN
        return
    state[base + HIGH] = high if high > state[base + HIGH] else state[base + HIGH]
    state[base + LOW] = low if low < state[base + LOW] else state[base + LOW]
