"""What everybody pushes to ops: read, counted, kept where it is the newest, handed on. Never fatal."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from schemas import codec
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import (
    Decision,
    Flow,
    Heatmap,
    LogData,
    LogLine,
    Receipt,
    SignalAckData,
    Structure,
    Telemetry,
    TelemetryKind,
)
from schemas.topology import BRAIN, ENGINE, OPS
from sovereign_tui.ops.latencies import Latencies

_MAX_METRICS: Final = 4_000
_MAX_TEXT: Final = 4_000


SignalAck = SignalAckData


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The last heartbeat of one process; arrival by our monotonic clock."""

    pid: int
    arrived_ns: int


@dataclass(slots=True, kw_only=True)
class Listeners:
    """Who is told of what arrives."""

    on_pulse: Callable[[str, int], None]
    on_log: Callable[[LogLine], None]
    on_decision: Callable[[Decision], None]
    on_halt_ack: Callable[[Receipt], None]
    on_signal_ack: Callable[[SignalAck, str], None]
    on_heatmap: Callable[[Heatmap], None]
    on_flow: Callable[[Flow], None]
    on_structure: Callable[[Structure], None]


class Intake:
    """The receiving end of the telemetry pipeline. `listeners` may be set once, before the first message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.listeners: Listeners | None = None
        self.pulses: dict[str, Pulse] = {}
        self.counters: Counter[str] = Counter()
        self.latencies = Latencies(clock)
        self._metrics: dict[str, float] = {}
        self._metrics_of: dict[str, int] = {}
        self._complained_ns: int | None = None
        self._unsaid = 0

    def take(self, payload: memoryview) -> None:
        """One message as it came. What cannot be read is dropped and counted, and said at most once a second."""
        self.counters["telemetry"] += 1
        try:
            self._hand_on(codec.decode_telemetry(payload))
        except codec.Malformed as error:
            self._refuse(str(error))

    def pulse_age_ms(self, process: str, pid: int) -> float | None:
        """Since the last heartbeat of this very process; None: it has sent none."""
        arrived_ns = self.pulse_ns(process, pid)
        return None if arrived_ns is None else (self._clock.monotonic_ns() - arrived_ns) / NS_PER_MS

    def pulse(self, process: str, pid: int) -> None:
        """A heartbeat of this very process."""
        self.pulses[process] = Pulse(pid=pid, arrived_ns=self._clock.monotonic_ns())

    def pulse_ns(self, process: str, pid: int) -> int | None:
        """When the last heartbeat of this very process came, monotonic ns; None: it has sent none."""
        pulse = self.pulses.get(process)
        return pulse.arrived_ns if pulse is not None and pulse.pid == pid else None

    def metric(self, process: str, pid: int, name: str) -> float | None:
        """What this very process said last of `<process>.<name>`; None: it has not."""
        return self._metrics.get(f"{process}.{name}") if self._metrics_of.get(process) == pid else None

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None:
        """What ops tells of itself."""
        wall_ns, mono_ns = self._clock.wall_ns(), self._clock.monotonic_ns()
        self._hand_on(
            Telemetry(
                kind=kind, process=OPS, pid=os.getpid(), sequence=0, timestamp_ns=wall_ns, mono_ns=mono_ns, data=data
            )
        )  # fmt: skip

    def metrics(self) -> dict[str, float]:
        """The latest of all, each under the name of its process; of durations, what the last 60 s say."""
        return self.latencies.metrics(self._metrics)

    def _hand_on(self, message: Telemetry) -> None:
        listeners = self.listeners
        if listeners is None:
            return
        data = codec.read_telemetry(message)
        match message.kind:
            case TelemetryKind.HEARTBEAT:
                self.pulse(message.process, message.pid)
                listeners.on_pulse(message.process, message.pid)
            case TelemetryKind.LOG:
                listeners.on_log(_log_line(message, data))
            case TelemetryKind.METRICS:
                self._metrics_of[message.process] = message.pid
                self._merge(message.process, data)
            case TelemetryKind.HISTOGRAM:
                self.latencies.take(message.process, message.pid, data)
            case TelemetryKind.DECISION:
                _demand_from(message, BRAIN)
                listeners.on_decision(data)
            case TelemetryKind.HALT_ACK:
                _demand_from(message, ENGINE)
                listeners.on_halt_ack(data)
            case TelemetryKind.SIGNAL_ACK:
                listeners.on_signal_ack(data, message.process)
            case TelemetryKind.HEATMAP:
                _demand_from(message, BRAIN)
                listeners.on_heatmap(data)
            case TelemetryKind.FLOW:
                _demand_from(message, BRAIN)
                listeners.on_flow(data)
            case TelemetryKind.STRUCTURE:
                _demand_from(message, BRAIN)
                listeners.on_structure(data)

    def _merge(self, process: str, data: Mapping[str, float | None]) -> None:
        for name, value in data.items():
            full = name if name.startswith(f"{process}.") else f"{process}.{name}"
            if value is None or not isfinite(value):
                self._metrics.pop(full, None)  # not known now: what it was is not what it is
                continue
            if full in self._metrics or len(self._metrics) < _MAX_METRICS:
                self._metrics[full] = value
            else:
                self.counters["metrics_refused"] += 1

    def _refuse(self, text: str) -> None:
        self.counters["telemetry_malformed"] += 1
        self._unsaid += 1
        now = self._clock.monotonic_ns()
        if self._complained_ns is not None and now - self._complained_ns < NS_PER_S:
            return
        self._complained_ns = now
        if self.listeners is not None:
            said = f"{self._unsaid} malformed telemetry messages dropped; the last: {text[:200]}"
            line = LogLine(timestamp_ns=self._clock.wall_ns(), process="ops", level="warning", text=said)
            self.listeners.on_log(line)
        self._unsaid = 0


def _demand_from(message: Telemetry, process: str) -> None:
    if message.process != process:
        raise codec.Malformed("Telemetry", f"{message.kind} from {message.process!r}, only {process} may send it")


def _log_line(message: Telemetry, data: LogData) -> LogLine:
    return LogLine(
        timestamp_ns=message.timestamp_ns, process=message.process, level=data.level, text=data.text[:_MAX_TEXT]
    )  # fmt: skip
