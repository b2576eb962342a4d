"""A terminal as it was: its modes, and the screen, whatever the program has done to them. Never waits for it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import time
from dataclasses import dataclass
from typing import Any, Final

_WRITE_S: Final = 0.5
_QUIET_S: Final = 0.15
_DRAIN_S: Final = 0.5
RESET: Final = (
    "\x1b[?2026l"  # the synchronised update ends
    "\x1b[<u"  # kitty's keyboard; each of its two screens has its own
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse
    "\x1b[?2004l\x1b[?1004l\x1b[?2048l"  # bracketed paste, focus, sizes
    "\x1b[?7h\x1b[0m"  # lines wrap, no colours
    "\x1b[?1049l\x1b[?25h"  # the screen from before, and its cursor
)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal of this process, as it was found. `modes` None: stdin is none."""

    stdin: int
    screen: int
    modes: list[Any] | None

    @classmethod
    def found(cls, stdin: int = 0, screen: int = 2) -> Terminal:
        """As it is now."""
        try:
            modes = termios.tcgetattr(stdin)
        except termios.error:
            modes = None
        return cls(stdin, screen, modes)

    def restore(self) -> None:
        """Puts all of it back. Never raises; a terminal that takes nothing or is gone is left alone after half a
        second."""
        ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it may be another's by now
        try:
            self.tell(RESET)
            if self.modes is not None:
                self._drain()
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(self.stdin, termios.TCSANOW, self.modes)
                    termios.tcflush(self.stdin, termios.TCIFLUSH)
        finally:
            signal.signal(signal.SIGTTOU, ignored)

    def tell(self, text: str) -> None:
        """Writes to the screen, for no longer than half a second. Never raises."""
        rest, deadline = text.encode("utf-8", "replace"), time.monotonic() + _WRITE_S
        with contextlib.suppress(OSError):
            blocking = os.get_blocking(self.screen)
            os.set_blocking(self.screen, False)
            try:
                while rest and (left := deadline - time.monotonic()) > 0:
                    if select.select([], [self.screen], [], left)[1]:
                        with contextlib.suppress(BlockingIOError):
                            rest = rest[os.write(self.screen, rest) :]
            finally:
                os.set_blocking(self.screen, blocking)

    def _drain(self) -> None:
        """Throws away what is still being answered: a shell would take it for typed."""
        deadline = time.monotonic() + _DRAIN_S
        with contextlib.suppress(OSError, termios.error):
            while time.monotonic() < deadline and select.select([self.stdin], [], [], _QUIET_S)[0]:
                if not os.read(self.stdin, 4_096):
                    return
