"""What everybody pushes to ops: read, counted, kept where it is the newest, handed on. Never fatal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import msgspec

from schemas import codec
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import Decision, LogLine, Receipt, Telemetry, TelemetryKind
from schemas.topology import BRAIN, ENGINE

_MAX_METRICS: Final = 4_000
_MAX_TEXT: Final = 4_000
_LEVELS: Final = frozenset({"debug", "info", "warning", "error"})


class SignalAck(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a SIGNAL_ACK."""

    id: str
    kind: str
    ok: bool
    text: str = ""


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
    on_signal_ack: Callable[[SignalAck], None]


class Intake:
    """The receiving end of the telemetry pipeline. `listeners` may be set once, before the first message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.listeners: Listeners | None = None
        self.pulses: dict[str, Pulse] = {}
        self.counters: Counter[str] = Counter()
        self._metrics: dict[str, float] = {}
        self._complained_ns: int | None = None
        self._unsaid = 0

    def take(self, payload: memoryview) -> None:
        """One message as it came. What cannot be read is dropped and counted, and said at most once a second."""
        self.counters["telemetry"] += 1
        try:
            self._hand_on(codec.decode_telemetry(payload))
        except codec.Malformed as error:
            self._refuse(str(error))
        except msgspec.ValidationError as error:
            self._refuse(f"Telemetry: data not as its kind demands ({error})")

    def pulse_age_ms(self, process: str, pid: int) -> float | None:
        """Since the last heartbeat of this very process; None: it has sent none."""
        pulse = self.pulses.get(process)
        if pulse is None or pulse.pid != pid:
            return None
        return (self._clock.monotonic_ns() - pulse.arrived_ns) / NS_PER_MS

    def metrics(self) -> dict[str, float]:
        """The latest of all, each under the name of its process."""
        return dict(self._metrics)

    def _hand_on(self, message: Telemetry) -> None:
        listeners = self.listeners
        if listeners is None:
            return
        match message.kind:
            case TelemetryKind.HEARTBEAT:
                self.pulses[message.process] = Pulse(pid=message.pid, arrived_ns=self._clock.monotonic_ns())
                listeners.on_pulse(message.process, message.pid)
            case TelemetryKind.LOG:
                listeners.on_log(_log_line(message))
            case TelemetryKind.METRICS:
                self._merge(message.process, message.data)
            case TelemetryKind.DECISION:
                _demand_from(message, BRAIN)
                listeners.on_decision(msgspec.convert(message.data, Decision))
            case TelemetryKind.HALT_ACK:
                _demand_from(message, ENGINE)
                listeners.on_halt_ack(msgspec.convert(message.data, Receipt))
            case TelemetryKind.SIGNAL_ACK:
                listeners.on_signal_ack(msgspec.convert(message.data, SignalAck))

    def _merge(self, process: str, data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            number = float(value) if isinstance(value, int | float) else float("nan")
            if not isfinite(number):
                continue  # a metric that is not known now
            full = name if name.startswith(f"{process}.") else f"{process}.{name}"
            if full in self._metrics or len(self._metrics) < _MAX_METRICS:
                self._metrics[full] = number
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


def _log_line(message: Telemetry) -> LogLine:
    level, text = message.data.get("level"), message.data.get("text")
    if not isinstance(text, str) or level not in _LEVELS:
        raise codec.Malformed("Telemetry", "a log line without text or with an unknown level")
    return LogLine(
        timestamp_ns=message.timestamp_ns, process=message.process, level=level, text=text[:_MAX_TEXT]
    )  # fmt: skip
