"""fd 1 and fd 2 elsewhere while the screen is up: what a C library writes there would land in the middle of it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sovereign_tui.ops.logs import ROTATE_BYTES, prepare

_STDOUT: Final = 1
_STDERR: Final = 2


@contextlib.contextmanager
def diverted(log: Path) -> Iterator[int]:
    """Gives the descriptor of the terminal to draw on; both are put back afterwards.

    Where the log cannot be written they lead nowhere. Raises: OSError, if there is no fd 2.
    """
    sys.stderr.flush()
    screen = os.dup(_STDERR)
    stdout = os.dup(_STDOUT) if os.isatty(_STDOUT) else None
    sink = _sink(log)
    os.dup2(sink, _STDERR)
    if stdout is not None:
        sys.stdout.flush()
        os.dup2(sink, _STDOUT)
    os.close(sink)
    try:
        yield screen
    finally:
        sys.stderr.flush()
        os.dup2(screen, _STDERR)
        if stdout is not None:
            sys.stdout.flush()
            os.dup2(stdout, _STDOUT)
            os.close(stdout)
        os.close(screen)


def keep_short() -> None:
    """Cuts the log that fd 2 leads to when it has grown too long."""
    with contextlib.suppress(OSError):
        if os.fstat(_STDERR).st_size > ROTATE_BYTES:
            os.ftruncate(_STDERR, 0)


def _sink(log: Path) -> int:
    try:
        prepare(log)
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
