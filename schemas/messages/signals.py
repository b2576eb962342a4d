"""System events: ops to everybody, on the signal channel."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

CONFIRMED: Final = "confirmed"
"""Target of a CONFIG_UPDATE whose loosening the operator has confirmed."""


class SignalKind(IntEnum):
    """What everybody must know."""

    SYSTEM_HALT = 1
    SYSTEM_RESUME = 2
    FLATTEN = 3
    CONFIG_UPDATE = 4
    OPS_HEARTBEAT = 5
    SHUTDOWN = 6
    REARM = 7
    REHEARSE = 8


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One system event. `target`: the halt's id for SYSTEM_RESUME; a process, or "" for all, for SHUTDOWN.

    FLATTEN is a HALT that closes the positions too.

    `changes` (CONFIG_UPDATE): dotted setting -> value as TOML text; a loosening needs CONFIRMED as the target.
    `mono_ns`: when it was first asked for, by the machine's monotonic clock; 0: not said. It stays the same in every
    repetition, while `timestamp_ns` is that of this very message.
    REARM lifts what waits for the operator: the repeated-execution throttle, the drawdown stop, unexplained answers.
    REHEARSE asks whether a HALT could be latched now, and how fast one is heard; nothing is changed.
    """

    kind: SignalKind
    id: str
    issuer: str
    reason: str
    timestamp_ns: int
    sequence: int = 0
    target: str = ""
    mono_ns: int = 0
    changes: dict[str, str] = {}
