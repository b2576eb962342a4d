"""The rig: exchange, engine, brain (or a stand-in) and ops as real processes in a home of their own.

Everything is gone afterwards, whatever happened. Times are monotonic ns, the same clock in all processes.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas import haltfile
from schemas.clock import SystemClock
from schemas.haltfile import StandingHalt
from schemas.settings import Home
from sovereign_tui.cockpit.kill import BOUNCE_NS, KillSwitch
from sovereign_tui.cockpit.view import Kill, KillPhase
from sovereign_tui.ops import client
from sovereign_tui.ops.pidfile import PidFile, holder
from tests.drill.ops import MODULE
from tests.support.system import System, system, until
from tests.support.venue import INSTRUMENT, VenueClient, faults

ROOT: Final = Path(__file__).parents[2]
OURS: Final = "rig"
"""How the client ids begin of what the rig itself places at the venue."""
STAND_IN: Final = "tests.drill.brain"
PATHS: Final = ("key", "control", "signal", "file", "command")
_BATCH: Final = 20
_PLACED_A_WINDOW: Final = 280
_WINDOW_S: Final = 2.05
_COMMAND_S: Final = 15.0
_LOOK_S: Final = 0.05
_FLUSHED_S: Final = 0.25
_LAST_LINES: Final = 12


@dataclass(slots=True)
class Rig:
    """One home. `ops` is the child of this process; the others are its children, and outlive it."""

    system: System
    home: Home
    ops: subprocess.Popen[bytes] | None = None
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _switch: KillSwitch | None = None
    _pressed_ns: int = 0
    _placed: list[float] = field(default_factory=list)

    # processes

    def start_ops(self) -> None:
        """Start ops; it starts what does not run, and adopts what does."""
        with (self.home.logs / "ops.log").open("ab") as log:
            self.ops = subprocess.Popen(
                [sys.executable, "-m", "tests.drill.ops"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.system.environment | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
            )  # fmt: skip

    def pid(self, name: str) -> int | None:
        """The living process of that name."""
        if name == "ops":
            return holder(self.home.runtime / "ops.lock")
        return PidFile(self.home.runtime / f"{name}.pid").living()

    def signal(self, name: str, number: int) -> int:
        """Send a signal; returns the time just before."""
        pid = self.pid(name)
        assert pid is not None, f"{name} does not run"
        now_ns = time.monotonic_ns()
        os.kill(pid, number)
        if name == "ops" and number == signal.SIGKILL and self.ops is not None:
            self.ops.wait()
        return now_ns

    # ops

    def ask(self, **command: Any) -> dict[str, Any]:
        """One command over the control socket. Raises: client.OpsError."""
        return client.request_blocking(self.home, {"issuer": "drill", **command}, _COMMAND_S)

    def status(self) -> dict[str, Any]:
        """What ops knows; empty while it does not answer."""
        try:
            return self.ask(cmd="status")
        except client.OpsError:
            return {}

    def await_state(self, state: str, *, limit_s: float = 40.0) -> dict[str, Any]:
        """The status as soon as trading is in this state, and the system up."""
        status: dict[str, Any] = {}

        def reached() -> bool:
            status.clear()
            status.update(self.status())
            return status.get("state") == state and not status["waiting_for"]

        try:
            until(f"trading is {state}", reached, limit_s=limit_s)
        except AssertionError as error:
            told = {key: status.get(key) for key in ("state", "causes", "waiting_for", "halt_id")}
            raise AssertionError(f"{error}: {told}\n{self.logs()}") from None
        return status

    def resume(self) -> None:
        """Lift whatever halt stands, and wait until trading may begin."""

        def lifted() -> bool:
            try:
                return bool(self.ask(cmd="resume", halt_id=self.latched())["ok"])
            except client.OpsError:
                return False

        until("the halt is lifted", lifted, limit_s=40)
        self.await_state("ACTIVE")

    @staticmethod
    def now_ns() -> int:
        """Monotonic."""
        return time.monotonic_ns()

    @staticmethod
    def settle() -> None:
        """The blackboxes write what they hold every 40 ms, later where processors are short."""
        time.sleep(_FLUSHED_S)

    def logs(self) -> str:
        """The last lines of everybody's stderr."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-_LAST_LINES:])
            for path in sorted(self.home.logs.glob("*.log"))
        )

    # halting, by each way that there is

    def halt(self, path: str) -> tuple[int, str]:
        """Ask for a HALT, and wait until it is latched; returns when it was asked for, and the latched halt's id."""
        began_ns = self.ask_halt(path)
        until(f"a halt by {path} is latched", self.latched, limit_s=20)
        return began_ns, self.latched()

    def ask_halt(self, path: str) -> int:
        """Ask for it; returns when. Raises: client.OpsError, by the control socket."""
        ask = {
            "key": self._halt_by_key, "control": self._halt_by_control, "signal": self._halt_by_signal,
            "file": self._halt_by_file, "command": self._halt_by_command,
        }[path]  # fmt: skip
        return ask()

    def latched(self) -> str:
        """The id of the halt that is on disk; empty: none, or it is being written."""
        try:
            found = json.loads((self.home.data / "halt.json").read_text())
        except (FileNotFoundError, ValueError):
            return ""
        return str(found["id"]) if found["halted"] else ""

    def _halt_by_key(self) -> int:
        """As the cockpit does it, with its own thread. Raises: client.OpsError."""
        switch = self._switch = self._switch or KillSwitch(self.home, SystemClock(), "drill")
        until("a press is no bounce", lambda: time.monotonic_ns() - self._pressed_ns > 2 * BOUNCE_NS)
        began_ns = self._pressed_ns = time.monotonic_ns()
        switch.press()

        def ended() -> Kill | None:
            return next((kill for kill in switch.take_news() if kill.phase is not KillPhase.ASKING), None)

        if (kill := until("the key is answered", ended, limit_s=_COMMAND_S)).phase is KillPhase.FAILED:
            raise client.OpsRefused(kill.problem)
        return began_ns

    def _halt_by_control(self) -> int:
        began_ns = time.monotonic_ns()
        self.ask(cmd="halt", reason="drill")
        return began_ns

    def _halt_by_signal(self) -> int:
        return self.signal("engine", signal.SIGUSR1)

    def _halt_by_file(self) -> int:
        began_ns = time.monotonic_ns()
        haltfile.write(self.home.runtime, StandingHalt(id=haltfile.new_id(), issuer="drill", reason="drill"))
        return began_ns

    def _halt_by_command(self) -> int:
        began_ns = time.monotonic_ns()
        self.system.run("halt", "--json", "--reason", "drill")
        return began_ns

    # the venue

    @property
    def venue(self) -> VenueClient:
        """A client of our own."""
        return VenueClient(self.home.runtime)

    def faults(self, *armed: dict[str, Any]) -> None:
        """Arm faults at the exchange; without any, clear all."""
        faults(self.venue.rest_url, *armed)

    def rest(self, count: int) -> None:
        """So many limit orders of ours far under the market, as fast as the venue's limit of placing allows."""
        there, left = self.venue, count
        while left:
            now = time.monotonic()
            self._placed = [at for at in self._placed if now - at < _WINDOW_S]
            some = min(_BATCH, left)
            if len(self._placed) + some > _PLACED_A_WINDOW:
                time.sleep(self._placed[0] + _WINDOW_S - now)
                continue
            rows = [
                {
                    "instId": INSTRUMENT, "tdMode": "isolated", "side": "buy", "ordType": "limit", "sz": "0.01",
                    "px": "30000", "clOrdId": f"{OURS}{next(self._names)}",
                }
                for _ in range(some)
            ]  # fmt: skip
            answer = there.call("POST", "/api/v5/trade/batch-orders", rows)
            assert answer["code"] == "0", answer
            self._placed += [time.monotonic()] * some
            left -= some

    def hold(self, contracts: str = "0.1") -> None:
        """A position of ours with a stop at the venue, which the engine knows of."""
        body = {
            "instId": INSTRUMENT, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": contracts,
            "attachAlgoOrds": [{"slTriggerPx": "30000", "slOrdPx": "-1"}],
        }  # fmt: skip
        answer = self.venue.call("POST", "/api/v5/trade/order", body)
        assert answer["code"] == "0", answer
        until("the engine knows the position", lambda: self.status().get("positions"), limit_s=10)

    def close(self) -> None:
        """Close what is held, cancel its stops, and wait until the engine knows."""
        there = self.venue
        there.call("POST", "/api/v5/trade/close-position", {"instId": INSTRUMENT, "mgnMode": "isolated"})
        stops = there.call("GET", "/api/v5/trade/orders-algo-pending?ordType=conditional")["data"]
        if stops:
            body = [{"instId": INSTRUMENT, "algoId": stop["algoId"]} for stop in stops]
            there.call("POST", "/api/v5/trade/cancel-algos", body)
        until("the engine knows that it is flat", lambda: self.status().get("positions") == [], limit_s=10)

    def await_cause(self, name: str) -> None:
        """Wait until trading is held back by this."""
        until(
            f"the cause {name}", lambda: name in [cause["name"] for cause in self.status().get("causes") or ()],
            limit_s=10,
        )  # fmt: skip

    def await_flat(self, limit_s: float) -> bool:
        """Whether nothing is held within this time."""
        end = time.monotonic() + limit_s
        while self.status().get("positions") != []:
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK_S)
        return True

    def cleared(self) -> None:
        """Wait until the venue says that nothing rests."""
        there = self.venue
        until("the venue has no resting order", lambda: not there.pending(), limit_s=30)


@contextlib.contextmanager
def rig(
    *, brain: str = "", start: bool = True, variables: dict[str, str] | None = None, **settings: str
) -> Iterator[Rig]:
    """A rig that is up and ACTIVE; `settings`: SECTION__KEY.

    `brain`: the mode of a stand-in, or a module to start in the brain's place; "" for the real one.
    """
    with system(**settings) as here:
        here.environment |= variables or {}
        if brain:
            here.environment[MODULE] = brain if "." in brain else f"{STAND_IN} {brain}"
        home = Home.from_environment({"SOVEREIGN_HOME": str(here.home)})
        home.prepare()
        made = Rig(system=here, home=home)
        if start:
            made.start_ops()
            made.await_state("ACTIVE")
        try:
            yield made
        finally:
            here.kill_all()
            if made.ops is not None:
                made.ops.wait()
