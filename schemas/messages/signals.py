"""System events: ops to everybody, on the signal channel."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class SignalKind(IntEnum):
    """What everybody must know."""

    SYSTEM_HALT = 1
    SYSTEM_RESUME = 2
    FLATTEN = 3
    CONFIG_UPDATE = 4
    OPS_HEARTBEAT = 5
    SHUTDOWN = 6


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One system event. `target`: the halt's id for SYSTEM_RESUME; a process, or "" for all, for SHUTDOWN.

    `changes` (CONFIG_UPDATE): dotted setting -> value as TOML text.
    """

    kind: SignalKind
    id: str
    issuer: str
    reason: str
    timestamp_ns: int
    sequence: int = 0
    target: str = ""
    changes: dict[str, str] = {}
