"""The hub on real sockets, with fake processes that push and a fake cockpit that listens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
import pytest

from schemas import codec
from schemas.channels import Keyring, Wire
from schemas.clock import SystemClock
from schemas.messages import Decision, Flow, Heatmap, LogLine, Signal, SignalKind, Telemetry, TelemetryKind
from schemas.process import StartError
from schemas.settings import Home, Settings
from schemas.topology import OPS_FLOW, OPS_HEATMAP, OPS_LOG, OPS_METRICS, SIGNAL, STATE_DECISION
from sovereign_tui.ops.hub import Hub
from sovereign_tui.ops.telemetry import Intake, Listeners
from tests.sovereign_tui.ops.support import environment, settings_of

DECISION = Decision(
    sequence=7, timestamp_ns=1, instrument="BTC-USDT-SWAP", tick_sequence=3, tick_received_ns=2, frames=(),
    direction=0, why_not="COOLDOWN", why_not_text="12 s left", intent_id="", contracts=None, price=64_000.0,
    features={"trend_5m": 0.1},
)  # fmt: skip


HEATMAP = Heatmap(
    timestamp_ns=1, instrument="BTC-USDT-SWAP", provider="book", bucket=0.5, first_price=63_999.5, rows=1,
    column_ns=(5, 6), peak_contracts=4.0, cells=b"\x00\xff",
)  # fmt: skip
FLOW = Flow(timestamp_ns=1, instrument="BTC-USDT-SWAP", frame="1m", counters={}, imbalance=0.25)


@dataclass(slots=True, kw_only=True)
class Bench:
    """A hub, and what a cockpit heard of it."""

    hub: Hub
    intake: Intake
    wire: Wire
    settings: Settings
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        self.heard.append((topic, bytes(payload)))
        self.arrived.set()

    def of(self, topic: str) -> list[bytes]:
        return [payload for name, payload in self.heard if name == topic]

    def signals(self) -> list[Signal]:
        return [codec.decode_signal(payload) for payload in self.of(SIGNAL)]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def bench(home: Home) -> AsyncIterator[Bench]:
    settings = settings_of(environment(home))
    keys, clock = Keyring.load_or_create(home.keys), SystemClock()
    ours = Wire(process="ops", keys=keys, clock=clock)
    theirs = Wire(process="cockpit", keys=keys, clock=clock)
    try:
        intake = Intake(clock)
        hub = Hub(wire=ours, settings=settings, clock=clock, intake=intake)
        made = Bench(hub=hub, intake=intake, wire=theirs, settings=settings)
        intake.listeners = Listeners(
            on_pulse=lambda process, pid: None,
            on_log=hub.log,
            on_decision=hub.decision,
            on_halt_ack=lambda ack: None,
            on_signal_ack=lambda ack, process: None,
            on_heatmap=hub.heatmap,
            on_flow=hub.flow,
            on_structure=hub.structure,
        )
        yield made
    finally:
        theirs.close()
        ours.close()


def looped(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a loop of its own."""

    @wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        asyncio.run(test(*args, **fixtures))

    return run


def telemetry(kind: TelemetryKind, process: str, data: dict[str, object]) -> bytes:
    message = Telemetry(kind=kind, process=process, pid=1, sequence=1, timestamp_ns=5, mono_ns=6, data=data)
    return codec.encode_telemetry(message)


@looped
async def test_what_is_pushed_as_json_comes_out_as_protobuf_and_nonsense_is_counted(home: Home) -> None:
    async with bench(home) as it:
        it.wire.subscriber(it.settings.wire.signal, ["state.", "ops."], it.hear)
        pusher = it.wire.pusher(it.settings.wire.telemetry)
        pusher.push(b"\xffnot json")
        pusher.push(telemetry(TelemetryKind.DECISION, "brain", {"sequence": "seven"}))
        pusher.push(telemetry(TelemetryKind.DECISION, "brain", msgspec.to_builtins(DECISION)))
        pusher.push(telemetry(TelemetryKind.LOG, "engine", {"level": "warning", "text": "mind the gap"}))
        wanted = LogLine(timestamp_ns=5, process="engine", level="warning", text="mind the gap")
        await it.until(lambda: wanted in [codec.decode_log(payload) for payload in it.of(OPS_LOG)])
        assert [codec.decode_decision(payload) for payload in it.of(STATE_DECISION)] == [DECISION]
        assert (it.intake.counters["telemetry"], it.intake.counters["telemetry_malformed"]) == (4, 2)


@looped
async def test_heatmap_and_flow_of_the_brain_reach_who_comes_late_and_only_the_newest(home: Home) -> None:
    async with bench(home) as it:
        pusher = it.wire.pusher(it.settings.wire.telemetry)
        for stamp in (1, 2):
            for kind, value in ((TelemetryKind.HEATMAP, HEATMAP), (TelemetryKind.FLOW, FLOW)):
                newer = msgspec.structs.replace(value, timestamp_ns=stamp)
                pusher.push(telemetry(kind, "brain", msgspec.to_builtins(newer)))
        async with asyncio.timeout(10):
            while it.intake.counters["telemetry"] < 4:
                await asyncio.sleep(0.01)
        it.wire.subscriber(it.settings.wire.signal, ["ops."], it.hear)
        await it.until(lambda: bool(it.of(OPS_HEATMAP) and it.of(OPS_FLOW)))
        assert [codec.decode_heatmap(each) for each in it.of(OPS_HEATMAP)] == [
            msgspec.structs.replace(HEATMAP, timestamp_ns=2)
        ]
        assert [codec.decode_flow(each) for each in it.of(OPS_FLOW)] == [msgspec.structs.replace(FLOW, timestamp_ns=2)]


@looped
async def test_a_late_joiner_gets_a_heartbeat_and_never_an_old_resume(home: Home) -> None:
    async with bench(home) as it:
        it.hub.signal(SignalKind.SYSTEM_RESUME, issuer="op", reason="", target="abc")
        it.wire.subscriber(it.settings.wire.signal, [SIGNAL], it.hear)
        await it.until(lambda: bool(it.heard))
        it.hub.signal(SignalKind.SHUTDOWN, issuer="op", reason="", target="engine")
        await it.until(lambda: len(it.heard) == 3)
        kinds = [signal.kind for signal in it.signals()]
        assert kinds == [SignalKind.OPS_HEARTBEAT, SignalKind.SHUTDOWN, SignalKind.OPS_HEARTBEAT]


@looped
async def test_a_late_joiner_gets_the_halt_that_nobody_has_answered(home: Home) -> None:
    async with bench(home) as it:
        asked = it.hub.signal(SignalKind.SYSTEM_HALT, issuer="op@pts/2", reason="smoke")
        it.wire.subscriber(it.settings.wire.signal, [SIGNAL], it.hear)
        await it.until(lambda: bool(it.heard))
        found = it.signals()[0]
        assert (found.kind, found.id, found.issuer, found.reason) == (
            SignalKind.SYSTEM_HALT, asked, "op@pts/2", "smoke",
        )  # fmt: skip


@looped
async def test_signals_are_numbered_and_stamped_anew_at_each_repetition(home: Home) -> None:
    async with bench(home) as it:
        it.wire.subscriber(it.settings.wire.signal, [SIGNAL], it.hear)
        it.hub.heartbeat()
        await it.until(lambda: bool(it.heard))
        for _ in range(3):
            it.hub.signal(SignalKind.SYSTEM_HALT, issuer="op", reason="", id_="abcd1234")
        await it.until(lambda: len(it.heard) == 4)
        found = it.signals()
        assert [signal.sequence for signal in found] == [1, 2, 3, 4]
        stamps = [signal.timestamp_ns for signal in found]
        assert stamps == sorted(stamps)
        assert {signal.id for signal in found[1:]} == {"abcd1234"}


@looped
async def test_a_stranger_hears_nothing_and_is_counted(home: Home) -> None:
    async with bench(home) as it:
        strange = Home.from_environment({"SOVEREIGN_HOME": str(home.runtime.parent / "other")})
        strange.prepare()
        wire = Wire(process="spy", keys=Keyring.load_or_create(strange.keys), clock=SystemClock())
        try:
            overheard: list[str] = []
            wire.subscriber(it.settings.wire.signal, [""], lambda topic, *_: overheard.append(topic))
            async with asyncio.timeout(10):
                while not it.hub.refused_peers:
                    it.hub.metrics({"ops.x": 1.0})
                    await asyncio.sleep(0.01)
            assert overheard == []
        finally:
            wire.close()


@looped
async def test_the_latest_metrics_reach_who_comes_late(home: Home) -> None:
    async with bench(home) as it:
        it.hub.metrics({"engine.ticks": 1.0})
        it.hub.metrics({"engine.ticks": 2.0})
        it.wire.subscriber(it.settings.wire.signal, [OPS_METRICS], it.hear)
        await it.until(lambda: bool(it.heard))
        assert [codec.decode_metrics(payload).values for payload in it.of(OPS_METRICS)] == [{"engine.ticks": 2.0}]


@pytest.mark.parametrize("channel", ["telemetry", "signal"])
@looped
async def test_a_taken_port_is_named_with_the_setting_that_mends_it(home: Home, channel: str) -> None:
    settings = settings_of(environment(home))
    port: int = getattr(settings.wire, f"{channel}_port")
    wire = Wire(process="ops", keys=None, clock=SystemClock())
    try:
        with socket.create_server(("127.0.0.1", port)), pytest.raises(StartError) as caught:
            Hub(wire=wire, settings=settings, clock=SystemClock(), intake=Intake(SystemClock()))
        assert caught.value.code == 78
        assert f"port {port}" in str(caught.value)
        assert f"wire.{channel}_port" in str(caught.value)
    finally:
        wire.close()
