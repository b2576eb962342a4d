"""Between the hot path and the writer thread: a bounded queue that forgets ticks, never commands."""

from __future__ import annotations

from collections import deque
from functools import partial
from threading import Event
from typing import Final

from schemas.blackbox.record import Lane
from schemas.blackbox.tap import Direction, Keep
from schemas.clock import Clock

Item = tuple[int, int, Lane, bytes | memoryview]
"""monotonic_ns, wall_ns, where the message belongs, the message."""

VITAL_LIMIT: Final = 200_000
"""Vital records kept in memory while the disk refuses."""


class RecordQueue:
    """Implements Tap. Appends and pops of a deque are atomic under the GIL: there is no lock to wait for."""

    def __init__(self, clock: Clock, *, limit: int, vital_limit: int = VITAL_LIMIT, vital_wakes: bool = True) -> None:
        self.dropped = 0
        """Records that are not vital, dropped because the queue was full."""
        self.lost_vital = 0
        """Vital records dropped because the disk refused for so long that even their bound was reached."""
        self.vital_taken = 0
        self.wake = Event()
        self._items: deque[Item] = deque()
        self._wall_ns = clock.wall_ns
        self._monotonic_ns = clock.monotonic_ns
        self._limit = self._normal_limit = limit
        self._vital_wakes = vital_wakes
        self._vital_limit = max(limit, vital_limit)

    def spare(self, sparing: bool) -> None:
        """While the disk is nearly full only vital records are taken; the others are dropped and counted."""
        self._limit = 0 if sparing else self._normal_limit

    def __len__(self) -> int:
        return len(self._items)

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        """Queues a copy of one message. Never blocks, never raises; a full queue drops and counts."""
        self.lane(direction, channel, topic, vital=vital)(bytes(payload))

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        """See Tap. A tick is kept from the hot path, where all that is not at hand costs a miss of the cache."""
        lane = Lane(direction, channel, topic, vital=vital)
        if vital:
            return partial(self._take_vital, lane, skip=skip)
        items, append = self._items, self._items.append
        monotonic_ns, wall_ns = self._monotonic_ns, self._wall_ns

        def keep(message: bytes | memoryview) -> None:
            if len(items) >= self._limit:
                self.dropped += 1
            else:
                append((monotonic_ns(), wall_ns(), lane, message[skip:]))

        return keep

    def _take_vital(self, lane: Lane, message: bytes | memoryview, *, skip: int = 0) -> None:
        if len(self._items) >= self._vital_limit:
            self.lost_vital += 1
            return
        self._items.append((self._monotonic_ns(), self._wall_ns(), lane, message[skip:]))
        self.vital_taken += 1
        if self._vital_wakes and not self.wake.is_set():
            self.wake.set()

    def take(self, most: int) -> list[Item]:
        """Up to `most` records, oldest first."""
        items = self._items
        return [items.popleft() for _ in range(min(most, len(items)))]
