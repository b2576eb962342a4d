"""One websocket to OKX's public side: connects, subscribes, pings, asks for new snapshots, comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine.exchange.market.live import SUBSCRIPTIONS, FrameError, LiveMarket, Refusal, decode
from schemas.clock import Clock

PING_AFTER_S: Final = 5.0
"""Silence after which we ping, and after which a ping is given up; OKX drops a silent connection at 30 s."""
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Before a connection, and before a snapshot is asked for again: OKX takes 480 subscriptions an hour."""


class Follower:
    """Keeps `market` fed until it is cancelled. `say`: one line for people, when what is wrong changes."""

    def __init__(self, url: str, market: LiveMarket, *, clock: Clock, say: Callable[[str], None]) -> None:
        self._url = url
        self._market = market
        self._clock = clock
        self._say = say
        self._said = ""
        self._whole = asyncio.Event()

    async def first_book(self) -> None:
        """Returns as soon as there is a whole book."""
        await self._whole.wait()

    async def run(self) -> None:
        """Connects again and again."""
        attempt = 0
        while True:
            reason = await self._live()
            attempt = 0 if self._whole.is_set() else min(attempt + 1, len(BACKOFF_S) - 1)
            self._whole.clear()
            self._market.lost(reason)
            self._tell(f"{self._url}: {reason}; no order is taken until it is back")
            await asyncio.sleep(BACKOFF_S[attempt])

    async def _live(self) -> str:
        """One connection, to its end; why it ended."""
        try:
            async with connect(self._url, ping_interval=None, max_size=None) as socket:
                await self._ask(socket, "subscribe", *SUBSCRIPTIONS)
                return await self._read(socket)
        except (OSError, TimeoutError, WebSocketException, FrameError) as error:
            return f"{type(error).__name__}: {error}"

    async def _read(self, socket: ClientConnection) -> str:
        asked = 0
        while True:
            text = await self._next(socket)
            if text is None:
                return "no pong"
            frame = decode(text)
            if isinstance(frame, Refusal):
                return f"refused: {frame.code} {frame.text}"
            was_whole = not self._market.problem
            self._market.take(frame, self._clock.monotonic_ns())
            if not self._market.problem:
                self._whole.set()
                self._tell(f"{self._url}: the book is whole")
            elif was_whole:
                self._whole.clear()
                self._tell(f"{self._url}: {self._market.problem}; a new snapshot is asked for")
                await asyncio.sleep(BACKOFF_S[min(asked, len(BACKOFF_S) - 1)])
                asked += 1
                await self._ask(socket, "unsubscribe", SUBSCRIPTIONS[0])
                await self._ask(socket, "subscribe", SUBSCRIPTIONS[0])

    async def _next(self, socket: ClientConnection) -> str | bytes | None:
        """The next frame; None: the other side is silent and does not answer a ping."""
        for message in ("ping", None):
            try:
                async with asyncio.timeout(PING_AFTER_S):
                    return await socket.recv()
            except TimeoutError:
                if message is not None:
                    await socket.send(message)
        return None

    async def _ask(self, socket: ClientConnection, op: str, *args: dict[str, str]) -> None:
        await socket.send(orjson.dumps({"op": op, "args": args}).decode())

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text)
