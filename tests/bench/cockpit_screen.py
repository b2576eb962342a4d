"""A terminal for the bench: answers, counts, and is as slow as it is told to be."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections import deque
from typing import Any, Final

import psutil
import pyte

QUESTION: Final = b"\x1b[?2026$p"
ANSWER: Final = b"\x1b[?2026;2$y"
PRICE: Final = re.compile(r"\b(\d\d,\d\d\d\.\d)\b")
COLUMNS: Final = 120
_PIECE: Final = 256


class Screen:
    """One program in a pty of 120x40, read by a thread.

    `bytes_per_s` and `delay_s` (one way): a link between program and terminal; without them there is none. `shows`:
    what comes is drawn, too; that costs a lot of time, and is for when the time is not what is measured.
    """

    def __init__(
        self, command: list[str], environment: dict[str, str], *, shows: bool = False,
        bytes_per_s: float | None = None, delay_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.bytes = 0
        self.frames = 0
        self.stopped = threading.Event()
        self.blocked = threading.Event()
        self._shows = shows
        self._width, self._delay_s = bytes_per_s, delay_s
        self._screen = pyte.Screen(COLUMNS, 40)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._tail = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._through_link if bytes_per_s else self._at_once, daemon=True)
        self._thread.start()

    def line(self, y: int) -> str:
        """A line of what is shown."""
        with self._lock:
            row = self._screen.buffer[y]
            return "".join(row[x].data for x in range(COLUMNS))

    def text(self) -> str:
        """All of it."""
        return "\n".join(self.line(y) for y in range(40))

    def type(self, key: bytes) -> int:
        """Presses a key; returns the monotonic ns just before."""
        at_ns = time.monotonic_ns()
        os.write(self.master, key)
        return at_ns

    def cpu_s(self) -> float:
        """Of the program and its children, so far."""
        process = psutil.Process(self.process.pid)
        return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))

    def close(self) -> int:
        """Ends the program; returns its exit code."""
        self.blocked.clear()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()
        finally:
            self.stopped.set()
            self._thread.join(5)
            os.close(self.master)

    def _read(self, within_s: float) -> bytes:
        if self.blocked.is_set():
            time.sleep(0.01)
            return b""
        try:
            return os.read(self.master, 65_536) if select.select([self.master], [], [], within_s)[0] else b""
        except OSError:
            self.stopped.wait(0.01)
            return b""

    def _take(self, data: bytes) -> int:
        """Draws it, and says how many questions it holds."""
        self.bytes += len(data)
        seen = self._tail + data
        asked = seen.count(QUESTION)
        self._tail = seen[seen.rfind(b"\x1b") :][: len(QUESTION) - 1] if b"\x1b" in seen[-len(QUESTION) :] else b""
        if self._tail.startswith(QUESTION):
            self._tail = b""
        self.frames += asked
        if self._shows:
            with self._lock, contextlib.suppress(TypeError, IndexError):
                self._stream.feed(data)
        return asked

    def _at_once(self) -> None:
        while not self.stopped.is_set():
            data = self._read(0.05)
            if data:
                self._answer(self._take(data))

    def _answer(self, times: int) -> None:
        with contextlib.suppress(OSError):
            os.write(self.master, ANSWER * times)

    def _through_link(self) -> None:
        """Everything is taken at once, as a network's buffers do, and arrives when the link has carried it."""
        assert self._width is not None
        pieces: deque[tuple[float, bytes]] = deque()
        answers: deque[tuple[float, int]] = deque()
        free_at = 0.0
        while not self.stopped.is_set():
            data, now = self._read(0.002), time.monotonic()
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                free_at = max(free_at, now) + len(piece) / self._width
                pieces.append((free_at + self._delay_s, piece))
            while pieces and pieces[0][0] <= now:
                asked = self._take(pieces.popleft()[1])
                if asked:
                    answers.append((now + self._delay_s, asked))
            while answers and answers[0][0] <= now:
                self._answer(answers.popleft()[1])


def price_on(screen: Screen) -> float | None:
    """The last price in the header."""
    found = PRICE.search(screen.line(0))
    return float(found[1].replace(",", "")) if found else None


Environment = dict[str, Any]
