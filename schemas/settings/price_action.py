"""Settings of layer 1, price action."""

from __future__ import annotations

import re
from typing import Annotated, Final, NamedTuple

from pydantic import Field, field_validator

from schemas.settings.risk import Section

_SESSION: Final = re.compile(r"([a-z][a-z0-9_]*) ([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY_MIN: Final = 24 * 60

Multiple = Annotated[float, Field(gt=0, le=10)]


class SessionHours(NamedTuple):
    """One session of the UTC day: [start, start + length), minutes."""

    name: str
    start_min: int
    length_min: int


class PriceAction(Section):
    """What the candles are read for. `swing_bars` decides most: the others follow from the swings."""

    swing_bars: int = Field(5, ge=1, le=100, description="Bars after a swing until it is confirmed")
    break_by_close: bool = Field(True, description="A level is broken by a close beyond it; else by a wick")
    block_mitigated_by_body: bool = Field(False, description="Order blocks: mitigated by a body; else by a wick")
    range_bars: int = Field(14, ge=2, le=500, description="Bars of the mean true range, the measure of tolerances")
    level_tolerance: Multiple = Field(0.5, description="Swings that make one level lie within, mean true ranges")
    pool_tolerance: Multiple = Field(0.25, description="Equal highs or lows lie within, mean true ranges")
    pool_bars: int = Field(500, ge=10, le=100_000, description="Age at which a swing is no liquidity any more, bars")
    day_start_utc_hour: int = Field(0, ge=0, le=23, description="Hour at which day and week begin, UTC")
    nearest: int = Field(5, ge=1, le=50, description="Blocks, gaps, levels and pools shown, of each kind")
    sessions: tuple[str, ...] = Field(
        ("asia 00:00-09:00", "london 07:00-16:00", "new_york 13:00-22:00"), max_length=8,
        description="Sessions, `name HH:MM-HH:MM` UTC; the end may be on the next day",
    )  # fmt: skip

    @field_validator("sessions")
    @classmethod
    def _sessions_make_sense(cls, sessions: tuple[str, ...]) -> tuple[str, ...]:
        names = [_hours(text).name for text in sessions]
        if len(set(names)) < len(names):
            raise ValueError("a session is named twice; name each once")
        return sessions

    def hours(self) -> tuple[SessionHours, ...]:
        """The sessions, read."""
        return tuple(_hours(text) for text in self.sessions)


def _hours(text: str) -> SessionHours:
    match = _SESSION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no session; write `name HH:MM-HH:MM`, as in `london 07:00-16:00`")
    start, end = (int(match[k]) * 60 + int(match[k + 1]) for k in (2, 4))
    if start == end:
        raise ValueError(f"{text!r} begins and ends at the same minute; a whole day is no session")
    return SessionHours(match[1], start, (end - start) % _DAY_MIN)
