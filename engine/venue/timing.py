"""How far the venue's clock is from ours, measured over REST. Units: ns; positive when the venue is ahead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from engine.venue.answers import VenueError
from engine.venue.rest import Rest
from schemas.clock import NS_PER_MS, NS_PER_S, Clock

_EVERY_S: Final = 10.0
_AGAIN_S: Final = 1.0
_FAR_NS: Final = NS_PER_S // 2
"""A clock that is so far off is on its way to refusing orders, or has: trading waits for the news that it is mended."""
_GOOD_FOR_NS: Final = 60 * NS_PER_S
_SLOWEST_NS: Final = 2 * NS_PER_S


class ClockWatch:
    """Asks the venue for its time. What is older than a minute, or took longer than 2 s, is not known.

    The error of a measurement is at most half its round trip.
    """

    def __init__(self, *, rest: Rest, clock: Clock, on_change: Callable[[], None]) -> None:
        self._rest, self._clock, self._on_change = rest, clock, on_change
        self._offset_ns: int | None = None
        self._measured_ns = 0
        self._doubted = asyncio.Event()

    def offset_ns(self) -> int | None:
        """The venue's clock less ours; None: not known."""
        if self._offset_ns is None or self._clock.monotonic_ns() - self._measured_ns > _GOOD_FOR_NS:
            return None
        return self._offset_ns

    async def run(self) -> None:
        """Measure every 10 s until cancelled; every second while the clocks are far apart, or nothing is known.

        A venue that refuses our time is asked for its own within a second: until then it refuses a halt's calls too.
        """
        self._rest.on_clock_refused = self._doubted.set
        while True:
            self._doubted.clear()
            try:
                await self.measure()
            except VenueError:
                self._on_change()
                await asyncio.sleep(_AGAIN_S)
                continue
            near = self._offset_ns is not None and abs(self._offset_ns) < _FAR_NS
            await asyncio.sleep(_AGAIN_S)
            if near:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_S - _AGAIN_S):
                        await self._doubted.wait()

    async def measure(self) -> None:
        """Ask once. Raises: VenueError."""
        began_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        venue_ms = await self._rest.server_time_ms()
        now_ns = self._clock.monotonic_ns()
        took_ns = now_ns - began_ns
        if took_ns > _SLOWEST_NS:
            return
        self._offset_ns = venue_ms * NS_PER_MS - (wall_ns + took_ns // 2)
        self._measured_ns = now_ns
        self._rest.skew_ns = self._offset_ns
        self._on_change()
