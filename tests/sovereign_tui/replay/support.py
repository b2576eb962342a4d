"""Sessions written by hand, with the blackbox's own writer: a clock that is set, and files as old as it says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from schemas import codec
from schemas.blackbox import CLOSED_TOPIC, Direction, Lane
from schemas.blackbox.log import SegmentLog
from schemas.blackbox.segments import SystemDisk
from schemas.clock import NS_PER_MS
from schemas.messages import (
    AccountState,
    Alert,
    Candle,
    CandleHistory,
    Decision,
    EngineState,
    LogLine,
    MarketTick,
    Metrics,
    OrdersState,
    PositionsState,
    Receipt,
    Reply,
    Request,
    Signal,
    SystemState,
)
from schemas.topology import BRAIN, ENGINE, OPS
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.view import View
from sovereign_tui.replay.index import SessionIndex
from sovereign_tui.replay.sessions import Session, list_sessions
from sovereign_tui.replay.source import ReplaySource
from tests.sovereign_tui.cockpit import messages as make
from tests.support.clock import ManualClock

INSTRUMENT: Final = make.INSTRUMENT
_TOPICS: Final = {
    EngineState: (ENGINE, "state.engine", codec.encode_engine_state),
    OrdersState: (ENGINE, "state.orders", codec.encode_orders),
    PositionsState: (ENGINE, "state.positions", codec.encode_positions),
    AccountState: (ENGINE, "state.account", codec.encode_account),
    MarketTick: (ENGINE, f"tick.{INSTRUMENT}", make.tick_bytes),
    Request: (ENGINE, "request", codec.encode_request),
    Reply: (ENGINE, "reply", codec.encode_reply),
    Decision: (OPS, "state.decision", codec.encode_decision),
    SystemState: (OPS, "ops.system", codec.encode_system),
    Metrics: (OPS, "ops.metrics", codec.encode_metrics),
    LogLine: (OPS, "ops.log", codec.encode_log),
    Receipt: (OPS, "ops.receipt", codec.encode_receipt),
    Alert: (OPS, "ops.alert", codec.encode_alert),
    Signal: (OPS, "signal", codec.encode_signal),
}


class Tape:
    """Writes what processes would have recorded, at the time of `clock`."""

    def __init__(self, directory: Path, clock: ManualClock | None = None, *, segment_bytes: int = 1 << 20) -> None:
        self.directory, self.clock = directory, clock or ManualClock()
        self._segment_bytes = segment_bytes
        self._logs: dict[str, SegmentLog] = {}
        self._begun: dict[str, set[Path]] = {}

    def start(self, *processes: str) -> None:
        """Runs begin."""
        for process in processes:
            self._begun[process] = set(self._files(process))
            self._logs[process] = SegmentLog(
                self.directory, process, self.clock, segment_bytes=self._segment_bytes, keep_bytes=1 << 40,
                disk=SystemDisk(),
            )  # fmt: skip
            self._logs[process].write()

    def say(self, message: object, topic: str = "") -> None:
        """A message leaves the process that publishes it (of a request: comes to it)."""
        if isinstance(message, Candle):
            process, usual, payload = ENGINE, f"candle.{message.frame}.{INSTRUMENT}", codec.encode_candle(message)
        elif isinstance(message, CandleHistory):
            process, usual, payload = ENGINE, f"history.{message.frame}.{INSTRUMENT}", codec.encode_history(message)
        else:
            process, usual, encode = _TOPICS[type(message)]
            payload = encode(message)  # type: ignore[operator]
        way = Direction.RECEIVED if isinstance(message, Request) else Direction.SENT
        self.raw(process, way, topic or usual, payload)

    def raw(self, process: str, way: Direction, topic: str, payload: bytes, channel: str = "tcp://here") -> None:
        """Any record."""
        now = self.clock.monotonic_ns(), self.clock.wall_ns()
        self._logs[process].append([(*now, Lane(way, channel, topic), payload)])
        self._logs[process].write()

    def end(self, *processes: str, in_order: bool = True) -> None:
        """Runs end: with their last note, or killed."""
        for process in processes or tuple(self._logs):
            log = self._logs.pop(process)
            if in_order:
                log.note(CLOSED_TOPIC, "")
            log.write()
            log.close()
            for path in set(self._files(process)) - self._begun[process]:
                os.utime(path, ns=(self.clock.wall_ns(), self.clock.wall_ns()))

    def _files(self, process: str) -> Iterable[Path]:
        return sorted((self.directory / process).glob("*.bbx"))


def life(tape: Tape, seconds: int = 20) -> None:
    """A short life of the system in which all is published that a screen shows."""
    tape.start(OPS)
    tape.clock.advance(ms=300)
    tape.start(ENGINE, BRAIN)
    for second in range(seconds):
        wall_ns = tape.clock.wall_ns()
        tape.say(make.pulse(second + 1))
        tape.say(msgspec.structs.replace(make.system(), timestamp_ns=wall_ns))
        tape.say(make.engine(timestamp_ns=wall_ns))
        tape.say(msgspec.structs.replace(make.account(f"{second}.5"), timestamp_ns=wall_ns))
        tape.say(make.log(f"line {second}", second))
        tape.say(make.decision(sequence=second + 1, timestamp_ns=wall_ns))
        for number in range(10):
            tape.clock.advance(ms=100)
            tape.say(make.tick(second * 10 + number + 1, 64_000.0 + number))
    tape.end()


def candle(bar: int, close: float, *, confirmed: bool = False, frame: str = "5m") -> Candle:
    return Candle(
        instrument=INSTRUMENT, frame=frame, sequence=bar, open_ns=bar * 300_000 * NS_PER_MS, received_ns=1, open=1.0,
        high=9.0, low=0.5, close=close, volume=3.0, confirmed=confirmed,
    )  # fmt: skip


def history(*bars: int, frame: str = "5m") -> CandleHistory:
    candles = tuple(candle(bar, 5.0, confirmed=True, frame=frame) for bar in bars)
    return CandleHistory(instrument=INSTRUMENT, frame=frame, sequence=1, received_ns=len(bars), candles=candles)


@dataclass
class World:
    """A view, and what later screens may keep besides: closes by their bar, alerts by their name."""

    view: View = field(default_factory=View)
    bars: dict[str, dict[int, float]] = field(default_factory=dict)
    alerts: dict[tuple[str, int], tuple[Alert, int]] = field(default_factory=dict)

    def fold(self, message: object, at_ns: int) -> None:
        match message:
            case CandleHistory():
                self.bars[message.frame] = {each.open_ns: each.close for each in message.candles}
            case Candle():
                self.bars.setdefault(message.frame, {})[message.open_ns] = message.close
            case Alert():
                self.alerts[message.kind, message.since_ns] = (message, at_ns)
            case _:
                self.view = reduce(self.view, message, at_ns)


class Screen:
    """What a cockpit does with a source: an empty view where it begins anew, and every message folded in."""

    def __init__(self, source: ReplaySource) -> None:
        self.source, self.world = source, World()
        self._epoch = source.epoch

    def poll(self) -> World:
        arrived = self.source.poll()
        if self.source.epoch != self._epoch:
            self._epoch, self.world = self.source.epoch, World()
        for message, at_ns in arrived:
            self.world.fold(message, at_ns)
        return self.world


def only(directory: Path) -> Session:
    (session,) = list_sessions(directory).sessions
    return session


def indexed(directory: Path) -> SessionIndex:
    index = SessionIndex(directory, only(directory))
    index.build()
    return index


def opened(directory: Path) -> tuple[ReplaySource, ManualClock]:
    real = ManualClock(monotonic_ns=77)
    return ReplaySource(indexed(directory), real), real
