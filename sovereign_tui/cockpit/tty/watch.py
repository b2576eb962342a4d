"""A watch for a vanished terminal, and for a vanished parent."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from typing import Final

EXIT_GONE: Final = 129
"""As if by SIGHUP."""
_GRACE_S: Final = 1.0
_LOOK_MS: Final = 500
_GONE: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


class TerminalWatch:
    """Ends the process when the terminal has vanished without a SIGHUP, or the parent that would mend the terminal.

    `guard`: a socket to that parent. `meanwhile` is called twice a second.
    """

    def __init__(
        self, descriptor: int, leave: Callable[[], None], *, guard: int | None = None,
        end: Callable[[int], None] = os._exit, meanwhile: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._watched = ([descriptor] if os.isatty(descriptor) else []) + ([] if guard is None else [guard])
        self._leave = leave
        self._end = end
        self._meanwhile = meanwhile
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="terminal-watch", daemon=True)

    def start(self) -> None:
        """Watches from now on, if there is anything to watch."""
        if self._watched:
            self._thread.start()

    def stop(self) -> None:
        """No longer watches."""
        self._done.set()

    def _watch(self) -> None:
        poll = select.poll()
        for descriptor in self._watched:
            poll.register(descriptor, 0)  # hang-up and error are always reported, input never
        while not self._done.is_set():
            if any(flags & _GONE for _, flags in poll.poll(_LOOK_MS)):
                self._leave()
                if not self._done.wait(_GRACE_S):  # the loop may hang in a write to the terminal that is gone
                    self._end(EXIT_GONE)
                return
            self._meanwhile()
