"""The sockets: one loopback port, REST and websocket. Everything that decides is elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from engine.exchange.auth import opened_to_demo
from engine.exchange.config import Credentials
from engine.exchange.door import Door
from engine.exchange.evidence import Evidence
from engine.exchange.exchange import Exchange
from engine.exchange.faults import control
from engine.exchange.hub import Hub
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.rest import Response, Rest
from engine.exchange.routes import all_routes
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import PATHS, Session

HOST = "127.0.0.1"
TICK_S = 0.01
_SHORTEST_BEAT_S = 100e-6
_QUEUE_MAX = 20_000  # frames; a reader that is further behind is cut off (OKX's 4005)
_BODY_MAX = 1 << 20
_SECOND_NS = 1_000_000_000


class Connection:
    """A websocket and what is queued for it."""

    def __init__(self, socket: web.WebSocketResponse, abort: Callable[[], None]) -> None:
        self._socket = socket
        self._abort = abort
        self._queue: asyncio.Queue[bytes | tuple[int, str]] = asyncio.Queue(_QUEUE_MAX)
        self._closing: tuple[int, str] | None = None

    def send(self, message: bytes) -> None:
        """Queues a text frame; a full queue ends the connection: its peer does not read, so no close frame either."""
        if self._closing is not None:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._closing = (4005, "Buffer is full")
            self._abort()

    def close(self, code: int, reason: str) -> None:
        """Closes after what is queued."""
        if self._closing is None:
            self._closing = (code, reason)
            if self._queue.full():
                self._abort()
            else:
                self._queue.put_nowait(self._closing)

    async def write(self) -> None:
        """Sends until closed. A peer that is gone ends it without noise: its reader hears of that too."""
        with contextlib.suppress(ConnectionError):
            while True:
                item = await self._queue.get()
                if isinstance(item, tuple):
                    await self._socket.close(code=item[0], message=item[1].encode())
                    return
                await self._socket.send_frame(item, WSMsgType.TEXT)


class Server:
    """Serves one exchange; `evidence` records what is private."""

    def __init__(
        self,
        exchange: Exchange,
        credentials: Credentials,
        *,
        latency_ms: int = 0,
        frames_per_s: int = 0,
        evidence: Evidence | None = None,
    ) -> None:
        limiter = RateLimiter()
        self.exchange = exchange
        self.hub = Hub(exchange)
        self.hub.feed.own_touch = frames_per_s > 0
        self._trade = TradeApi(exchange, limiter, latency_ms=latency_ms)
        routes = all_routes(exchange, self._trade, self.hub.feed.book_was_read)
        self._door = Door(Rest(self.hub, credentials, limiter, routes), self.hub, latency_ms=latency_ms)
        self._control = control.Control(exchange.faults)
        self._credentials = credentials
        self._evidence = evidence
        if evidence is not None:
            exchange.witness = evidence.note
        self._arrivals = RateLimiter()
        self._latency_s = latency_ms / 1000
        self._frames_per_s = frames_per_s
        self._sessions: set[Session] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._conn_ids = itertools.count(0xA4D3AE55)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, port: int) -> int:
        """Listens and starts the market. Returns the port. Raises: OSError if the port cannot be had."""
        app = web.Application(client_max_size=_BODY_MAX)
        app.router.add_get("/ws/v5/{path}", self._websocket)
        app.router.add_route("*", control.PATH, self._faults)
        app.router.add_route("*", "/{tail:.*}", self._request)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self._tasks.append(asyncio.create_task(self._run_market()))
        if self._frames_per_s:
            self._tasks.append(asyncio.create_task(self._run_benchmark()))
        return int(bound)

    async def stop(self) -> None:
        """Ends everything within a second."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        closing = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in tuple(self._sockets)]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), 0.3)
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait(self) -> None:
        """Returns only by raising: what ended the market's task."""
        await asyncio.gather(*self._tasks)

    # -- tasks ----------------------------------------------------------------------------------------------------

    async def _run_market(self) -> None:
        loop = asyncio.get_running_loop()
        beat, idle_due = loop.time(), loop.time() + 1.0
        while True:
            self.hub.tick()
            if loop.time() >= idle_due:
                idle_due = loop.time() + 1.0
                for session in tuple(self._sessions):
                    session.check_idle()
            beat = max(beat + TICK_S, loop.time())
            await asyncio.sleep(beat - loop.time())

    async def _run_benchmark(self) -> None:
        """bbo-tbt at exactly this rate: each frame is a change of the best bid by one lot.

        A thread keeps the pace: the loop's own timers count milliseconds, and ten frames at once are no stream.
        """
        loop = asyncio.get_running_loop()
        beat, done = asyncio.Event(), threading.Event()
        interval_s = max(1 / self._frames_per_s, _SHORTEST_BEAT_S)
        threading.Thread(target=_keep_pace, args=(loop, beat, done, interval_s), daemon=True).start()
        try:
            await self._send_what_is_due(beat)
        finally:
            done.set()

    async def _send_what_is_due(self, beat: asyncio.Event) -> None:
        started, sent = time.monotonic(), 0  # uvloop's own time moves in milliseconds
        market = self.exchange.market
        while True:
            due = int((time.monotonic() - started) * self._frames_per_s) - sent
            for _ in range(due):
                best = market.matcher.bids.best_outside()
                if best is not None:
                    lots = best.lots + (1 if sent % 2 else -1) if best.lots > 1 else best.lots + 1
                    market.matcher.bids.set_level(best.px, lots, best.orders)
                    market.touch(self.exchange.now_ms())
                self.hub.feed.force_touch()
                sent += 1
            beat.clear()
            await beat.wait()

    # -- handlers -------------------------------------------------------------------------------------------------

    async def _request(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode("utf-8", "replace")
        method, target, evidence = request.method, request.raw_path, self._evidence
        if evidence is not None:
            evidence.asked(method, target, body)
        response = await self._door.request(method, target, request.headers, body)
        if evidence is not None:
            status, said = (None, b"") if response is None else (response.status, response.body)
            evidence.answered(method, target, status, said)
        if response is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)  # goes nowhere
        return _json(response)

    async def _faults(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode("utf-8", "replace")
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        return _json(self._control.handle(request.method, request.raw_path, body, peer[0] if peer else None))

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if path not in PATHS:
            return web.Response(status=404)
        per_s, now_ns = self.exchange.account.rules.connections_per_s, self.exchange.monotonic_ns()
        if per_s and not self._arrivals.admit(str(request.remote), per_s, now_ns, window_ns=_SECOND_NS):
            return web.Response(status=429)
        socket = web.WebSocketResponse(max_msg_size=_BODY_MAX)
        await socket.prepare(request)
        transport = request.transport
        abort = transport.abort if transport is not None else lambda: None
        connection = Connection(socket, abort)
        send = connection.send
        evidence = self._evidence if path == "private" else None

        session = Session(
            path,
            format(next(self._conn_ids), "08x"),
            hub=self.hub,
            trade=self._trade,
            credentials=self._credentials,
            send=send if evidence is None else _both(evidence.pushed, send),
            answer=self._late(send if evidence is None else _both(evidence.said, send)),
            close=connection.close,
            drop=abort,
            demo=opened_to_demo(request.headers),
            heard=None if evidence is None else evidence.heard,
        )
        self._sessions.add(session)
        self._sockets.add(socket)
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    session.receive(message.data)
                elif message.type is WSMsgType.BINARY:
                    connection.close(4002, "Invalid Request")
        finally:
            session.closed()
            self._sessions.discard(session)
            self._sockets.discard(socket)
            writer.cancel()
        return socket

    def _late(self, send: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Answers to orders take as long as calls do."""
        if not self._latency_s:
            return send
        loop = asyncio.get_running_loop()

        def later(message: bytes) -> None:
            loop.call_later(self._latency_s, send, message)

        return later


def _json(response: Response) -> web.Response:
    return web.Response(status=response.status, body=response.body, content_type="application/json")


def _both(first: Callable[[bytes], None], then: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def call(message: bytes) -> None:
        first(message)
        then(message)

    return call


def _keep_pace(loop: asyncio.AbstractEventLoop, beat: asyncio.Event, done: threading.Event, interval_s: float) -> None:
    """Sets `beat` on the loop every `interval_s`, until `done` or the loop is closed."""
    while not done.is_set():
        time.sleep(interval_s)
        try:
            loop.call_soon_threadsafe(beat.set)
        except RuntimeError:  # the loop is closed
            return
