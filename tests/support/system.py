"""A whole system in real processes, in a home of its own, and all of it gone afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from schemas.settings import Home
from sovereign_tui.ops import client

_PORTS = ("MARKET_PORT", "COMMAND_PORT", "TELEMETRY_PORT", "SIGNAL_PORT")


def until(what: str, condition: Callable[[], Any], *, limit_s: float = 30.0) -> Any:
    """The first true value of `condition`; fails with `what` when it never comes true."""
    deadline = time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:g} s"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(12_000, 32_000)  # below those that the system gives to whoever asks
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found


def refuses(port: int) -> bool:
    """Is a connection to this port refused?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # somebody listened, and closed meanwhile


@dataclass(slots=True)
class System:
    """One home. `run` calls the command line as a second terminal would."""

    home: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, limit_s: float = 90.0) -> subprocess.CompletedProcess[str]:
        """One `sovereign` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "sovereign_tui", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=limit_s, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The JSON answer of a command that ends with `code`."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer

    def up(self) -> None:
        """Start, and insist."""
        done = self.run("up")
        assert done.returncode == 0, f"up: exit {done.returncode}\n{done.stdout}\n{done.stderr}"

    def status(self) -> dict[str, Any]:
        """What `sovereign status --json` says, without the half second that its process takes."""
        return client.request_blocking(Home.from_environment(self.environment), {"cmd": "status"}, 5.0)

    def process(self, name: str) -> dict[str, Any]:
        """One row of the processes."""
        return next(row for row in self.status()["processes"] if row["name"] == name)

    def pids(self) -> list[int]:
        """Every process that has our home in its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("SOVEREIGN_HOME") == str(self.home):
                    found.append(process.pid)
        return found

    def kill_all(self) -> list[int]:
        """Whoever is left is killed; returns who was."""
        left = self.pids()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until("every process is gone", lambda: not self.pids(), limit_s=10)
        return left


@contextlib.contextmanager
def system(**settings: str) -> Iterator[System]:
    """A home with free ports; `settings` as SECTION__KEY="value". Nothing of it is left afterwards."""
    home = Path(tempfile.mkdtemp(prefix="sv-"))
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    foreign = ("SOVEREIGN_", "COLUMNS", "LINES")  # the size is the terminal's own
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"SOVEREIGN_HOME": str(home), "TERM": "xterm-256color"}
    environment["SOVEREIGN_BRAIN__HISTORY_BARS"] = "300"  # two weeks of candles cost each start of a system a second
    environment |= {f"SOVEREIGN_WIRE__{name}": str(port) for name, port in ports.items()}
    environment |= {f"SOVEREIGN_{name}": value for name, value in settings.items()}
    here = System(home=home, ports=ports, environment=environment)
    try:
        yield here
    finally:
        here.kill_all()
        shutil.rmtree(home, ignore_errors=True)
