"""The terminal's side: a driver that hears the kill key in its input thread, and a watch for a vanished terminal."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from typing import Final

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

KILL_KEY: Final = "ctrl+k"
EXIT_GONE: Final = 129
"""As if by SIGHUP."""
_GRACE_S: Final = 1.0


def driver_with_kill_key(press: Callable[[], None]) -> type[Driver]:
    """A driver whose input thread calls `press` at Ctrl+K; the event loop may be as busy as it likes.

    The key goes no further, so that one press is one HALT.
    """

    class KillKeyDriver(LinuxDriver):
        def process_message(self, message: Message) -> None:
            if isinstance(message, events.Key) and message.key == KILL_KEY:
                press()
                return
            super().process_message(message)

    return KillKeyDriver


class TerminalWatch:
    """Ends the process when the terminal has vanished without a SIGHUP: Textual would spin on its end of file."""

    def __init__(self, descriptor: int, leave: Callable[[], None], *, end: Callable[[int], None] = os._exit) -> None:
        self._descriptor = descriptor
        self._leave = leave
        self._end = end
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="terminal-watch", daemon=True)

    def start(self) -> None:
        """Watches from now on, if the descriptor is a terminal at all."""
        if os.isatty(self._descriptor):
            self._thread.start()

    def stop(self) -> None:
        """No longer watches."""
        self._done.set()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, 0)  # hang-up and error are always reported, input never
        while not self._done.is_set():
            if any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in poll.poll(500)):
                self._leave()
                if not self._done.wait(_GRACE_S):  # the loop may hang in a write to the terminal that is gone
                    self._end(EXIT_GONE)
                return
