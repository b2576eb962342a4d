"""The file of the audit tape: one JSON line per entry, only ever added to. Its functions block: for a thread."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from schemas.messages import AuditEntry

_TAIL: Final = 1 << 20
"""Bytes at the end that are read back: many times what the last hundred entries take."""

_DECODE: Final = msgspec.json.Decoder(AuditEntry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What a tape ends with. `damaged`: lines that are no entries, of those that were looked at."""

    entries: tuple[AuditEntry, ...] = ()
    damaged: int = 0


def recall(path: Path, most: int) -> Recalled:
    """The last `most` entries, oldest first; of a number that stands there twice, the later. Raises: OSError."""
    try:
        with open(_opened(path, os.O_RDONLY), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read(_TAIL).split(b"\n")
    except FileNotFoundError:
        return Recalled()
    if size > _TAIL:
        del lines[0]  # begins somewhere before
    found: dict[int, AuditEntry] = {}
    damaged = 0
    for line in filter(None, lines):
        try:
            entry = _DECODE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            damaged += 1
            continue
        found.pop(entry.number, None)
        found[entry.number] = entry
    return Recalled(entries=tuple(found.values())[-most:], damaged=damaged)


def _opened(path: Path, flags: int) -> int:
    """Its descriptor. Raises: OSError, also where something else stands there, which might never answer (a pipe)."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file; move it away", str(path))
    return descriptor


def append(path: Path, entries: Sequence[AuditEntry]) -> None:
    """Add them, on disk when this returns. A line that a crash has torn is ended first.

    Raises: OSError, a full disk's too; then the tape is what it was.
    """
    content = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        os.fchmod(descriptor, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            content = b"\n" + content
        try:
            left = memoryview(content)
            while left:  # it may take a part of it, and say nothing
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):  # the reader leaves out what is torn
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
