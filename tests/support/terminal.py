"""A real terminal: a program in a pty, its screen read through pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyte

_SYNC_QUERY = b"\x1b[?2026$p"
_SYNC_ANSWER = b"\x1b[?2026;2$y"


class Terminal:
    """What a person would see and type. `text()` is the screen as lines."""

    def __init__(self, command: list[str], environment: dict[str, str], *, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.master, slave = pty.openpty()
        self._open = True
        self.answers = {_SYNC_QUERY: _SYNC_ANSWER}
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True
        )
        os.close(slave)

    def pump(self, seconds: float = 0.1) -> None:
        """Read what the program writes, and answer what it asks the terminal."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                return
            try:
                data = os.read(self.master, 65_536)
            except OSError:  # the program is gone
                return
            if not data:
                return
            self.saw(data)
            for question, answer in self.answers.items():
                os.write(self.master, answer * data.count(question))
            with contextlib.suppress(TypeError, IndexError):  # sequences that pyte does not know
                self._stream.feed(data)

    def saw(self, data: bytes) -> None:
        """For who wants to know the bytes."""

    def hang_up(self) -> None:
        """Close the terminal; the program is still there."""
        if self._open:
            self._open = False
            os.close(self.master)

    def text(self) -> str:
        """The screen now."""
        return "\n".join(self._screen.display)

    def cells(self) -> list[list[tuple[str, ...]]]:
        """What each cell shows, row by row: its character and how it looks; a blank has no colour of its own."""
        return [[_look(self._screen.buffer[y][x]) for x in range(self._screen.columns)]
                for y in range(self._screen.lines)]  # fmt: skip

    def resize(self, columns: int, rows: int) -> None:
        """Another window; the program is told, as by a real one."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)  # it is nobody's controlling terminal: the kernel tells no one

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def until(self, what: str, condition: Callable[[str], bool], *, limit_s: float = 30.0) -> str:
        """The screen as soon as it satisfies `condition`; fails with the last one when it never does."""
        deadline = time.monotonic() + limit_s
        while True:
            self.pump()
            text = self.text()
            if condition(text):
                return text
            assert time.monotonic() < deadline, f"{what}: not within {limit_s:g} s\n{text}"

    def close(self) -> None:
        """End the program, whatever state it is in."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.hang_up()


def _look(char: Any) -> tuple[str, ...]:
    ink = () if char.data == " " else (char.fg, str(char.bold), str(char.italics))
    return char.data, char.bg, str(char.reverse), str(char.underscore), *ink


@contextlib.contextmanager
def terminal(*arguments: str, environment: dict[str, str], columns: int = 120, rows: int = 40) -> Iterator[Terminal]:
    """`sovereign <arguments>` in a terminal of that size."""
    shown = Terminal([sys.executable, "-m", "sovereign_tui", *arguments], environment, columns=columns, rows=rows)
    try:
        yield shown
    finally:
        shown.close()
