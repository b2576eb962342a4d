"""What the processes write to stderr: one file each, rotated at start, its last lines shown as reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROTATE_BYTES: Final = 5 << 20
_TAIL_BYTES: Final = 16 << 10
TAIL_LINES: Final = 20


def prepare(path: Path) -> int:
    """Rotates a long file away, and returns where the next run's lines begin, bytes. Raises: OSError."""
    size = path.stat().st_size if path.exists() else 0
    if size <= ROTATE_BYTES:
        return size
    path.replace(path.with_suffix(".log.1"))
    return 0


def tail(path: Path, start: int = 0) -> tuple[str, ...]:
    """The last lines of the file, none from before byte `start`; empty, if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(min(start, size), size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ()  # the reason is then the exit code alone
    return tuple(line for line in text.splitlines() if line.strip())[-TAIL_LINES:]
