"""The asking side: a DEALER, any number of requests in flight, one frame each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import zmq

from schemas.blackbox.tap import Direction
from schemas.channels.drain import BUDGET, Drained, Opened, receive_frames, send_frames
from schemas.channels.errors import AnswerLost, PayloadTooLarge, PeerDown, RequestTimeout
from schemas.channels.frame import ASK_SIZE, MAX_PAYLOAD, ask, is_ask
from schemas.channels.monitor import Event, RawSocket

MAX_IN_FLIGHT: Final = 1000
_REDIAL_S: Final = 0.02
_REDIAL_MAX_S: Final = 0.2
_DOUBLINGS: Final = 4

OnReply = Callable[[bytes | RequestTimeout], None]
"""Called once per request, with the answer or with the time-out."""


class Requester(Drained):
    """Asks one peer, and survives its time-outs and restarts.

    PeerDown means that a request certainly was not sent; RequestTimeout that its outcome is unknown. It is one
    at once (AnswerLost) when the connection breaks, since no answer can come any more.
    Queue: none towards a peer that is not connected (PeerDown); at most 1000 requests unanswered, then PeerDown.
    Late answers are dropped and counted in `late`.

    Each connection has a socket of its own. With one socket for all, libzmq would either send what a broken
    connection left queued to the next peer, or (ZMQ_IMMEDIATE) throw away answers that arrived just before the end.
    """

    def __init__(self, dial: Callable[[Callable[[Event], None]], Opened]) -> None:
        self._dial = dial
        super().__init__(dial(self._on_event))
        self.late = 0
        """Answers to requests that had timed out or were cancelled."""
        self.timeouts = 0
        self.connections = 0
        """How often a peer was connected."""
        self._up = False
        self._failures = 0
        self._correlation = 0
        self._pending: dict[bytes, tuple[OnReply, asyncio.TimerHandle]] = {}
        self._connect_waiters: list[asyncio.Future[bool]] = []
        self._keep_request = self._lane(Direction.SENT, "request", vital=True)
        self._keep_reply = self._lane(Direction.RECEIVED, "reply", vital=True)
        self._start()

    @property
    def in_flight(self) -> int:
        """Requests not answered yet."""
        return len(self._pending)

    @property
    def connected(self) -> bool:
        """True while a peer is connected, its key and ours accepted."""
        return self._up and not self._closed

    async def wait_connected(self, timeout_s: float) -> bool:
        """Waits for a connected peer. False if there is none in time."""
        if self.connected:
            return True
        self._demand_open()
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._connect_waiters.append(waiter)
        try:
            return await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._connect_waiters.remove(waiter)

    async def request(self, payload: bytes, timeout_s: float) -> bytes:
        """Sends one request and waits for its answer.

        Raises: PeerDown (not sent), RequestTimeout (outcome unknown), PayloadTooLarge, ChannelClosed.
        """
        answer: asyncio.Future[bytes] = self._loop.create_future()

        def settle(result: bytes | RequestTimeout) -> None:
            if answer.done():
                return
            if isinstance(result, RequestTimeout):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        correlation = self._send(payload, settle, timeout_s)
        try:
            return await answer
        finally:
            self._forget(correlation)

    def request_nowait(self, payload: bytes, on_reply: OnReply, timeout_s: float) -> None:
        """Sends one request; `on_reply` is called later, exactly once.

        Raises: PeerDown (not sent), PayloadTooLarge, ChannelClosed.
        """
        self._send(payload, on_reply, timeout_s)

    def _send(self, payload: bytes, on_reply: OnReply, timeout_s: float) -> bytes:
        self._demand_open()
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooLarge(self.endpoint, len(payload), MAX_PAYLOAD)
        if len(self._pending) >= MAX_IN_FLIGHT:
            raise PeerDown(self.endpoint, f"{MAX_IN_FLIGHT} requests are unanswered")
        if not self._up:
            raise PeerDown(self.endpoint, "no peer is connected")
        self._correlation += 1
        correlation = ask(self._correlation)
        try:
            send_frames(self._sock, (correlation + payload,))
        except zmq.Again:
            raise PeerDown(self.endpoint, "the peer does not read") from None
        finally:
            self._schedule_drain()
        timer = self._loop.call_later(timeout_s, self._expire, correlation, timeout_s)
        self._pending[correlation] = (on_reply, timer)
        if self._keep_request is not None:
            self._keep_request(payload)
        return correlation

    def _expire(self, correlation: bytes, timeout_s: float) -> None:
        pending = self._pending.pop(correlation, None)
        if pending is not None:
            self.timeouts += 1
            pending[0](RequestTimeout(self.endpoint, timeout_s))

    def _forget(self, correlation: bytes) -> None:
        pending = self._pending.pop(correlation, None)
        if pending is not None:
            pending[1].cancel()

    def _on_event(self, event: Event) -> None:
        if event is Event.UP:
            self._up = True
            self._failures = 0
            self.connections += 1
            self._tell_waiters(True)
        elif self._fd is not None and not self._closed:
            self._loop.call_soon(self._redial, self._sock)

    def _redial(self, broken: RawSocket) -> None:
        """Takes the answers that still came, then gives the connection up and makes another, 20 to 200 ms later."""
        if self._closed or self._sock is not broken or self._fd is None:
            return
        self._up = False
        try:
            while self._receive():
                pass
        finally:
            if not self._closed:
                self._shut(0)
                delay_s = min(_REDIAL_S * 2**self._failures, _REDIAL_MAX_S)
                self._failures += self._failures < _DOUBLINGS
                self._loop.call_later(delay_s, self._redialled)
                self._lose_pending()

    def _redialled(self) -> None:
        if not self._closed:
            opened = self._dial(self._on_event)
            self._sock, self._monitor = opened.sock, opened.monitor
            self._start()

    def _lose_pending(self) -> None:
        """Whoever still waits is told that the outcome is unknown: nobody hangs on a connection that ended."""
        pending, self._pending = self._pending, {}
        for _, timer in pending.values():
            timer.cancel()
        for on_reply, timer in pending.values():
            left_s = max(0.0, timer.when() - self._loop.time())
            self._loop.call_soon(on_reply, AnswerLost(self.endpoint, left_s))

    def _tell_waiters(self, connected: bool) -> None:
        for waiter in self._connect_waiters:
            if not waiter.done():
                waiter.set_result(connected)

    def _receive(self) -> bool:
        if self._fd is None:
            return False  # between two connections
        for _ in range(BUDGET):
            if self._closed:
                return False
            try:
                frames = receive_frames(self._sock)
            except zmq.Again:
                return False
            if len(frames) != 1 or not is_ask(frames[0]):
                self.malformed += 1
                continue
            correlation, body = frames[0][:ASK_SIZE], frames[0][ASK_SIZE:]
            if self._keep_reply is not None:
                self._keep_reply(body)
            pending = self._pending.pop(correlation, None)
            if pending is None:
                self.late += 1
                continue
            on_reply, timer = pending
            timer.cancel()
            on_reply(body)
        return True

    def _closing(self) -> None:
        self._lose_pending()
        self._tell_waiters(False)
