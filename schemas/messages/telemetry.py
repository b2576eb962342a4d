"""What every process pushes to ops on the telemetry channel: JSON, one object a message."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class TelemetryKind(StrEnum):
    """What a telemetry message is about; `Telemetry.data` by kind:

    HEARTBEAT  {"tick_sequence": int, "decision_sequence": int, "state": str}
    LOG        {"level": str, "text": str}
    METRICS    {"<dotted name with unit suffix>": number, ...}
    DECISION   the fields of messages.Decision
    HALT_ACK   the fields of messages.Receipt that the engine knows (id, latched_ns, port_closed_ns, ...)
    SIGNAL_ACK {"id": str, "kind": str, "ok": bool, "text": str}: every other signal
    """

    HEARTBEAT = "heartbeat"
    LOG = "log"
    METRICS = "metrics"
    DECISION = "decision"
    HALT_ACK = "halt_ack"
    SIGNAL_ACK = "signal_ack"


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope: `sequence` counts the messages of one process from 1; wall and monotonic time, ns."""

    kind: TelemetryKind
    process: str
    pid: int
    sequence: int
    timestamp_ns: int
    mono_ns: int
    data: dict[str, Any]
