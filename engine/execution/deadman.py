"""The venue's own dead-man's switch: armed while orders of ours rest, disarmed when none does.

When the engine, the laptop or the line dies, the venue cancels what rests. It is armed for our tag alone, so that an
operator's own orders are left alone. Source: FACTS.md 9, "cancel-all-after": 10 to 120 s, once a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.venue.answers import VenueError
from engine.venue.rest import Rest
from schemas.clock import NS_PER_S, Clock

_LOOK_EVERY_S: Final = 0.2
_RESTED_NS: Final = NS_PER_S // 5
"""A market order ends sooner than this; one that is still there rests."""
_CALLS_APART_NS: Final = NS_PER_S * 11 // 10


class DeadMan:
    """`armed` says whether the venue has confirmed it. It is left armed when the engine ends: that is its purpose."""

    def __init__(
        self, *, rest: Rest, orders: OrderBookkeeper, seconds: int, clock: Clock, log: Callable[[str, str], None]
    ) -> None:
        self._rest, self._orders, self._seconds, self._clock, self._log = rest, orders, seconds, clock, log
        self._again_ns = max(_CALLS_APART_NS, seconds * NS_PER_S // 3)
        self._called_ns: int | None = None
        self._said = ""
        self.armed: bool | None = None
        """None: not known, as of what a former life of the engine armed. The next look says it anew either way."""

    async def run(self, ready: asyncio.Event) -> None:
        """From the first `ready` on, until cancelled: before it nobody here knows what rests, and the switch stays."""
        await ready.wait()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Arm, keep armed, or disarm."""
        now_ns = self._clock.monotonic_ns()
        if self._called_ns is not None and now_ns - self._called_ns < _CALLS_APART_NS:
            return
        resting = self._orders.resting(lambda record: self._rests(record, now_ns))
        due = resting and (self._called_ns is None or now_ns - self._called_ns >= self._again_ns)
        if self.armed is resting and not due:
            return
        self._called_ns = now_ns
        try:
            await self._rest.cancel_all_after(self._seconds if resting else 0)
        except VenueError as error:
            if str(error) != self._said:
                self._said = str(error)
                self._log("warning", f"cancel-all-after: {error}; tried again in 1 s")
            self.armed = None  # it may have been done
            return
        self._said = ""
        self.armed = resting

    @staticmethod
    def _rests(record: OrderRecord, now_ns: int) -> bool:
        return bool(record.intent_id) and now_ns - record.sent_ns >= _RESTED_NS
