"""A clock, a source and an ops that a test commands."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from schemas.settings import Home, Settings
from sovereign_tui.cockpit.app import Cockpit
from sovereign_tui.cockpit.kill import KillSwitch, Switch
from sovereign_tui.replay.sessions import Session
from tests.support.clock import ManualClock

Script = Callable[[dict[str, Any]], list[dict[str, Any]]]


class FakeSource:
    """Hands over what the test has put in."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.waiting: list[tuple[object, int]] = []
        self.polls = 0

    def put(self, *messages: object) -> None:
        self.waiting += [(message, self._clock.monotonic_ns()) for message in messages]

    def poll(self) -> list[tuple[object, int]]:
        self.polls += 1
        waiting, self.waiting = self.waiting, []
        return waiting


class FakeOps:
    """A control socket in a thread. `script`: a command -> its answers; `gate` holds back all but the first."""

    def __init__(self, path: Path, script: Script) -> None:
        self.commands: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        """For the audit tape."""
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Semaphore(0)
        self._script = script
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                channel, _ = self._socket.accept()
            except OSError:
                return
            with channel, channel.makefile("rwb") as lines:
                line = lines.readline()
                if not line:  # one that only wanted to know whether somebody listens
                    continue
                command = json.loads(line)
                if command["cmd"] == "audit":
                    self.notes.append(command)
                    self._answer(lines, {"ok": True})
                    continue
                self.commands.append(command)
                self.asked.release()
                for index, answer in enumerate(self._script(command)):
                    if index:
                        self.gate.wait()
                    if not self._answer(lines, answer):
                        break

    @staticmethod
    def _answer(lines: BinaryIO, answer: dict[str, Any]) -> bool:
        try:
            lines.write(json.dumps(answer).encode() + b"\n")
            lines.flush()
        except OSError:
            return False
        return True


def home_in(folder: Path) -> Home:
    home = Home.from_environment({**os.environ, "SOVEREIGN_HOME": str(folder)})
    home.prepare()
    return home


def cockpit(
    home: Home, clock: ManualClock, source: FakeSource, *, readonly: bool = False, settings: Settings | None = None,
    kill: Switch | None = None, no_color: bool = False, session: Session | None = None,
) -> Cockpit:  # fmt: skip
    return Cockpit(
        home=home, settings=settings or Settings(), clock=clock, kill=kill or KillSwitch(home, clock, "op@pts/2"),
        connect=lambda: source, readonly=readonly, who="op@pts/2", no_color=no_color, session=session,
    )  # fmt: skip
