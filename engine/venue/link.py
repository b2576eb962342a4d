"""One websocket to OKX: connects, logs in, subscribes, pings, and comes back by itself.

The frames go, as they came, to one callback without a task in between: the hot path begins there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from engine.urgent import Urgent
from engine.venue.frames import Event, FrameError, decode_frame
from engine.venue.sign import Credentials, login_args
from engine.venue.turns import Turns
from engine.venue.witness import NOBODY, Witness
from schemas.clock import NS_PER_S, Clock

PING_AFTER_S: Final = 15.0
"""Silence after which we ping; the venue drops a silent connection at 30 s."""
PONG_WITHIN_S: Final = 10.0
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
SERVICE_UPGRADE: Final = "64008"
_EVENT_STARTS: Final = b'{"event"'

OnFrame = Callable[[bytes], None]
OnState = Callable[[bool, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlan:
    """What a link does after it connected. `subscriptions`: args as OKX wants them."""

    name: str
    url: str
    subscriptions: Sequence[dict[str, str]]
    credentials: Credentials | None = None


class _Connection(WSListener):
    """One websocket: puts fragments together, logs in, subscribes, pings. Whole messages go to `on_message`."""

    def __init__(
        self, plan: LinkPlan, on_message: Callable[[_Connection, bytes], None], clock: Clock,
        login_ns: Callable[[], int], witness: Witness,
    ) -> None:  # fmt: skip
        super().__init__()
        self._witness = witness
        self._plan, self._on_message, self._clock, self._login_ns = plan, on_message, clock, login_ns
        self._turns = Turns(self._take, reading=self._read, failed=self.drop, clock=clock)
        self._parts: list[bytes] = []
        self._logged_in = asyncio.Event()
        self._heard_ns = clock.monotonic_ns()
        self._transport: WSTransport | None = None
        self._watching: asyncio.Task[None] | None = None
        self.leaving = asyncio.Event()
        """The venue has announced that it will close this connection."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the connection."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self._turns.flush()
            transport.disconnect()
            return
        if kind is WSMsgType.PING or kind is WSMsgType.PONG:
            return
        payload = frame.get_payload_as_bytes()
        if not frame.fin or self._parts:
            self._parts.append(payload)
            if not frame.fin:
                return
            payload, self._parts = b"".join(self._parts), []
        self._heard_ns = now_ns = self._clock.monotonic_ns()
        self._turns.take(payload, now_ns)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """What came before is still told."""
        self._turns.flush()

    def _take(self, payload: bytes) -> None:
        if payload == b"pong":
            return
        if payload.startswith(_EVENT_STARTS) and self._is_ours(payload):
            return
        if self._logged_in.is_set():
            self._witness.received(self._plan.name, payload)
        self._on_message(self, payload)

    def _is_ours(self, payload: bytes) -> bool:
        """Events that concern the connection itself, not what it carries."""
        try:
            event = decode_frame(payload)
        except FrameError:  # the owner of the frames counts and reports it
            return False
        if isinstance(event, Event) and event.event == "login" and event.code == "0":
            self._logged_in.set()
            return True
        if isinstance(event, Event) and event.event == "notice" and event.code == SERVICE_UPGRADE:
            self.leaving.set()
            return True
        return False

    async def begin(self) -> str:
        """Log in where there are credentials, and subscribe. Returns why not, "" when all is well."""
        if self._plan.credentials is not None:
            login = {"op": "login", "args": [login_args(self._plan.credentials, wall_ns=self._login_ns())]}
            self._write(msgspec.json.encode(login))  # past the witness
            gone = asyncio.ensure_future(self.gone())
            answered = asyncio.ensure_future(self._logged_in.wait())
            await asyncio.wait({gone, answered}, timeout=PONG_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
            for task in (gone, answered):
                task.cancel()
            if not self._logged_in.is_set():
                return "the venue refused the login"
        self.send({"op": "subscribe", "args": list(self._plan.subscriptions)})
        self._watching = asyncio.create_task(self._watch())
        return ""

    def send(self, message: dict[str, object]) -> None:
        """Send one JSON message; lost when the connection is gone."""
        frame = msgspec.json.encode(message)
        if self._write(frame):
            self._witness.sent(self._plan.name, frame)

    def _write(self, frame: bytes) -> bool:
        if self._transport is None:
            return False
        self._transport.send(WSMsgType.TEXT, frame)
        return True

    def _read(self, on: bool) -> None:
        if self._transport is None:
            return
        tcp = self._transport.underlying_transport
        if on:
            tcp.resume_reading()
        else:
            tcp.pause_reading()

    async def gone(self) -> None:
        """Returns when the connection has ended."""
        if self._transport is not None:
            await self._transport.wait_disconnected()

    def drop(self) -> None:
        """End it, without waiting for the venue."""
        if self._watching is not None:
            self._watching.cancel()
        self._turns.flush()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.disconnect(graceful=False)

    async def _watch(self) -> None:
        """Ping after silence; give up on a connection that does not answer."""
        while self._transport is not None:
            await asyncio.sleep(1.0)
            silent_s = (self._clock.monotonic_ns() - self._heard_ns) / NS_PER_S
            if silent_s > PING_AFTER_S + PONG_WITHIN_S:
                self._transport.disconnect(graceful=False)
                return
            if silent_s > PING_AFTER_S:
                self._transport.send(WSMsgType.TEXT, b"ping")


class Link:
    """Keeps one websocket alive. `up` is True once it is connected, logged in and subscribed.

    When the venue announces that it will close the connection (64008), a second one is opened first and takes over;
    `on_state` then says True once more, since both told the same and nobody knows where one stopped.
    `venue_wall_ns`: the venue's own time, which a login is signed with. `witness`: of a private link alone. `urgent`:
    what is not to wait for the end of a flood of frames.
    """

    def __init__(
        self,
        plan: LinkPlan,
        *,
        on_frame: OnFrame,
        on_state: OnState,
        clock: Clock,
        venue_wall_ns: Callable[[], int],
        witness: Witness = NOBODY,
        urgent: Urgent | None = None,
    ) -> None:
        self._plan, self._on_frame, self._on_state, self._urgent = plan, on_frame, on_state, urgent or Urgent()
        self._clock, self._venue_wall_ns, self._witness = clock, venue_wall_ns, witness
        self._current: _Connection | None = None
        self.up = False
        self.connects = 0

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        attempt = 0
        while True:
            opened = await self._open()
            if isinstance(opened, str):
                self._set(False, opened)
                attempt = min(attempt + 1, len(BACKOFF_S) - 1)
                await asyncio.sleep(BACKOFF_S[attempt])
                continue
            attempt = 0
            self._take(opened, "connected")
            try:
                await self._live()
            finally:
                self._hang_up()
            self._set(False, "the venue closed the connection")
            await asyncio.sleep(BACKOFF_S[0])

    def send(self, message: dict[str, object]) -> bool:
        """Send one JSON message; False when the link is down and it is lost."""
        if self._current is None or not self.up:
            return False
        self._current.send(message)
        return True

    def resubscribe(self, arg: dict[str, str]) -> None:
        """Ask for a fresh snapshot of one channel. Lost when the link is down, since a reconnect says it all again."""
        self.send({"op": "unsubscribe", "args": [arg]})
        self.send({"op": "subscribe", "args": [arg]})

    def _connection(self) -> _Connection:
        return _Connection(self._plan, self._on_message, self._clock, self._venue_wall_ns, self._witness)

    async def _open(self) -> _Connection | str:
        """A connection that is logged in and subscribed, or why there is none."""
        connection = self._connection()
        try:
            await ws_connect(lambda: connection, self._plan.url, logger_name="link")
        except (OSError, WSError, TimeoutError) as error:
            return f"cannot connect to {self._plan.url} ({type(error).__name__}: {error})"
        try:
            problem = await connection.begin()
        except asyncio.CancelledError:
            connection.drop()
            raise
        if problem:
            connection.drop()
            return problem
        return connection

    async def _live(self) -> None:
        """Until the connection is gone and no other has taken over."""
        while (current := self._current) is not None:
            gone, leaving = asyncio.ensure_future(current.gone()), asyncio.ensure_future(current.leaving.wait())
            try:
                await asyncio.wait({gone, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                successor = await self._successor(gone)
            finally:
                for task in (gone, leaving):
                    task.cancel()
            if successor is None:
                return
            self._hang_up()
            self._take(successor, "moved to a new connection, the venue closes the old one")

    async def _successor(self, gone: asyncio.Future[None]) -> _Connection | None:
        """The next connection, tried for as long as the old one lives."""
        for wait_s in chain(BACKOFF_S, repeat(BACKOFF_S[-1])):
            opened = await self._open()
            if isinstance(opened, _Connection):
                return opened
            await asyncio.wait({gone}, timeout=wait_s)
            if gone.done():
                return None
        return None

    def _take(self, connection: _Connection, reason: str) -> None:
        self._current = connection
        self.connects += 1
        self.up = True
        self._on_state(True, f"{self._plan.name}: {reason}")

    def _hang_up(self) -> None:
        if self._current is not None:
            connection, self._current = self._current, None
            connection.drop()

    def _on_message(self, connection: _Connection, payload: bytes) -> None:
        if connection is self._current or self._current is None:
            self._on_frame(payload)
            if self._urgent.due:
                self._urgent.serve()

    def _set(self, up: bool, reason: str) -> None:
        self.up = up
        self._on_state(up, f"{self._plan.name}: {reason}")
