"""What a signal of the operating system asks for, done before the loop has finished its turn.

A handler of a signal may run at any point of any code, so it says only that there is something to do. The loop does it
in its next turn; whoever handles many things in one turn does it between two of them, which is the sooner the more
there is to do.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

Work = Callable[[], None]


class Urgent:
    """Calls what was asked for, once for each time, from the loop's thread only."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due: Final[list[Work]] = []
        """What waits. Between two things: `if urgent.due: urgent.serve()`."""

    def on_signal(self, number: signal.Signals, work: Work) -> None:
        """From now on this signal asks for this work. From the main thread, in the loop that is to do it."""
        loop = asyncio.get_running_loop()

        def handle(*_: object) -> None:
            self.due.append(work)
            loop.call_soon_threadsafe(self.serve)  # wakes it, too

        signal.signal(number, handle)
        signal.siginterrupt(number, False)

    def serve(self) -> None:
        """Do what waits, in the order in which it was asked for."""
        while self.due:
            self.due.pop(0)()
