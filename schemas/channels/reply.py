"""The answering side: a ROUTER that serves plain REQ peers and Requesters alike, concurrently."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

import zmq

from schemas.blackbox.tap import Direction
from schemas.channels.drain import BUDGET, Drained, Opened, receive_frames, send_frames
from schemas.channels.errors import AlreadyAnswered, PayloadTooLarge
from schemas.channels.frame import MAX_PAYLOAD

MAX_PENDING: Final = 1000
_MAX_ENVELOPE: Final = 8

Handler = Callable[[memoryview, "Reply"], None]
"""Called in the drain with the request and the means to answer it, now or later."""


class Reply:
    """Answers one request: call it once, at any time, in any order with others."""

    __slots__ = ("_envelope", "_replier", "answered")

    def __init__(self, replier: Replier, envelope: list[bytes]) -> None:
        self._replier = replier
        self._envelope = envelope
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
        return self._replier.answer(self, self._envelope, payload)


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
        self._start()

    @property
    def pending(self) -> list[Reply]:
        """The unanswered requests, oldest first."""
        return list(self._pending.values())

    def answer(self, reply: Reply, envelope: list[bytes], payload: bytes) -> bool:
        """Sends an answer down its envelope; for Reply."""
        self._pending.pop(id(reply), None)
        if self._closed:
            self.undelivered += 1
            return False
        try:
            send_frames(self._sock, (*envelope, b"", payload))
        except zmq.ZMQError as error:
            if error.errno not in (errno.EAGAIN, errno.EHOSTUNREACH):
                raise
            self.undelivered += 1
            return False
        finally:
            self._schedule_drain()
        if self._record is not None:
            self._record(Direction.SENT, self.name, "reply", payload, vital=True)
        return True

    def _receive(self) -> bool:
        for _ in range(BUDGET):
            if self._closed:
                return False
            try:
                frames = receive_frames(self._sock)
            except zmq.Again:
                return False
            envelope = _envelope(frames)
            if envelope is None:
                self.malformed += 1
                continue
            body = frames[-1]
            if self._record is not None:
                self._record(Direction.RECEIVED, self.name, "request", body, vital=True)
            if len(self._pending) >= MAX_PENDING:
                self.refused += 1
                continue
            self.received += 1
            reply = Reply(self, envelope)
            self._pending[id(reply)] = reply
            self._handler(memoryview(body), reply)
        return True

    def _closing(self) -> None:
        self._pending.clear()


def _envelope(frames: list[bytes]) -> list[bytes] | None:
    """Identity and whatever else stands before the empty delimiter; None if this is no request.

    The identity is never the delimiter, and exactly one body follows the delimiter.
    """
    if not 3 <= len(frames) <= _MAX_ENVELOPE + 2 or len(frames[-1]) > MAX_PAYLOAD:
        return None
    if frames[-2] or not all(frames[:-2]):
        return None
    return frames[:-2]
