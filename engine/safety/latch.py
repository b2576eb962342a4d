"""The halt latch: a file that outlives every restart. Only a RESUME that names its id removes it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Latched(msgspec.Struct, frozen=True, kw_only=True):
    """Why trading is halted; `wall_ns` since 1970 UTC."""

    id: str
    issuer: str
    reason: str
    wall_ns: int


class HaltLatch:
    """One file in the data directory, and the halt file that ops or a person may put into the runtime directory."""

    def __init__(self, *, latch: Path, request: Path) -> None:
        self._latch = latch
        self._request = request

    def read(self, *, wall_ns: int) -> Latched | None:
        """The standing halt. A file that cannot be read halts too: nobody removes it by accident."""
        for path, issuer in ((self._latch, "latch"), (self._request, "halt file")):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                return Latched(id="unreadable", issuer=issuer, reason=f"{path}: {error.strerror}", wall_ns=wall_ns)
            try:
                found = msgspec.json.decode(content)
            except msgspec.DecodeError:
                found = {}
            return Latched(
                id=str(found.get("id") or "haltfile"), issuer=str(found.get("issuer") or issuer),
                reason=str(found.get("reason") or f"{path} exists"), wall_ns=int(found.get("wall_ns") or wall_ns),
            ) if isinstance(found, dict) else Latched(
                id="haltfile", issuer=issuer, reason=f"{path} exists", wall_ns=wall_ns
            )  # fmt: skip
        return None

    def set(self, halt: Latched) -> None:
        """On disk when this returns. Raises OSError; the halt goes on without it."""
        scratch = self._latch.with_suffix(".new")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(halt))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        scratch.replace(self._latch)

    def clear(self) -> None:
        """Remove both files. Raises OSError: then the halt stands."""
        self._latch.unlink(missing_ok=True)
        self._request.unlink(missing_ok=True)
