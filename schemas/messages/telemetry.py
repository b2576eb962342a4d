"""What every process pushes to ops on the telemetry channel: JSON, one object a message.

A kind more is a struct more and a line more in DATA; `python -m schemas.generate` writes its JSON Schema. A reader
ignores the fields that it does not know, so that a field may be added wherever it has a default.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.messages.decision import Decision
from schemas.messages.flow import Flow, Heatmap
from schemas.messages.state import Receipt
from schemas.messages.structure import Structure


class TelemetryKind(StrEnum):
    """What a telemetry message is about; DATA says of what type its `data` is."""

    HEARTBEAT = "heartbeat"
    LOG = "log"
    METRICS = "metrics"
    HISTOGRAM = "histogram"
    DECISION = "decision"
    HALT_ACK = "halt_ack"
    SIGNAL_ACK = "signal_ack"
    HEATMAP = "heatmap"
    FLOW = "flow"
    STRUCTURE = "structure"


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope: `sequence` counts the messages of one process from 1; wall and monotonic time, ns."""

    kind: TelemetryKind
    process: str
    pid: int
    sequence: int
    timestamp_ns: int
    mono_ns: int
    data: dict[str, Any]


class HeartbeatData(msgspec.Struct, frozen=True, kw_only=True):
    """A pulse that shows progress: the last tick and the last decision (0: none yet), and what it is doing."""

    tick_sequence: int = 0
    decision_sequence: int = 0
    state: str = ""


class LogData(msgspec.Struct, frozen=True, kw_only=True):
    """One event worth showing."""

    level: Literal["debug", "info", "warning", "error"]
    text: str


MetricsData = dict[str, float | None]
"""Dotted name, its unit as suffix (`engine.gate_p99_us`) -> value; null: not known now."""

Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class HistogramData(msgspec.Struct, frozen=True, kw_only=True):
    """Durations since the report before. `legs`: dotted name -> pairs of a duration, ns, and how often it was seen.

    A duration stands for all within 0.8 % of it. `missed`: dotted name -> durations that are in no pair, since more
    came than the process keeps; a leg without any is left out.
    """

    legs: dict[str, tuple[tuple[Nanoseconds, Count], ...]]
    missed: dict[str, Count] = {}


class SignalAckData(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to every other signal: its id and the name of its kind, whether it was done, and why not."""

    id: str
    kind: str
    ok: bool
    text: str = ""


DATA: Final[dict[TelemetryKind, Any]] = {
    TelemetryKind.HEARTBEAT: HeartbeatData,
    TelemetryKind.LOG: LogData,
    TelemetryKind.METRICS: MetricsData,
    TelemetryKind.HISTOGRAM: HistogramData,
    TelemetryKind.DECISION: Decision,
    TelemetryKind.HALT_ACK: Receipt,
    TelemetryKind.SIGNAL_ACK: SignalAckData,
    TelemetryKind.HEATMAP: Heatmap,
    TelemetryKind.FLOW: Flow,
    TelemetryKind.STRUCTURE: Structure,
}
"""The type of `Telemetry.data`, by kind."""
