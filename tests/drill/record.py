"""What the blackboxes say happened: halts, heartbeats, causes, processes, positions. Times are monotonic ns."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas import codec, topology
from schemas.blackbox import BlackboxReader, Direction, Record
from schemas.messages import Heartbeat, SignalKind, Telemetry, TelemetryKind

STEPS: Final = ("received_ns", "latched_ns", "port_closed_ns", "cancels_sent_ns", "venue_confirmed_ns")
_PUSH: Final = "push"


@dataclass(slots=True)
class Story:
    """One run of a rig."""

    halts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By id: when each step of it was first done."""
    logs: list[tuple[int, str]] = field(default_factory=list)
    """The engine's."""
    beats: list[int] = field(default_factory=list)
    """Heartbeats of the brain that showed progress. The engine records a request when it has been judged, up to some
    milliseconds after the time that it goes by."""
    ops_beats: list[int] = field(default_factory=list)
    running: list[tuple[int, str, int]] = field(default_factory=list)
    """When ops said that a process of this name and pid is RUNNING."""
    flat: list[tuple[int, bool]] = field(default_factory=list)
    """What the engine said of its position."""

    def said(self, start: str, after_ns: int) -> int | None:
        """When the engine first logged a line that starts so, after a time."""
        return next((at for at, text in self.logs if at >= after_ns and text.startswith(start)), None)

    def flat_after(self, after_ns: int) -> int | None:
        """When the engine first said, after a time, that it holds nothing."""
        return next((at for at, flat in self.flat if flat and at >= after_ns), None)

    def running_after(self, name: str, after_ns: int, pid: int) -> int | None:
        """When ops said that another process of this name is RUNNING."""
        return next((at for at, who, new in self.running if who == name and new != pid and at >= after_ns), None)


def before(times: list[int], at_ns: int) -> int | None:
    """The last of the times until then."""
    index = bisect_right(times, at_ns)
    return times[index - 1] if index else None


def read(directory: Path) -> Story:
    """The story of all processes that left a blackbox there."""
    story = Story()
    last_tick = -1
    for record in BlackboxReader(directory).read(topology.ENGINE):
        if record.topic == _PUSH:
            _engine_said(story, codec.decode_telemetry(record.payload))
        elif record.topic == "request":
            beat = _heartbeat(record)
            if beat is not None and beat.last_tick_sequence != last_tick:
                last_tick = beat.last_tick_sequence
                story.beats.append(record.monotonic_ns)
        elif record.topic == topology.SIGNAL:
            if codec.decode_signal(record.payload).kind is SignalKind.OPS_HEARTBEAT:
                story.ops_beats.append(record.monotonic_ns)
        elif record.topic == topology.STATE_POSITIONS:
            story.flat.append((record.monotonic_ns, not codec.decode_positions(record.payload).positions))
    for record in BlackboxReader(directory).read(topology.OPS, topic=topology.OPS_SYSTEM):
        if record.direction is Direction.SENT:
            for view in codec.decode_system(record.payload).processes:
                if view.state == "RUNNING":
                    story.running.append((record.monotonic_ns, view.name, view.pid))
    return story


def _engine_said(story: Story, message: Telemetry) -> None:
    if message.kind is TelemetryKind.HALT_ACK:
        fold(story.halts, message.data)
    elif message.kind is TelemetryKind.LOG:
        story.logs.append((message.mono_ns, message.data["text"]))


def fold(halts: dict[str, dict[str, int]], ack: dict[str, Any]) -> None:
    """One acknowledgement more: of each step the first time counts, of the cancels the last."""
    steps = halts.setdefault(ack["id"], {})
    for name in STEPS:
        at = ack.get(name)
        if at is None:
            continue
        if name not in steps or (name == "cancels_sent_ns" and at < steps.get("venue_confirmed_ns", at + 1)):
            steps[name] = at


def _heartbeat(record: Record) -> Heartbeat | None:
    try:
        body = codec.decode_request(record.payload).body
    except codec.Malformed:
        return None
    return body if isinstance(body, Heartbeat) else None
