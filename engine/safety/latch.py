"""The halt latch: a file that outlives every restart. Only a RESUME that names its id lifts it.

Its space is taken at the start and never given back, and it is written in place: what a halt needs of the disk is
there also when the disk is full. A latch that was torn, or that nobody can read, halts.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas import haltfile
from schemas.whole_file import write_whole

_SIZE: Final = 4_096
_LONGEST: Final = {"reason": 500, "issuer": 100}
"""Characters: six bytes each at the most, and all of it has to fit."""


class Latched(msgspec.Struct, frozen=True, kw_only=True):
    """Why trading is halted; `wall_ns` since 1970 UTC, `mono_ns` when it was asked for (0: not said).

    `own`: the engine's own trip; a stop that is missing is made all the same, and nothing else. `flatten`: the position
    is to be closed, and the venue has not said yet that it is.
    """

    id: str
    issuer: str
    reason: str
    wall_ns: int
    mono_ns: int = 0
    own: bool = False
    flatten: bool = False


class HaltLatch:
    """One file in the data directory, and the halt file that ops or a person may put into the runtime directory."""

    def __init__(self, *, latch: Path, request: Path) -> None:
        self._latch = latch
        self._request = request

    def reserve(self) -> None:
        """Take the space, if nothing is latched. Raises: OSError; then `set` tries to find some."""
        if not self._latch.exists():
            write_whole(self._latch, _padded({"halted": False}), durable=True)

    def problem(self) -> str:
        """Why the latch could not be written now, as far as can be told without writing; "" if nothing is seen."""
        try:
            descriptor = os.open(self._latch, os.O_WRONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"{self._latch}: {error.strerror}"
        return "" if size >= _SIZE else f"{self._latch}: it has no space of its own"

    def read(self, *, wall_ns: int) -> Latched | None:
        """The standing halt: the latch's, else the halt file's."""
        return self._latched(wall_ns) or self.requested(wall_ns=wall_ns)

    def requested(self, *, wall_ns: int) -> Latched | None:
        """What the halt file says, whatever is in it: its being there is enough."""
        found = haltfile.read_at(self._request)
        if found is None:
            return None
        return Latched(
            id=found.id, issuer=found.issuer or "halt file", reason=found.reason, wall_ns=found.wall_ns or wall_ns,
            mono_ns=found.mono_ns,
        )  # fmt: skip

    def request_mark(self) -> tuple[int, int] | None:
        """What tells one halt file from the next; None: there is none."""
        try:
            found = self._request.stat()
        except OSError:  # also one that cannot be looked at: `requested` says what it is
            return None
        return found.st_ino, found.st_mtime_ns

    def _latched(self, wall_ns: int) -> Latched | None:
        try:
            content = haltfile.beginning(self._latch, _SIZE)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = f"{self._latch}: {error.strerror}"
            return Latched(id=haltfile.UNREADABLE, issuer="latch", reason=reason, wall_ns=wall_ns)
        try:
            found = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        said: dict[str, Any] = found if isinstance(found, dict) else {}
        if said.get("halted") is False:
            return None
        return Latched(
            id=haltfile.fit_id(said.get("id")), issuer=str(said.get("issuer") or "latch"),
            reason=str(said.get("reason") or f"{self._latch} exists"),
            wall_ns=haltfile.fit_time(said.get("wall_ns")) or wall_ns,
            mono_ns=haltfile.fit_time(said.get("mono_ns")), own=said.get("own") is True,
            flatten=said.get("flatten") is True,
        )  # fmt: skip

    def set(self, halt: Latched) -> None:
        """On disk when this returns. Raises: OSError; the halt goes on without it."""
        cut = {name: getattr(halt, name)[:most] for name, most in _LONGEST.items()}
        self._write(msgspec.to_builtins(halt) | {"halted": True} | cut)

    def clear(self) -> None:
        """Nothing is halted any more. Raises: OSError: then the halt stands, and has to be `set` again.

        The halt file first: one that somebody makes from then on is another halt.
        """
        self._request.unlink(missing_ok=True)
        self._write({"halted": False})

    def _write(self, fields: dict[str, Any]) -> None:
        content = _padded(fields)
        try:
            descriptor = os.open(self._latch, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            write_whole(self._latch, content, durable=True)
            return
        try:
            if os.pwrite(descriptor, content, 0) < len(content):
                raise OSError(errno.EIO, "a part of it was written only")
            getattr(os, "fdatasync", os.fsync)(descriptor)
        finally:
            os.close(descriptor)


def _padded(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields).ljust(_SIZE - 1) + b"\n"
