"""One websocket to OKX: connects, logs in, subscribes, pings, and comes back by itself.

The frames go, as they came, to one callback without a task or a queue in between: the hot path begins there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from engine.venue.frames import Event, FrameError, decode_frame
from engine.venue.sign import Credentials, login_args
from schemas.clock import NS_PER_S, Clock

PING_AFTER_S: Final = 15.0
"""Silence after which we ping; the venue drops a silent connection at 30 s."""
PONG_WITHIN_S: Final = 10.0
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

OnFrame = Callable[[bytes], None]
OnState = Callable[[bool, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlan:
    """What a link does after it connected. `subscriptions`: args as OKX wants them."""

    name: str
    url: str
    subscriptions: Sequence[dict[str, str]]
    credentials: Credentials | None = None


class _Listener(WSListener):
    """Puts fragments together and hands whole messages on."""

    def __init__(self, on_message: OnFrame) -> None:
        super().__init__()
        self._on_message = on_message
        self._parts: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the connection."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.disconnect()
            return
        if kind is WSMsgType.PING or kind is WSMsgType.PONG:
            return
        payload = frame.get_payload_as_bytes()
        if frame.fin and not self._parts:
            self._on_message(payload)
            return
        self._parts.append(payload)
        if frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._on_message(whole)


class Link:
    """Keeps one websocket alive. `up` is True once it is connected, logged in and subscribed.

    `venue_wall_ns`: the venue's own time, which a login is signed with.
    """

    def __init__(
        self, plan: LinkPlan, *, on_frame: OnFrame, on_state: OnState, clock: Clock, venue_wall_ns: Callable[[], int]
    ) -> None:
        self._plan = plan
        self._on_frame = on_frame
        self._on_state = on_state
        self._clock = clock
        self._venue_wall_ns = venue_wall_ns
        self._transport: WSTransport | None = None
        self._last_heard_ns = 0
        self._logged_in = asyncio.Event()
        self.up = False
        self.connects = 0

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        attempt = 0
        while True:
            reason = await self._live()
            attempt = 0 if self.up else min(attempt + 1, len(BACKOFF_S) - 1)
            self._set(False, reason)
            await asyncio.sleep(BACKOFF_S[attempt])

    def send(self, message: dict[str, object]) -> None:
        """Send one JSON message; lost when the link is down, since a reconnect says it all again."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(message))

    def resubscribe(self, arg: dict[str, str]) -> None:
        """Ask for a fresh snapshot of one channel."""
        self.send({"op": "unsubscribe", "args": [arg]})
        self.send({"op": "subscribe", "args": [arg]})

    async def _live(self) -> str:
        self._logged_in.clear()
        try:
            transport, _ = await ws_connect(lambda: _Listener(self._on_message), self._plan.url, logger_name="link")
        except (OSError, WSError, TimeoutError) as error:
            return f"cannot connect to {self._plan.url} ({type(error).__name__}: {error})"
        self._transport = transport
        self._last_heard_ns = self._clock.monotonic_ns()
        watch = asyncio.create_task(self._watch(transport))
        try:
            if self._plan.credentials is not None and not await self._login(self._plan.credentials):
                transport.disconnect()
                return "login refused"
            self.send({"op": "subscribe", "args": list(self._plan.subscriptions)})
            self.connects += 1
            self._set(True, "connected")
            await transport.wait_disconnected()
            return "the venue closed the connection"
        finally:
            self._transport = None
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            if not transport.is_disconnected:
                transport.disconnect(graceful=False)

    async def _login(self, credentials: Credentials) -> bool:
        self.send({"op": "login", "args": [login_args(credentials, wall_ns=self._venue_wall_ns())]})
        try:
            async with asyncio.timeout(PONG_WITHIN_S):
                await self._logged_in.wait()
        except TimeoutError:
            return False
        return True

    def _on_message(self, payload: bytes) -> None:
        self._last_heard_ns = self._clock.monotonic_ns()
        if payload == b"pong":
            return
        if self._plan.credentials is not None and not self._logged_in.is_set():
            with contextlib.suppress(FrameError):  # the owner of the frames counts and reports it
                event = decode_frame(payload)
                if isinstance(event, Event) and event.event == "login" and event.code == "0":
                    self._logged_in.set()
                    return
        self._on_frame(payload)

    async def _watch(self, transport: WSTransport) -> None:
        """Ping after silence; give up on a connection that does not answer."""
        while True:
            await asyncio.sleep(1.0)
            silent_s = (self._clock.monotonic_ns() - self._last_heard_ns) / NS_PER_S
            if silent_s > PING_AFTER_S + PONG_WITHIN_S:
                transport.disconnect(graceful=False)
                return
            if silent_s > PING_AFTER_S:
                transport.send(WSMsgType.TEXT, b"ping")

    def _set(self, up: bool, reason: str) -> None:
        if up != self.up or not up:
            self.up = up
            self._on_state(up, f"{self._plan.name}: {reason}")
