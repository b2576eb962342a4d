from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from schemas.channels import Direction
from schemas.settings import Home
from sovereign_tui.ops import client
from sovereign_tui.ops.control import MAX_COMMAND, BadCommand, Control
from sovereign_tui.ops.peer import peer_uid


async def echo(command: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    if command["cmd"] == "bad":
        raise BadCommand("no such thing")
    if command["cmd"] == "never":
        await asyncio.Event().wait()
    for turn in range(command.get("turns", 0)):
        yield {"progress": turn}
    yield {"got": command}


def served(home: Home, scenario: Callable[[Control], Awaitable[None]], uid: int | None = None) -> None:
    async def run() -> None:
        control = Control(home.control_socket, echo, uid_of=peer_uid if uid is None else lambda channel: uid)
        await control.open()
        try:
            await asyncio.wait_for(scenario(control), 20)
        finally:
            await control.close()
        assert not home.control_socket.exists()

    asyncio.run(run())


async def say(home: Home, *lines: bytes) -> list[Any]:
    reader, writer = await asyncio.open_unix_connection(str(home.control_socket))
    answers = []
    for line in lines:
        writer.write(line)
        answers.append(json.loads(await reader.readline()))
    writer.close()
    return answers


@pytest.mark.parametrize(
    "line", [b"\n", b"nonsense\n", b"[]\n", b'{"cmd": 7}\n', b"{}\n", b"\xff\xfe\n", b"[" * 5000 + b"\n"]
)
def test_a_bad_line_is_answered_and_the_conversation_goes_on(home: Home, line: bytes) -> None:
    async def scenario(control: Control) -> None:
        bad, good = await say(home, line, b'{"cmd": "x"}\n')
        assert set(bad) == {"error"}
        assert good == {"got": {"cmd": "x"}}

    served(home, scenario)


def test_a_line_without_end_is_refused_and_ends_the_conversation(home: Home) -> None:
    async def scenario(control: Control) -> None:
        (answer,) = await say(home, b"x" * (MAX_COMMAND * 3))
        assert answer == {"error": f"a command has at most {MAX_COMMAND} bytes"}
        assert await client.request(home, {"cmd": "x"}, 5) == {"got": {"cmd": "x"}}

    served(home, scenario)


def test_another_user_is_refused(home: Home) -> None:
    async def scenario(control: Control) -> None:
        with pytest.raises(client.OpsError):
            await client.request(home, {"cmd": "x"}, 5)
        assert control.refused == 1

    served(home, scenario, uid=4711)


def test_our_own_user_is_known(home: Home) -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert peer_uid(left) == home.runtime.stat().st_uid


def test_a_slow_command_holds_nobody_up_and_its_client_may_leave(home: Home) -> None:
    async def scenario(control: Control) -> None:
        with pytest.raises(client.OpsSilent, match=r"not answered within 0\.05 s"):
            await client.request(home, {"cmd": "never"}, 0.05)
        answers = await asyncio.gather(*(client.request(home, {"cmd": "x", "n": n}, 5) for n in range(20)))
        assert [answer["got"]["n"] for answer in answers] == list(range(20))

    served(home, scenario)


def test_progress_lines_come_before_the_final_one(home: Home) -> None:
    async def scenario(control: Control) -> None:
        answers = [answer async for answer in client.stream(home, {"cmd": "x", "turns": 2}, 5)]
        assert answers == [{"progress": 0}, {"progress": 1}, {"got": {"cmd": "x", "turns": 2}}]
        with pytest.raises(client.OpsRefused, match="no such thing"):
            await client.request(home, {"cmd": "bad"}, 5)

    served(home, scenario)


def test_the_blocking_client_works_from_a_thread(home: Home) -> None:
    async def scenario(control: Control) -> None:
        command = {"cmd": "x", "turns": 3}
        answer = await asyncio.to_thread(client.request_blocking, home, command, 5.0)
        assert answer == {"got": command}
        with pytest.raises(client.OpsSilent):
            await asyncio.to_thread(client.request_blocking, home, {"cmd": "never"}, 0.05)

    served(home, scenario)


def test_nobody_there_says_how_to_start_it(home: Home) -> None:
    for attempt in (
        lambda: asyncio.run(client.request(home, {"cmd": "x"}, 1)),
        lambda: client.request_blocking(home, {"cmd": "x"}, 1),
    ):
        with pytest.raises(client.OpsDown, match="sovereign up"):
            attempt()


def test_a_socket_that_a_dead_ops_left_is_replaced(home: Home) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.control_socket))

    async def scenario(control: Control) -> None:
        assert (home.control_socket.stat().st_mode & 0o777) == 0o600
        assert await client.request(home, {"cmd": "x"}, 5) == {"got": {"cmd": "x"}}

    served(home, scenario)


class Heard:
    def __init__(self) -> None:
        self.records: list[tuple[Direction, str, str, bytes, bool]] = []

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        self.records.append((direction, channel, topic, bytes(payload), vital))


def test_every_command_and_every_answer_is_in_the_blackbox(home: Home) -> None:
    heard = Heard()

    async def run() -> None:
        control = Control(home.control_socket, echo, tap=heard)
        await control.open()
        try:
            await asyncio.wait_for(say(home, b'{"cmd":"halt"}\n', b"rubbish\n"), 20)
        finally:
            await control.close()

    asyncio.run(run())
    assert [(direction, topic, vital) for direction, _, topic, _, vital in heard.records] == [
        (Direction.RECEIVED, "halt", True), (Direction.SENT, "halt", True),
        (Direction.RECEIVED, "", True), (Direction.SENT, "", True),
    ]  # fmt: skip
    assert heard.records[0][3] == b'{"cmd":"halt"}\n'
    assert b"not a line of JSON" in heard.records[3][3]
