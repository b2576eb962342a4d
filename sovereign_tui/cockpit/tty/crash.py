"""What went wrong, in a file: a traceback helps nobody on a terminal that somebody trades at.

Imports nothing heavy: it is there before Textual is.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any, Final

EXIT_CRASHED: Final = 70
"""EX_SOFTWARE."""
_MOST_BYTES: Final = 1 << 20


def crash_file(logs: Path, started_ns: int, pid: int) -> Path:
    """Where the process `pid`, started at `started_ns` (wall clock), tells of its crash."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(started_ns // 1_000_000_000))
    return logs / f"crash-{stamp}-{pid}.txt"


class Crashes:
    """The crash file of this process; None: told to nobody. It is gone at the end if nothing was written."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Faults of C code, of threads and of what nobody awaits go there from now on. Raises: OSError."""
        if self.path is None:
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        faulthandler.enable(self._file)
        threading.excepthook = self._of_thread
        sys.unraisablehook = self._of_nobody

    def close(self) -> None:
        """No longer; an empty file is removed."""
        if self._file is None or self.path is None:
            return
        faulthandler.disable()
        threading.excepthook = threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__
        empty = os.fstat(self._file.fileno()).st_size == 0
        self._file.close()
        self._file = None
        if empty:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def note(self, where: str, error: BaseException | None, text: str = "") -> None:
        """One mistake, with its traceback. Never raises."""
        if self._file is None:
            return
        lines = traceback.format_exception(error) if error is not None else []
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._lock, contextlib.suppress(OSError):
            if os.fstat(self._file.fileno()).st_size < _MOST_BYTES:
                self._file.write(f"{when} {where} {text}\n{''.join(lines)}\n".encode("utf-8", "replace"))

    def of_loop(self, _: object, context: dict[str, Any]) -> None:
        """For `loop.set_exception_handler`: what a task raised that nobody awaits."""
        self.note("asyncio:", context.get("exception"), str(context.get("message", "")))

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            self.note(f"thread {args.thread.name if args.thread else '?'}:", args.exc_value)

    def _of_nobody(self, unraisable: Any) -> None:
        self.note("unraisable:", unraisable.exc_value, str(unraisable.err_msg or ""))


def what_happened(path: Path) -> str:
    """The last line that is no frame of a traceback: what happened; "" if nothing is told."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip() and not line.startswith(" ")), "")
