"""What the channel tests share: a loop as in production, wires that close, conditions with a deadline."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from schemas.blackbox.tap import Direction, Keep, Tap
from schemas.channels import Keyring, Wire
from schemas.clock import SystemClock

ANY_PORT = "tcp://127.0.0.1:0"


def run(scene: Callable[[], Coroutine[Any, Any, None]], *, limit_s: float = 30.0) -> None:
    """Plays an async test on uvloop; an error in a callback of the loop fails it."""
    errors: list[dict[str, Any]] = []

    async def played() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        await asyncio.wait_for(scene(), limit_s)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(played())
    assert errors == []


async def eventually(condition: Callable[[], object], *, limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.001)


class Turns:
    """Counts what is handled in each turn of the running loop."""

    def __init__(self) -> None:
        self.handled = [0]
        self._turn()

    def _turn(self) -> None:
        if self.handled[-1]:
            self.handled.append(0)
        asyncio.get_running_loop().call_soon(self._turn)

    def handle(self) -> None:
        self.handled[-1] += 1


@asynccontextmanager
async def wire(keys: Keyring | None = None, tap: Tap | None = None) -> AsyncIterator[Wire]:
    opened = Wire(process="test", keys=keys, clock=SystemClock(), tap=tap)
    try:
        yield opened
    finally:
        opened.close()


def port_of(endpoint: str) -> int:
    return int(endpoint.rsplit(":", 1)[1])


def refuses(endpoint: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port_of(endpoint)), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


class Inbox:
    """An on_message that keeps what it was given."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int, int, bytes]] = []

    def __call__(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        self.messages.append((topic, sequence, timestamp_ns, bytes(payload)))

    @property
    def payloads(self) -> list[bytes]:
        return [payload for *_, payload in self.messages]


class ListTap:
    def __init__(self) -> None:
        self.records: list[tuple[Direction, str, str, bytes, bool]] = []

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        self.records.append((direction, channel, topic, bytes(payload), vital))

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        return lambda message: self.record(direction, channel, topic, message[skip:], vital=vital)
