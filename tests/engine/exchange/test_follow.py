"""The link to the outside market, against a server that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from engine.exchange.market import follow
from engine.exchange.market.follow import Follower
from engine.exchange.market.live import SUBSCRIPTIONS, LiveMarket
from schemas.clock import SystemClock
from tests.engine.exchange.test_live import SNAPSHOT, book

BOOKS, TRADES = SUBSCRIPTIONS
GAP = book("update", [], [], 5, 8)


@asynccontextmanager
async def following(talk: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[tuple[LiveMarket, list[str]]]:
    """A follower of a server that has this to say to each connection."""
    market, said = LiveMarket(), []
    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        follower = Follower(f"ws://127.0.0.1:{port}", market, clock=SystemClock(), say=said.append)
        running = asyncio.create_task(follower.run())
        try:
            async with asyncio.timeout(10):
                yield market, said
        finally:
            running.cancel()


async def heard(socket: ServerConnection) -> tuple[str, list[dict[str, str]]]:
    message = orjson.loads(await socket.recv())
    return message["op"], message["args"]


def test_a_gap_is_mended_by_a_new_snapshot_on_the_same_connection() -> None:
    async def story() -> None:
        requests: list[tuple[str, list[dict[str, str]]]] = []
        done = asyncio.Event()

        async def talk(socket: ServerConnection) -> None:
            requests.append(await heard(socket))
            for frame in (SNAPSHOT, GAP):
                await socket.send(frame.decode())
            requests.extend([await heard(socket), await heard(socket)])
            await socket.send(SNAPSHOT.decode())
            await socket.send('{"event":"notice","code":"64008","msg":"soon"}')
            done.set()
            await socket.wait_closed()

        async with following(talk) as (market, said):
            await done.wait()
            while market.problem:
                await asyncio.sleep(0.01)
            assert requests == [("subscribe", [BOOKS, TRADES]), ("unsubscribe", [BOOKS]), ("subscribe", [BOOKS])]
            assert [line.partition(": ")[2] for line in said] == [
                "the book is whole", "gap: 5 named, 7 was last; a new snapshot is asked for", "the book is whole",
            ]  # fmt: skip

    asyncio.run(story())


def test_silence_is_pinged_and_a_connection_without_a_pong_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PING_AFTER_S", 0.05)

    async def story() -> None:
        texts: list[str | bytes] = []
        connections = 0
        again = asyncio.Event()

        async def talk(socket: ServerConnection) -> None:
            nonlocal connections
            connections += 1
            await socket.recv()
            await socket.send(SNAPSHOT.decode())
            if connections == 2:
                again.set()
            texts.append(await socket.recv())
            if connections == 1:
                await socket.send("pong")
                texts.append(await socket.recv())
            await socket.wait_closed()

        async with following(talk) as (market, said):
            await again.wait()
            assert texts[:2] == ["ping", "ping"]
            assert said[1].endswith(": no pong; no order is taken until it is back")
            while market.problem:
                await asyncio.sleep(0.01)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ('{"event":"error","code":"60018","msg":"Wrong URL"}', "refused: 60018 Wrong URL"),
        ("{", "FrameError: JSONDecodeError"),
    ],
)
def test_a_refusal_and_nonsense_end_the_connection_and_are_said_once(frame: str, said: str) -> None:
    async def story() -> None:
        connections = 0
        third = asyncio.Event()

        async def talk(socket: ServerConnection) -> None:
            nonlocal connections
            connections += 1
            if connections == 3:
                third.set()
            await socket.recv()
            await socket.send(frame)
            await socket.wait_closed()

        async with following(talk) as (market, lines):
            await third.wait()
            assert len(lines) == 1
            assert f": {said}" in lines[0]
            assert not market.valid(SystemClock().monotonic_ns())

    asyncio.run(story())
