"""The halt latch: a file that outlives every restart. Only a RESUME that names its id removes it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from schemas.whole_file import write_whole

_LATEST_NS: Final = 2**63
"""No wall time is as late as that."""


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
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                found = None
            said = found if isinstance(found, dict) else {}
            when = said.get("wall_ns")
            return Latched(
                id=str(said.get("id") or "haltfile"), issuer=str(said.get("issuer") or issuer),
                reason=str(said.get("reason") or f"{path} exists"),
                wall_ns=when if isinstance(when, int) and 0 < when < _LATEST_NS else wall_ns,
            )  # fmt: skip
        return None

    def set(self, halt: Latched) -> None:
        """On disk when this returns. Raises OSError; the halt goes on without it."""
        write_whole(self._latch, msgspec.json.encode(halt), durable=True)

    def clear(self) -> None:
        """Remove both files. Raises OSError: then the halt stands."""
        self._latch.unlink(missing_ok=True)
        self._request.unlink(missing_ok=True)
