"""Writing to the terminal from a thread of its own: whoever writes never waits for it."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from queue import SimpleQueue
from typing import Final

_STOP_S: Final = 1.0


class Writer:
    """In the place of Textual's writer thread, whose queue of 30 blocks the event loop where the terminal is slow.

    The queue has no bound; the pacer lets one frame be on its way at a time. `backlog` says what waits.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._backlog = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="terminal writer", daemon=True)

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return self._backlog

    def start(self) -> None:
        """Writes from now on."""
        self._thread.start()

    def write(self, text: str) -> None:
        """Has it written; returns at once. After `stop` it is thrown away."""
        data = text.encode("utf-8", "replace")
        with self._lock:
            if self._stopped:
                return
            self._backlog += len(data)
        self._queue.put(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """It is a terminal's."""
        return True

    def fileno(self) -> int:
        """The descriptor that it writes to."""
        return self._descriptor

    def stop(self) -> None:
        """Ends it when all is written; one whose terminal takes nothing is left behind."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self._queue.put(None)
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            with contextlib.suppress(OSError):  # the terminal is gone: the watch ends the process
                _write_all(self._descriptor, data)
            with self._lock:
                self._backlog -= len(data)


def _write_all(descriptor: int, data: bytes) -> None:
    """Raises: OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # somebody who shares the terminal has made it non-blocking
            select.select([], [descriptor], [], 1.0)
