"""How a process of a kill test lives, where it dies, and what it says before: the parts that know no engine's life."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import uvloop

import engine
from engine.execution.journal import Journal

PATIENCE_S = 30.0
"""How long a life may say nothing."""
_ROOT = Path(engine.__file__).parent
_WATCHED = tuple(str(_ROOT / part) for part in ("execution", "venue", "private.py", "account.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of life. `limit`: "" for a market order, "meets" or "rests"; `faults`: what the venue does meanwhile."""

    name: str
    limit: str = ""
    closes: bool = False
    faults: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Where a life ends: before the watched call of that number, or in the midst of that line of the journal.

    `share` of the line's bytes are written. 0: it ends when all is done.
    """

    call: int = 0
    line: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a life trades: its name, its own directory, and an exchange with its keys (the exchange's first line)."""

    name: str
    directory: Path
    venue: dict[str, str]


class Teller:
    """A line of JSON at a time, to whoever started this life and back."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def say(self, what: dict[str, Any]) -> None:
        self._end.sendall(json.dumps(what).encode() + b"\n")

    async def asked(self) -> None:
        """Returns when the other side wants an answer; its end is ours."""
        loop = asyncio.get_running_loop()
        if not await loop.sock_recv(self._end, 64):
            die()


def die() -> None:
    """No goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


class Calls:
    """Counts the calls of execution, venue, private feed and account from `begin` on, and ends the life at one."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self._last = last
        self._ours: dict[CodeType, bool] = {}

    def begin(self) -> None:
        sys.setprofile(self._on_event)

    def _on_event(self, frame: FrameType, event: str, argument: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.startswith(_WATCHED)
        if ours:
            self.count += 1
            if self.count == self._last:
                die()


def tear(journal: Journal, death: Death) -> None:
    """From now on the journal's line of that number is written in part only, and is the last that is done."""
    whole, lines = journal._write, 0

    def write(descriptor: int, content: bytes) -> int:
        nonlocal lines
        lines += 1
        if lines == death.line:
            whole(descriptor, content[: round(death.share * len(content))])
            die()
        return whole(descriptor, content)

    if death.line:
        journal._write = write


class Child:
    """A forked life, and the line to it."""

    def __init__(self, life: Callable[[Teller], Coroutine[Any, Any, None]]) -> None:
        self._end, other = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._end.close()
            _live(life, other)
        other.close()
        self._buffer = b""
        self.status: int | None = None

    def hear(self) -> dict[str, Any] | None:
        """What it says next; None once it is dead. Raises: TimeoutError."""
        while b"\n" not in self._buffer:
            if not select.select([self._end], [], [], PATIENCE_S)[0]:
                raise TimeoutError
            try:
                content = self._end.recv(65_536)
            except ConnectionResetError:
                content = b""
            if not content:
                return None
            self._buffer += content
        line, _, self._buffer = self._buffer.partition(b"\n")
        said = json.loads(line)
        assert isinstance(said, dict)
        return said

    def ask(self) -> dict[str, Any]:
        """Its view now. Raises: TimeoutError, AssertionError, BrokenPipeError."""
        self._end.sendall(b"?")
        said = self.hear()
        assert said is not None, "the engine died of itself"
        return said

    def end(self) -> int:
        """Kill it if it lives; what it died of."""
        if self.status is None:
            if not self._dead():
                os.kill(self.pid, signal.SIGKILL)
            self._end.close()
            self.status = os.waitpid(self.pid, 0)[1] if self.status is None else self.status
        return self.status

    def _dead(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = status
        return bool(pid)


def _live(life: Callable[[Teller], Coroutine[Any, Any, None]], end: socket.socket) -> None:
    end.setblocking(False)
    teller = Teller(end)
    try:
        uvloop.run(life(teller))
    except BaseException:  # noqa: BLE001  the driver hears of it, whatever it is
        teller.say({"failed": traceback.format_exc()[-3_000:]})
    finally:
        os._exit(1)
