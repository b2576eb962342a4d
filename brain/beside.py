"""What runs beside the decisions: heartbeats, numbers, the picture of the order flow, the book of days, a warm path."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from brain.link import EngineLink
from brain.mind import Mind
from brain.order_flow.publish import flow_message, heatmap_message
from brain.price_action.view import PriceActionView
from brain.structure import same_structure, structure_message, why_unknown
from schemas import codec
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import TelemetryKind
from schemas.process import Reporter, Runtime
from schemas.whole_file import write_whole

_WARM_EVERY_S: Final = 0.02
_GC_EVERY_NS: Final = 30 * NS_PER_S
_STRUCTURE_LOOK_S: Final = 0.25
_STRUCTURE_EVERY_NS: Final = 10 * NS_PER_S
_QUIET_NS: Final = 2 * NS_PER_MS
DAY_FILE: Final = "brain_day.json"


def read_day(path: Path) -> Any:
    """What an earlier run kept of the day, names and plain values; None where it cannot be read, or be recorded.

    Raises: FileNotFoundError before the first.
    """
    try:
        saved = json.loads(path.read_bytes())
        msgspec.msgpack.encode(saved)  # it goes into the record of the session: no number or text that cannot
    except FileNotFoundError:
        raise
    except (OSError, ValueError, OverflowError, RecursionError):
        return None
    plain = isinstance(saved, dict) and not any(isinstance(value, dict | list) for value in saved.values())
    return saved if plain else None


class Beside:
    """Loops of one brain. None of them decides."""

    def __init__(self, runtime: Runtime, mind: Mind, link: EngineLink) -> None:
        self._runtime, self._mind, self._link = runtime, mind, link
        self._settings = runtime.settings
        self._mono_ns = runtime.clock.monotonic_ns
        self._reporter: Reporter = runtime.reporter
        self._whole = codec.TickDecoder(mind.instrument).decode
        self._kept: dict[str, Any] | None = None
        self._writing = Lock()
        self.tick_payload: memoryview | None = None
        """The newest tick as it came: the heatmap wants all of its levels, a decision does not."""

    async def beat(self) -> None:
        """To the command channel, where the engine acts on it, and as telemetry, where it is only shown."""
        link, mind = self._link, self._mind
        while True:
            tick = mind.memory.tick
            tick_sequence = tick.sequence if tick else 0
            link.heartbeat(
                process=self._runtime.name, tick_sequence=tick_sequence, decision_sequence=mind.sequence
            )  # fmt: skip
            self._reporter.heartbeat(tick_sequence=tick_sequence, decision_sequence=mind.sequence, state=mind.state)
            due_ns = self._mono_ns() + self._settings.brain.heartbeat_ms * NS_PER_MS
            was_connected = link.connected
            while self._mono_ns() < due_ns and was_connected == link.connected:  # a new link hears it at once
                await asyncio.sleep(_WARM_EVERY_S)

    async def tell_flow(self) -> None:
        """What rests and who takes, for the screens."""
        flow, settings = self._mind.memory.flow, self._settings.order_flow
        heatmap_due_ns = 0
        while True:
            await asyncio.sleep(settings.publish_ms / 1_000)
            tick = self._mind.memory.tick
            if tick is None or self.tick_payload is None:
                continue
            message = flow_message(flow, flow.scores(tick), tick.exchange_ns)
            self._reporter.send(TelemetryKind.FLOW, msgspec.to_builtins(message))
            flow.heatmap.on_tick(self._whole(self.tick_payload))
            heatmap = heatmap_message(flow, tick.exchange_ns)
            now_ns = self._mono_ns()
            if heatmap is not None and now_ns >= heatmap_due_ns:
                heatmap_due_ns = now_ns + settings.heatmap_publish_ms * NS_PER_MS
                self._reporter.send(TelemetryKind.HEATMAP, msgspec.to_builtins(heatmap))
            for complaint in flow.complaints():
                self._reporter.log("warning", complaint)

    async def tell_structure(self) -> None:
        """What the candles say, for charts: whenever a bar has changed it, and now and then for who missed it."""
        memory = self._mind.memory
        told: tuple[tuple[PriceActionView, str], ...] = ()
        due_ns = 0
        while True:
            await asyncio.sleep(_STRUCTURE_LOOK_S)
            if memory.tick is None:
                continue
            now_ns = self._mono_ns()
            known = tuple((frame.view, why_unknown(frame)) for frame in memory.frames.values())
            if now_ns < due_ns and (memory.behind or same_structure(known, told)):  # no picture of each piece read
                continue
            told, due_ns = known, now_ns + _STRUCTURE_EVERY_NS
            message = structure_message(memory, self._mind.instrument, memory.tick.exchange_ns)
            self._reporter.send(TelemetryKind.STRUCTURE, msgspec.to_builtins(message))

    async def keep_day(self, path: Path) -> None:
        """What the brain knows of the day outlives it."""
        said = ""
        while True:
            await asyncio.sleep(0.5)
            state = self._mind.day.state()
            if state == self._kept:
                continue
            try:
                await asyncio.to_thread(self._write, path, state)
            except OSError as error:
                if said != str(error):
                    said = str(error)
                    self._reporter.log("warning", f"{path}: {error.strerror}; after a restart the day is unknown")
                continue
            self._kept, said = state, ""

    def save_day(self, path: Path) -> None:
        """What has changed since then, at the end."""
        state = self._mind.day.state()
        if state != self._kept:
            with contextlib.suppress(OSError):  # it was said when it could not be written before
                self._write(path, state)

    def _write(self, path: Path, state: dict[str, Any]) -> None:
        """A write that was begun before the end may still be going on, in its thread. Raises: OSError."""
        with self._writing:
            write_whole(path, json.dumps(state).encode())

    async def keep_warm(self) -> None:
        """Keep the order path in the caches, and the garbage collector out of the hot path."""
        mind = self._mind
        while mind.memory.tick is None:
            await asyncio.sleep(_WARM_EVERY_S)
        await asyncio.sleep(1.0)
        gc.collect()
        gc.freeze()
        gc.disable()
        since_ns = self._mono_ns()
        while True:
            await asyncio.sleep(_WARM_EVERY_S)
            now_ns = self._mono_ns()
            tick, order = mind.rehearse(now_ns)
            self._link.warm(order)
            if now_ns - since_ns > _GC_EVERY_NS and now_ns - tick.received_mono_ns > _QUIET_NS:
                since_ns = now_ns
                gc.collect()
