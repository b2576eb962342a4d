"""How often the venue is asked for its time, and what is made of the answer."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from engine.venue.answers import VenueUnknown
from engine.venue.timing import ClockWatch
from schemas.clock import NS_PER_MS
from tests.support.virtual import LoopClock, run_virtually


class FakeVenue:
    """A venue whose clock is `ahead_ms` of ours, or that does not answer (None)."""

    def __init__(self, clock: LoopClock, ahead_ms: int | None, takes_s: float = 0.0) -> None:
        self._clock, self._takes_s, self.ahead_ms = clock, takes_s, ahead_ms
        self.skew_ns = 0
        self.asked: list[float] = []

    async def server_time_ms(self) -> int:
        self.asked.append(self._clock.monotonic_ns() / 1e9)
        await asyncio.sleep(self._takes_s / 2)
        if self.ahead_ms is None:
            raise VenueUnknown("/public/time", "", "no answer")
        said = self._clock.wall_ns() // NS_PER_MS + self.ahead_ms
        await asyncio.sleep(self._takes_s / 2)
        return said


def gaps(venue: FakeVenue) -> list[float]:
    return [round(after - before, 3) for before, after in zip(venue.asked, venue.asked[1:], strict=False)]


def test_a_clock_that_is_right_is_asked_for_every_10_s_and_one_that_is_off_every_second() -> None:
    async def life(clock: LoopClock) -> None:
        venue = FakeVenue(clock, 20)
        watch = ClockWatch(rest=cast(Any, venue), clock=clock, on_change=lambda: None)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(25)
        assert gaps(venue) == [10, 10]
        venue.ahead_ms = 5_000
        await asyncio.sleep(8.5)
        assert watch.offset_ns() == venue.skew_ns == 5_000 * NS_PER_MS
        assert gaps(venue) == [10, 10, 10, 1, 1, 1]
        venue.ahead_ms = -20
        await asyncio.sleep(12)
        assert watch.offset_ns() == -20 * NS_PER_MS
        assert gaps(venue)[-2:] == [1, 10]
        venue.ahead_ms = None
        await asyncio.sleep(61)
        assert watch.offset_ns() is None  # what is older than a minute is not known
        running.cancel()

    run_virtually(life)


@given(st.integers(-3_600_000, 3_600_000), st.floats(0, 2))
def test_what_is_measured_is_wrong_by_half_the_round_trip_at_most(ahead_ms: int, takes_s: float) -> None:
    async def life(clock: LoopClock) -> None:
        venue = FakeVenue(clock, ahead_ms, takes_s)
        watch = ClockWatch(rest=cast(Any, venue), clock=clock, on_change=lambda: None)
        await watch.measure()
        offset_ns = watch.offset_ns()
        assert offset_ns is not None
        assert abs(offset_ns - ahead_ms * NS_PER_MS) <= takes_s * 1e9 / 2 + NS_PER_MS

    run_virtually(life)


def test_an_answer_that_took_too_long_measures_nothing() -> None:
    async def life(clock: LoopClock) -> None:
        watch = ClockWatch(rest=cast(Any, FakeVenue(clock, 0, 2.1)), clock=clock, on_change=lambda: None)
        await watch.measure()
        assert watch.offset_ns() is None

    run_virtually(life)
