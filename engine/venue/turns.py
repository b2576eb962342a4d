"""A flood of messages gives the loop back every millisecond: a halt, and the orders, are not behind all of it.

What one read of a socket brings is handed on in one turn of the loop: behind a stall, at 10,000 frames/s, hundreds of
messages and 30 ms. A message that comes alone, as nearly all do, is handled where it came, without a queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from schemas.clock import NS_PER_MS, Clock

SHARE_NS: Final = NS_PER_MS
_SAME_TURN_NS: Final = 10_000
"""A message that comes so soon after the one before was in the same read, or in the next turn: both are one flood."""
MOST_WAITING: Final = 256
"""So many wait here; the others wait at the venue's end of the connection."""


class Turns:
    """Hands messages to `handle` in the order in which they came. From the loop's thread only.

    `reading`: stop (False) or go on (True) reading the connection. `failed`: `handle` has raised in a later turn.
    """

    def __init__(
        self,
        handle: Callable[[bytes], None],
        *,
        reading: Callable[[bool], None],
        failed: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._handle, self._reading, self._failed, self._clock = handle, reading, failed, clock
        self._waiting: deque[bytes] = deque()
        self._began_ns = self._ended_ns = 0
        self._due = self._stopped = False

    def take(self, message: bytes, now_ns: int) -> None:
        """One message that came at this time: handled now, or after those that wait."""
        if now_ns - self._ended_ns > _SAME_TURN_NS:
            self._began_ns = now_ns
        if self._waiting or now_ns - self._began_ns > SHARE_NS:
            self._wait(message)
            return
        self._handle(message)
        self._ended_ns = self._clock.monotonic_ns()

    def flush(self) -> None:
        """All that waits, at once: no more will come."""
        while self._waiting:
            self._handle(self._waiting.popleft())

    def _wait(self, message: bytes) -> None:
        self._waiting.append(message)
        if len(self._waiting) >= MOST_WAITING and not self._stopped:
            self._stopped = True
            self._reading(False)
        self._call()

    def _call(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._due = False
        end_ns = self._clock.monotonic_ns() + SHARE_NS
        try:
            while self._waiting:
                self._handle(self._waiting.popleft())
                if self._clock.monotonic_ns() > end_ns:
                    break
        except Exception:  # raised again, whatever it is: it only must not leave the rest behind, or the link up
            self._waiting.clear()
            self._failed()
            raise
        if self._waiting:
            self._call()
            return
        self._ended_ns = 0
        if self._stopped:
            self._stopped = False
            self._reading(True)
