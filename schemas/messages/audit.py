"""What operators did to the system, and what came of it: the tape that ops keeps."""

from __future__ import annotations

from typing import Annotated

import msgspec

Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody asked for. `number` counts from 1 in the life of the data directory.

    `timestamp_ns`: when ops heard of it, wall time. `outcome` is "" and `ok` None while it is under way. `took_ms`: how
    long it took; of a halt, from the operator's key to the engine's latch; None: not known, or not over.
    """

    number: Number
    timestamp_ns: Nanoseconds
    issuer: str
    action: str
    detail: str
    outcome: str = ""
    ok: bool | None = None
    took_ms: float | None = None


class AuditTrail(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.audit: the last 100 entries, oldest first, whole each time."""

    timestamp_ns: Nanoseconds
    entries: tuple[AuditEntry, ...]
