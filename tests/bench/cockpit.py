"""The cockpit at 120x40 in front of a busy system: what it costs, writes, and how late it is, each beside its target.

The system is a stand-in (tests.bench.cockpit_stage): 10,000 ticks a second with CURVE, and the states at their rates.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from tests.bench.cockpit_screen import Screen, price_on
from tests.bench.cockpit_stage import age_ms
from tests.bench.figures import NotMeasured
from tests.bench.system import free_ports
from tests.support.system import system

RATE: Final = 10_000
SECONDS: Final = max(10.0, float(os.environ.get("BENCH_SECONDS", "10")))
KEYS: Final = 200
KILLS: Final = 110
LINK_BYTES_PER_S: Final = 20_000
LINK_DELAY_S: Final = 0.040
"""One way: 80 ms there and back."""
_ATTACH: Final = [sys.executable, "-m", "sovereign_tui", "tui", "--attach"]
_SETTLE_S: Final = 4.0
_BARE: Final = """
import os, socket, time, tty
from schemas import haltfile
from schemas.settings import Home
home = Home.from_environment()
tty.setraw(0)
while os.read(0, 1):
    halt = haltfile.StandingHalt(id=haltfile.new_id(), issuer="floor", reason="")
    haltfile.write(home.runtime, halt, time.monotonic_ns())
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(str(home.control_socket))
        channel.sendall(b'{"cmd": "halt"}\\n')
        channel.recv(65_536)
"""
_COCKPITS: Final = 10
_KILL_EVERY_S: Final = 0.33
"""A press within 0.3 s of the last one is the same press."""
_PORTS = ("MARKET_PORT", "COMMAND_PORT", "TELEMETRY_PORT", "SIGNAL_PORT")


class Scene:
    """A home with the stand-in in it."""

    def __init__(self, home: Path, rate: int) -> None:
        self.home = home
        ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        foreign = ("SOVEREIGN_", "COLUMNS", "LINES")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "SOVEREIGN_HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor",
            **{f"SOVEREIGN_WIRE__{name}": str(port) for name, port in ports.items()},
        }  # fmt: skip
        self.halts: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.cockpit_stage", str(rate)], env=self.environment,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        if json.loads(self._process.stdout.readline() or "null") != "ready":
            raise NotMeasured(f"the stand-in system ended with {self._process.wait(5)} before it was ready")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.halts.append(json.loads(line)[1])

    def close(self) -> None:
        """Nothing of it is left."""
        self._process.kill()
        self._process.wait()
        self._thread.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @contextlib.contextmanager
    def screen(self, *arguments: str, command: list[str] | None = None, **options: Any) -> Iterator[Screen]:
        """A cockpit that has settled, unless `settled` is False."""
        settled = options.pop("settled", True)
        screen = Screen((command or _ATTACH) + list(arguments), self.environment, **options)
        try:
            if settled:
                time.sleep(_SETTLE_S)
                if screen.process.poll() is not None:
                    raise NotMeasured(f"the cockpit ended with {screen.process.returncode}; see {self.home}")
            yield screen
        finally:
            screen.close()


@contextlib.contextmanager
def scene(rate: int = RATE) -> Iterator[Scene]:
    """The stand-in system, as long as it is needed."""
    home = Path(tempfile.mkdtemp(prefix="sv-"))
    there = Scene(home, rate)
    try:
        yield there
    finally:
        there.close()
        shutil.rmtree(home, ignore_errors=True)


class Told:
    """The figures, printed as they come, each beside its target."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        print(f"\nthe cockpit, 120x40, {RATE:,} ticks/s\n  {'':<58}{'measured':>12}{'target':>12}")

    def add(self, name: str, label: str, value: float, unit: str, target: float | None = None, note: str = "") -> None:
        """One line."""
        self.kept[name] = value
        wanted = f"<= {target:g} {unit}" if target is not None else ""
        print(f"  {label:<58}{f'{value:,.1f} {unit}':>12}{wanted:>14}{f'  {note}' if note else ''}", flush=True)


def quantile(values: list[float], share: float) -> float:
    """Raises: NotMeasured, of nothing."""
    if not values:
        raise NotMeasured("the cockpit: not one value")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def cockpit_cost() -> dict[str, Any]:
    """All of it. Raises: NotMeasured."""
    told = Told()
    with scene() as there:
        _start(there, told)
        _running(there, told, "fast", ())
        _keys(there, told)
        _running(there, told, "slow", ("--link", "slow"))
        _behind_a_link(there, told)
        _kills(there, told)
    with scene(rate=1) as there:
        _running(there, told, "idle", ())
    _ten(told)
    return told.kept


def _ten(told: Told) -> None:
    """What ten cockpits cost the engine of a real system: its processor time, without and with them."""
    with system(EXCHANGE__FRAMES_PER_S="1000") as here:
        here.up()
        engine = psutil.Process(here.process("engine")["pid"])
        time.sleep(_SETTLE_S)
        alone = _engine_cpu(engine)
        with contextlib.ExitStack() as stack:
            for _ in range(_COCKPITS):
                stack.callback(Screen(_ATTACH, here.environment).close)
            time.sleep(_SETTLE_S + _COCKPITS)
            watched = _engine_cpu(engine)
        again = _engine_cpu(engine)
    before = (alone + again) / 2
    told.add("engine_alone_cpu_pct", "engine at 1,000 frames/s: CPU without a cockpit", before, "%")
    told.add("engine_ten_cpu_pct", "  with ten cockpits", watched, "%", None, f"{watched / before:.2f} x")


def _engine_cpu(engine: psutil.Process) -> float:
    began, before = time.monotonic(), engine.cpu_times()
    time.sleep(SECONDS)
    after = engine.cpu_times()
    return 100 * (after.user + after.system - before.user - before.system) / (time.monotonic() - began)


def _start(there: Scene, told: Told) -> None:
    """From the command to a whole screen: a price in the header, and the last line."""
    taken = []
    for _ in range(3):
        with there.screen(shows=True, settled=False) as screen:
            deadline = time.monotonic() + 20
            while price_on(screen) is None or "^K HALT" not in screen.line(39):
                if time.monotonic() > deadline:
                    raise NotMeasured(f"the cockpit: no whole screen within 20 s\n{screen.text()}")
                time.sleep(0.005)
            taken.append(time.monotonic() - screen.started)
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import textual.app, typer, zmq, pydantic, schemas.settings"], check=True,
        env=there.environment,
    )  # fmt: skip
    floor = time.monotonic() - began
    told.add("start_s", "start: command to whole screen", median(taken), "s", 1.0, f"floor, imports alone: {floor:.2f}")


def _running(there: Scene, told: Told, name: str, arguments: tuple[str, ...]) -> None:
    """CPU, bytes and frames while nobody touches it."""
    with there.screen(*arguments) as screen:
        began, cpu, sent, frames = time.monotonic(), screen.cpu_s(), screen.bytes, screen.frames
        time.sleep(SECONDS)
        past = time.monotonic() - began
        cpu_pct, rate = 100 * (screen.cpu_s() - cpu) / past, (screen.bytes - sent) / past / 1_000
        told.add(f"{name}_cpu_pct", f"{name}: CPU of both processes", cpu_pct, "%", 10 if name == "fast" else None)
        told.add(f"{name}_kb_per_s", f"{name}: written", rate, "kB/s", {"fast": 90.0, "slow": 16.0}.get(name))
        told.add(f"{name}_fps", f"{name}: frames", (screen.frames - frames) / past, "/s")


def _keys(there: Scene, told: Told) -> None:
    """From the byte in the terminal to the handler in the app."""
    notes = there.home / "pressed"
    notes.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.bench.cockpit_noted", str(notes)]
    pause = random.Random(7)
    with there.screen(command=command) as screen:
        pressed = []
        for _ in range(KEYS):
            pressed.append(screen.type(b"\t"))
            time.sleep(pause.uniform(0.03, 0.09))
        time.sleep(0.3)
    handled = [int(line) for line in notes.read_text().split()]
    if len(handled) != KEYS:
        raise NotMeasured(f"the cockpit handled {len(handled)} of {KEYS} keys")
    taken = [(after - before) / 1e6 for before, after in zip(pressed, handled, strict=True)]
    told.add("key_p50_ms", "key to handler, p50", quantile(taken, 0.5), "ms")
    told.add("key_p99_ms", "key to handler, p99", quantile(taken, 0.99), "ms", 10)


def _behind_a_link(there: Scene, told: Told) -> None:
    """How old is the price on the screen, looked at every 20 ms, and when a new one appears."""
    options: dict[str, Any] = {"bytes_per_s": LINK_BYTES_PER_S, "delay_s": LINK_DELAY_S, "shows": True}
    with there.screen(**options) as screen:
        time.sleep(_SETTLE_S)
        looked, fresh, last = [], [], None
        sent, end = screen.bytes, time.monotonic() + SECONDS
        while time.monotonic() < end:
            price = price_on(screen)
            if price is not None:
                looked.append(age_ms(price, time.monotonic_ns()))
                if price != last:
                    fresh.append(looked[-1])
                last = price
            time.sleep(0.02)
        told.add("link_kb_per_s", "link 20 kB/s, 80 ms: written", (screen.bytes - sent) / SECONDS / 1_000, "kB/s")
        told.add("link_fresh_p50_ms", "  age when it appears, p50", quantile(fresh, 0.5), "ms")
        told.add("link_age_p50_ms", "  age of what is shown, p50", quantile(looked, 0.5), "ms")
        told.add("link_age_p99_ms", "  age of what is shown, p99", quantile(looked, 0.99), "ms", 300)


def _kills(there: Scene, told: Told) -> None:
    """Nobody reads the terminal, and the key is pressed: when ops has it. The halt file is written before that."""
    bare = _pressed(there, KILLS, 0.1, command=[sys.executable, "-c", _BARE])
    taken = _pressed(there, KILLS, _KILL_EVERY_S)
    floor = f"floor, a bare program: {quantile(bare, 0.5):.1f}, {quantile(bare, 0.99):.1f}, {max(bare):.1f}"
    told.add("kill_p50_ms", "kill key, output blocked: halt file and ops, p50", quantile(taken, 0.5), "ms", None, floor)
    told.add("kill_p99_ms", "  p99", quantile(taken, 0.99), "ms", 5)
    told.add("kill_max_ms", "  max", max(taken), "ms")
    told.kept["kill_floor_p99_ms"] = quantile(bare, 0.99)


def _pressed(there: Scene, count: int, every_s: float, **options: Any) -> list[float]:
    """Ms from each press to the control socket."""
    with there.screen(**options) as screen:
        screen.blocked.set()
        time.sleep(1.0)
        there.halts.clear()
        pressed = []
        for _ in range(count):
            pressed.append(screen.type(b"\x0b"))
            time.sleep(every_s)
        time.sleep(0.5)
        if len(there.halts) != count:
            raise NotMeasured(f"{len(there.halts)} of {count} presses of the kill key came to ops")
        return [(after - before) / 1e6 for before, after in zip(pressed, there.halts, strict=True)]
