"""Small real processes in place of exchange, engine and brain: `python -m tests.sovereign_tui.ops.standin NAME`.

STANDIN_<NAME> in the environment changes one: "78" ends at once with that code and a line, "once"
does so the first time alone, "crash" with code 1,
"deaf" ignores SIGTERM, "mute" sends no heartbeat, "silent" answers no REST.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from schemas import codec, receipts
from schemas.messages import Cause, EngineState, Receipt, Signal, SignalKind, TelemetryKind, TradingState
from schemas.process import Runtime, run_process
from schemas.settings import Settings
from schemas.topology import SIGNAL, STATE_ENGINE, shown_tick, tick
from sovereign_tui.ops import app
from sovereign_tui.ops.plan import Command, Venue, base_environment, module

MODULE = "tests.sovereign_tui.ops.standin"


class StandinPlan:
    """What ops starts in tests."""

    def exchange(self, settings: Settings, venue: Venue) -> Command:
        secrets = {"S_KEY": venue.api_key, "S_PORT": str(venue.port)}
        return Command(argv=module(MODULE, "exchange"), environment=base_environment() | secrets)

    def engine(self, venue: Venue) -> Command:
        return Command(
            argv=module(MODULE, "engine"), environment=base_environment() | {"SOVEREIGN_API_KEY": venue.api_key}
        )

    def brain(self) -> Command:
        return Command(argv=module(MODULE, "brain"), environment=base_environment())


def misbehave(name: str) -> str:
    kind = os.environ.get(f"STANDIN_{name.upper()}", "")
    if kind == "once":
        mark = Path(os.environ["SOVEREIGN_HOME"]) / f"{name}.once"
        kind = "" if mark.exists() else "78"
        mark.touch()
    if kind == "78":
        sys.stderr.write("first line\nsovereign: the limit is missing; set it\n")
        sys.exit(78)
    if kind == "crash":
        sys.stderr.write("it went wrong\n")
        sys.exit(1)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return kind


def exchange() -> None:
    kind = misbehave("exchange")
    port = os.environ["S_PORT"]
    line = {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}"}
    sys.stdout.write(json.dumps(line | {"apiKey": os.environ["S_KEY"], "secret": "s", "password": "p"}) + "\n")
    sys.stdout.flush()
    if kind == "silent":
        time.sleep(3_600)
    http.server.HTTPServer(("127.0.0.1", int(port)), Answers).serve_forever()


class Answers(http.server.BaseHTTPRequestHandler):
    """REST, as far as a heartbeat needs it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *said: object) -> None:
        pass


class Engine:
    """Latches in memory, confirms at once, publishes a tick and its state ten times a second."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.halt_id: str | None = None
        found = runtime.home.runtime / "HALT"
        if found.exists():
            self.halt_id = json.loads(found.read_text())["id"]

    def on_signal(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        message = codec.decode_signal(payload)
        if message.kind is SignalKind.SYSTEM_HALT:
            self.halt_id = self.halt_id or message.id
            self.answer(message)
        elif message.kind is SignalKind.SYSTEM_RESUME:
            self.resume(message)
        elif message.kind is SignalKind.CONFIG_UPDATE:
            self.config(message)
        elif message.kind is SignalKind.REARM:
            self.acknowledge(message, ok=True, text="re-armed")

    def answer(self, message: Signal) -> None:
        """Keeps its receipts, as an engine does."""
        assert self.halt_id is not None
        now = self.runtime.clock.monotonic_ns()
        receipt = Receipt(
            id=self.halt_id, asked=message.id, requested_ns=message.mono_ns, received_ns=now, latched_ns=now,
            port_closed_ns=now, issuer=message.issuer, reason=message.reason, path="signal",
        )  # fmt: skip
        done = msgspec.structs.replace(
            receipt, venue_confirmed_ns=now, open_orders=0, verified=True, total_ms=(now - message.mono_ns) / 1e6
        )
        for said in (receipt, done):
            self.runtime.reporter.send(TelemetryKind.HALT_ACK, msgspec.to_builtins(said))
            receipts.keep(self.runtime.home.data / "receipts", said)

    def config(self, message: Signal) -> None:
        """Takes any limit but those of STANDIN_STUBBORN, and says what it has got."""
        ((key, value),) = message.changes.items()
        ok = key != os.environ.get("STANDIN_STUBBORN")
        self.acknowledge(message, ok=ok, text=f"{key} = {value} [{message.target}]" if ok else "not this one")

    def acknowledge(self, message: Signal, *, ok: bool, text: str) -> None:
        data = {"id": message.id, "kind": message.kind.name, "ok": ok, "text": text}
        self.runtime.reporter.send(TelemetryKind.SIGNAL_ACK, data)

    def resume(self, message: Signal) -> None:
        ok = message.target == self.halt_id
        if ok:
            self.halt_id = None
        self.acknowledge(message, ok=ok, text="lifted" if ok else "another stands")

    def state(self) -> EngineState:
        halted = self.halt_id is not None
        cause = Cause(name="operator_halt", since_ns=1, detail=str(self.halt_id), forces=TradingState.HALTED)
        return EngineState(
            timestamp_ns=self.runtime.clock.wall_ns(), state=TradingState.HALTED if halted else TradingState.ACTIVE,
            causes=(cause,) if halted else (), venue="sim", instrument="BTC-USDT-SWAP", halt_id=self.halt_id,
            authority_pct=100.0, brain_age_ms=None, ops_age_ms=None, feed_age_ms=1.0, last_tick_sequence=1,
            max_order_contracts=None, lot=None, minimum=None, contract_value=None, counters={"engine.ticks": 1},
        )  # fmt: skip


async def engine(runtime: Runtime) -> int:
    kind = misbehave("engine")
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: None)  # the HALT follows on the wire
    me = Engine(runtime)
    wire = runtime.settings.wire
    publisher = runtime.wire.publisher(wire.market)
    runtime.wire.subscriber(wire.signal, [SIGNAL], me.on_signal)
    encoder = codec.TickEncoder("BTC-USDT-SWAP")
    sequence = 0
    while not runtime.stopping.is_set():
        sequence += 1
        wall, mono = runtime.clock.wall_ns(), runtime.clock.monotonic_ns()
        payload = encoder.encode(
            sequence=sequence, exchange_ns=wall, received_ns=wall, published_ns=wall, received_mono_ns=mono,
            book_sequence=sequence, book_valid=True, bid_prices=[100.0], bid_sizes=[3.0], ask_prices=[101.0],
            ask_sizes=[1.0], last_price=100.5,
        )  # fmt: skip
        for topic in (tick("BTC-USDT-SWAP"), shown_tick("BTC-USDT-SWAP")):
            publisher.publish(topic, bytes(payload))
        publisher.publish(STATE_ENGINE, codec.encode_engine_state(me.state()))
        if kind != "mute":
            runtime.reporter.heartbeat(tick_sequence=sequence, decision_sequence=0, state="ACTIVE")
        await asyncio.sleep(0.05)
    return 0


async def brain(runtime: Runtime) -> int:
    misbehave("brain")

    def on_signal(topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        message = codec.decode_signal(payload)
        if message.kind is SignalKind.CONFIG_UPDATE:
            data = {"id": message.id, "kind": message.kind.name, "ok": True, "text": "takes it at its next start"}
            runtime.reporter.send(TelemetryKind.SIGNAL_ACK, data)

    runtime.wire.subscriber(runtime.settings.wire.signal, [SIGNAL], on_signal)
    while not runtime.stopping.is_set():
        runtime.reporter.heartbeat(tick_sequence=1, decision_sequence=1, state="DECIDING")
        await asyncio.sleep(0.05)
    return 0


if __name__ == "__main__":
    match sys.argv[1]:
        case "exchange":
            exchange()
        case "ops":
            sys.exit(run_process("ops", partial(app.run, commands=StandinPlan()), telemetry=False))
        case "engine":
            sys.exit(run_process("engine", engine))
        case "brain":
            sys.exit(run_process("brain", brain))
