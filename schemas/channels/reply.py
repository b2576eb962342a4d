"""The answering side: a ROUTER that serves plain REQ peers and Requesters alike, concurrently."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import zmq

from schemas.blackbox.tap import Direction
from schemas.channels.drain import Drained, Opened, receive_frames, send_frames
from schemas.channels.errors import AlreadyAnswered, PayloadTooLarge
from schemas.channels.frame import ASK_SIZE, MAX_PAYLOAD, is_ask

MAX_PENDING: Final = 1000
_MAX_ENVELOPE: Final = 8
AT_ONCE: Final = 4
"""Requests taken before everybody else has a turn. A peer that asks again as soon as it is answered keeps its queue
from ever being empty: without a bound of less than a millisecond it would keep the loop, and a halt waiting."""

Handler = Callable[[memoryview, "Reply"], None]
"""Called in the drain with the request and the means to answer it, now or later."""


class Way(NamedTuple):
    """The way back: the frames that stand before an answer, and the bytes that begin its last one."""

    frames: Sequence[bytes]
    begins: bytes


class Reply:
    """Answers one request: call it once, at any time, in any order with others."""

    __slots__ = ("_replier", "_way", "answered")

    def __init__(self, replier: Replier, way: Way) -> None:
        self._replier = replier
        self._way = way
        self.answered = False

    def __call__(self, payload: bytes) -> bool:
        """Sends the answer. False: the peer is gone, its queue is full, or the channel is closed.

        Raises: AlreadyAnswered, PayloadTooLarge.
        """
        if self.answered:
            raise AlreadyAnswered(self._replier.endpoint)
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooLarge(self._replier.endpoint, len(payload), MAX_PAYLOAD)
        self.answered = True
        return self._replier.answer(self, self._way, payload)


class Replier(Drained):
    """Serves requests concurrently: a handler may keep its Reply for as long as it needs.

    Queue: at most 1000 requests unanswered; the newest beyond that is dropped and counted in `refused`, so that
    its peer times out. Answers to a peer that is gone or does not read are dropped, counted in `undelivered`.
    close() answers nothing by itself: answer what `pending` holds first. When it returns the port refuses.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        handler: Handler,
    ) -> None:
        super().__init__(opened)
        self.received = 0
        self.refused = 0
        """Requests dropped because too many were unanswered."""
        self.undelivered = 0
        """Answers that found no peer to take them."""
        self._handler = handler
        self._pending: dict[int, Reply] = {}
        self._unrecorded: memoryview | None = None
        self._keep_request = self._lane(Direction.RECEIVED, "request", vital=True)
        self._keep_reply = self._lane(Direction.SENT, "reply", vital=True)
        self._start()

    @property
    def pending(self) -> list[Reply]:
        """The unanswered requests, oldest first."""
        return list(self._pending.values())

    def answer(self, reply: Reply, way: Way, payload: bytes) -> bool:
        """Sends an answer back; for Reply."""
        self._pending.pop(id(reply), None)
        if self._closed:
            self.undelivered += 1
            return False
        try:
            send_frames(self._sock, (*way.frames, way.begins + payload))
        except zmq.ZMQError as error:
            if error.errno not in (errno.EAGAIN, errno.EHOSTUNREACH):
                raise
            self.undelivered += 1
            return False
        finally:
            self._schedule_drain()
        self._record_request()
        if self._keep_reply is not None:
            self._keep_reply(payload)
        return True

    def _receive(self) -> bool:
        for _ in range(AT_ONCE):
            if self._closed:
                return False
            try:
                frames = receive_frames(self._sock, routed=True)
            except zmq.Again:
                return False
            way = _way_back(frames)
            if way is None:
                self.malformed += 1
                continue
            self._unrecorded = body = memoryview(frames[-1])[len(way.begins) :]
            if len(self._pending) >= MAX_PENDING:
                self.refused += 1
                self._record_request()
                continue
            self.received += 1
            reply = Reply(self, way)
            self._pending[id(reply)] = reply
            try:
                self._handler(body, reply)
            finally:
                self._record_request()
        return True

    def _record_request(self) -> None:
        """After it was judged, which does not wait for it, and before its answer."""
        body, self._unrecorded = self._unrecorded, None
        if body is not None and self._keep_request is not None:
            self._keep_request(body)

    def _closing(self) -> None:
        self._pending.clear()


def _way_back(frames: list[bytes]) -> Way | None:
    """How to answer what came in; None if this is no request.

    A Requester asks in one frame behind its identity, and is answered so. A REQ peer puts an empty delimiter before
    its one body; its identity, and whatever else stands before the delimiter, is never empty.
    """
    last = frames[-1]
    if len(frames) == 2 and is_ask(last):  # identity, ask
        return Way(frames[:1], last[:ASK_SIZE])
    if not 3 <= len(frames) <= _MAX_ENVELOPE + 2 or len(last) > MAX_PAYLOAD:
        return None
    if frames[-2] or not all(frames[:-2]):
        return None
    return Way(frames[:-1], b"")
