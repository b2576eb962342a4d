"""The market as eyes need it: the newest published tick again, a few times a second.

A screen that took the whole stream would cost the engine an encryption for each tick and screen; of this one ten
screens are no load. It runs on a timer of its own: nothing of it is between a frame and its publish.
"""

from __future__ import annotations

import asyncio
from typing import Final

from schemas import topology
from schemas.channels import Publisher
from schemas.clock import Clock

SHOWN_EVERY_S: Final = 0.05


class ShownTick:
    """Publishes `view.tick.<instrument>`: the bytes of the newest MarketTick, if there is one that was not shown."""

    def __init__(self, *, instrument: str, publisher: Publisher, clock: Clock) -> None:
        self._clock = clock
        self._ticks = publisher.stream(topology.tick(instrument))
        self._shown = publisher.stream(topology.shown_tick(instrument))
        self._next_sequence = self._ticks.next_sequence

    def look(self) -> None:
        """Show the newest tick, unless it was shown already. Its sequence is inside; the stream counts its own."""
        ticks = self._ticks
        newest = ticks.last_payload
        if newest is None or ticks.next_sequence == self._next_sequence:
            return
        self._next_sequence = ticks.next_sequence
        self._shown.send(newest, self._clock.wall_ns())

    async def run(self) -> None:
        """At most 20 times a second, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(SHOWN_EVERY_S)
