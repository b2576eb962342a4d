"""The whole path in real processes: exchange frame -> engine -> market stream -> brain -> command channel -> reply."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop

from schemas import codec, topology
from schemas.channels import Keyring, Wire
from schemas.clock import NS_PER_S, SystemClock
from schemas.messages import RejectCode, Signal, SignalKind, TelemetryKind

_PROCESSES: Final = ("engine", "brain")
_STDERR: Final = "stderr"
_TURNS: Final = "-turns.json"
_READY_S: Final = 30.0
_SETTLE_S: Final = 3.0
_PORTS = ("MARKET_PORT", "COMMAND_PORT", "TELEMETRY_PORT", "SIGNAL_PORT")
_EAGER = {
    # a brain that wants to trade at every tick, and a gate that answers every order at once: no venue in the figure
    "SOVEREIGN_RISK__INSTRUMENTS": "[]",
    "SOVEREIGN_BRAIN__VOTES_NEEDED": "1",
    "SOVEREIGN_BRAIN__TREND_THRESHOLD_PCT": "0.0001",
    "SOVEREIGN_BRAIN__BOOK_THRESHOLD": "0.5001",
    "SOVEREIGN_BRAIN__FLOW_THRESHOLD": "0.5001",
    "SOVEREIGN_SIZING__COOLDOWN_S": "0",
    "SOVEREIGN_SIZING__REJECT_PAUSE_MS": "0",
}


@dataclass(slots=True)
class Measured:
    """What the processes said of themselves in one run."""

    metrics: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0
    logs: list[str] = field(default_factory=list)
    turns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of processes whose blackbox was switched, what tests.bench.switched wrote."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def measure(
    *, frames_per_s: int, seconds: float, blackbox: bool, curve: bool = True, switched: bool = False
) -> Measured:
    """Run exchange, engine and brain for a while; this process takes the place of ops.

    `switched`: the blackbox of engine and brain is off and on by turns.
    """
    with tempfile.TemporaryDirectory(prefix="sv-") as home:
        ports = free_ports(len(_PORTS))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SOVEREIGN_")},
            **_EAGER,
            "SOVEREIGN_HOME": home,
            "SOVEREIGN_BLACKBOX__ENABLED": "true" if blackbox else "false",
            "SOVEREIGN_WIRE__CURVE": "true" if curve else "false",
            **{f"SOVEREIGN_WIRE__{name}": str(port) for name, port in zip(_PORTS, ports, strict=True)},
        }
        children: list[subprocess.Popen[str]] = []
        programs = {name: [name] for name in _PROCESSES}
        if switched:
            programs = {name: ["tests.bench.switched", name, f"{home}/{name}{_TURNS}"] for name in _PROCESSES}
        try:
            measured = uvloop.run(_run(children, programs, environment, Path(home), ports, frames_per_s, seconds))
        finally:
            _end(children)
        if switched:
            measured.turns = {name: json.loads(Path(home, f"{name}{_TURNS}").read_text()) for name in _PROCESSES}
        return measured


def _end(children: list[subprocess.Popen[str]]) -> None:
    for child in reversed(children):
        child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


async def _run(
    children: list[subprocess.Popen[str]],
    programs: dict[str, list[str]],
    environment: dict[str, str],
    home: Path,
    ports: list[int],
    frames_per_s: int,
    seconds: float,
) -> Measured:
    measured = Measured()
    curve = environment["SOVEREIGN_WIRE__CURVE"] == "true"
    keys = Keyring.load_or_create(home / "keys") if curve else None
    wire = Wire(process=topology.OPS, keys=keys, clock=SystemClock())
    ready: set[str] = set()
    measuring = False
    seen: list[tuple[int, float]] = []

    def on_telemetry(payload: memoryview) -> None:
        message = codec.decode_telemetry(payload)
        ready.add(message.process)
        if message.kind is TelemetryKind.METRICS:
            measured.metrics.update(message.data)
            if measuring and "engine.frames" in message.data:
                seen.append((message.mono_ns, message.data["engine.frames"]))
        elif measuring and message.kind is TelemetryKind.LOG and message.data["level"] in {"warning", "error"}:
            measured.logs.append(f"{message.process}: {message.data['text']}")

    try:
        wire.puller(f"tcp://127.0.0.1:{ports[2]}", on_telemetry)
        publisher = wire.publisher(f"tcp://127.0.0.1:{ports[3]}")
        beat = asyncio.create_task(_heartbeats(publisher))
        venue = _exchange(children, environment, frames_per_s)
        with (home / _STDERR).open("w") as stderr:
            children.extend(
                subprocess.Popen([sys.executable, "-m", *program], env=environment | venue, stderr=stderr, text=True)
                for program in programs.values()
            )
        async with asyncio.timeout(_READY_S):
            while not ready >= set(_PROCESSES) or measured.metrics.get("engine.orders", 0) < 100:
                await asyncio.sleep(0.1)
        await asyncio.sleep(_SETTLE_S)
        measuring = True
        await asyncio.sleep(seconds)
        measuring = False
        (began_ns, frames), (ended_ns, more) = seen[0], seen[-1]
        measured.rate = (more - frames) * NS_PER_S / (ended_ns - began_ns)
        beat.cancel()
    except TimeoutError:
        said = (home / _STDERR).read_text()[-2_000:]
        raise ChildProcessError(f"no orders within {_READY_S:g} s; the processes said:\n{said}") from None
    finally:
        wire.close()
    measured.logs = [text for text in measured.logs if RejectCode.NOT_ALLOWED.value not in text]  # every order's answer
    return measured


def _exchange(children: list[subprocess.Popen[str]], environment: dict[str, str], frames_per_s: int) -> dict[str, str]:
    command = [sys.executable, "-m", "engine.exchange", "--port", "0", "--frames-per-s", str(frames_per_s)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    children.append(child)
    assert child.stdout is not None
    said: dict[str, Any] = json.loads(child.stdout.readline())
    return {
        "SOVEREIGN_VENUE__REST_URL": said["rest"],
        "SOVEREIGN_VENUE__WS_URL": said["ws"],
        "SOVEREIGN_API_KEY": said["apiKey"],
        "SOVEREIGN_SECRET": said["secret"],
        "SOVEREIGN_PASSPHRASE": said["password"],
    }


async def _heartbeats(publisher: Any) -> None:
    clock, number = SystemClock(), 0
    while True:
        number += 1
        signal_ = Signal(
            kind=SignalKind.OPS_HEARTBEAT, id=f"b{number}", issuer="bench", reason="", timestamp_ns=clock.wall_ns()
        )
        publisher.publish(topology.SIGNAL, codec.encode_signal(signal_))
        await asyncio.sleep(0.3)
