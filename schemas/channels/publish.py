"""PUB: numbered streams, and the last value of each for whoever comes late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import zmq
from zmq.backend import Socket as BackendSocket

from schemas.blackbox.tap import Direction, Keep
from schemas.channels.drain import BUDGET, Drained, Opened
from schemas.channels.errors import ChannelClosed, PayloadTooLarge
from schemas.channels.frame import HEADER_SIZE, MAX_PAYLOAD, STAMP, TOPIC_SIZE, pad_topic
from schemas.clock import Clock

_SUBSCRIBE: Final = b"\x01"
_UNSUBSCRIBE: Final = b"\x00"
_REARM_S: Final = 0.01


class Publisher(Drained):
    """Publishes on topics, each with its own sequence from 1 in the life of this publisher.

    Late joiner: every subscription is answered with the last message of each topic that it selects, unchanged
    (same sequence and timestamp), which those who have it drop as a duplicate; or with what the stream's `renew` sends.

    Queue: bounded per subscriber by `high_water` messages. A subscriber that is further behind loses the newest,
    without slowing down anybody; libzmq does not tell the publisher, the subscriber counts the gap.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        clock: Clock,
        vital: bool,
    ) -> None:
        super().__init__(opened)
        self._clock = clock
        self._vital = vital
        self._streams: dict[str, Stream] = {}
        self._subscriptions: dict[bytes, int] = {}
        self._waiters: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._rearmed = False
        self.unrecorded: list[tuple[Keep, bytes]] = []
        """What has left and is to be recorded: see Stream.send."""
        self._start()

    @property
    def subscribers(self) -> int:
        """Live subscriptions: one per topic or prefix and connected subscriber. A killed peer leaves at once."""
        return sum(self._subscriptions.values())

    def subscribed(self, topic: str) -> int:
        """Live subscriptions that select this topic."""
        padded = pad_topic(topic)
        return sum(n for wanted, n in self._subscriptions.items() if padded.startswith(wanted))

    def stream(self, topic: str) -> Stream:
        """The stream of a topic, always the same object. Keep it where you publish often.

        Raises: BadTopic.
        """
        stream = self._streams.get(topic)
        if stream is None:
            send = partial(BackendSocket.send, self._sock)
            keep = self._lane(Direction.SENT, topic, vital=self._vital, skip=HEADER_SIZE)
            stream = self._streams[topic] = Stream(self, topic, send, keep)
        return stream

    def publish(self, topic: str, payload: bytes | memoryview, timestamp_ns: int | None = None) -> int:
        """Sends one message and returns its sequence. `timestamp_ns`: since 1970 UTC, now if None.

        Raises: BadTopic, PayloadTooLarge, ChannelClosed.
        """
        return self.stream(topic).send(payload, self._clock.wall_ns() if timestamp_ns is None else timestamp_ns)

    async def wait_subscribed(self, topic: str, timeout_s: float) -> bool:
        """Waits until somebody subscribes to `topic`. False if nobody did in time: sending loses the message then."""
        if self.subscribed(topic):
            return True
        waiter: asyncio.Future[bool] = self._loop.create_future()
        entry = (pad_topic(topic), waiter)
        self._waiters.append(entry)
        self._schedule_drain()
        try:
            return await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._waiters.remove(entry)

    def record_sent(self) -> None:
        """Records what was sent to be recorded later. It has left: nobody waits for this."""
        unrecorded = self.unrecorded
        if unrecorded:
            for keep, message in unrecorded:
                keep(message)
            unrecorded.clear()

    def rearm(self) -> None:
        """After a send: look for subscriptions whose signal the send has swallowed, at most every 10 ms."""
        if not self._rearmed:
            self._rearmed = True
            self._loop.call_later(_REARM_S, self._rearm)

    def _rearm(self) -> None:
        self._rearmed = False
        self._drain()

    def _receive(self) -> bool:
        for _ in range(BUDGET):
            try:
                message = self._sock.recv(zmq.NOBLOCK)
            except zmq.Again:
                return False
            sign, wanted = message[:1], message[1:]
            if sign == _SUBSCRIBE:
                self._subscriptions[wanted] = self._subscriptions.get(wanted, 0) + 1
                self._welcome(wanted)
            elif sign == _UNSUBSCRIBE:
                left = self._subscriptions.get(wanted, 0) - 1
                if left > 0:
                    self._subscriptions[wanted] = left
                else:
                    self._subscriptions.pop(wanted, None)
            else:
                self.malformed += 1
        return True

    def _welcome(self, wanted: bytes) -> None:
        for stream in self._streams.values():
            if stream.padded.startswith(wanted):
                (stream.renew or stream.resend)()
        for padded, waiter in self._waiters:
            if padded.startswith(wanted) and not waiter.done():
                waiter.set_result(True)

    def _closing(self) -> None:
        self.record_sent()
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(False)


class Stream:
    """One topic of one publisher."""

    __slots__ = ("_header", "_keep", "_last", "_publisher", "_send", "next_sequence", "padded", "renew", "topic")

    def __init__(
        self,
        publisher: Publisher,
        topic: str,
        send: Callable[[bytes, int], object],
        keep: Keep | None,
    ) -> None:
        self.topic = topic
        self.padded = pad_topic(topic)
        self.next_sequence = 1
        """What the next send will carry."""
        self.renew: Callable[[], None] | None = None
        """What answers a new subscription instead of the last message: sends how things stand now, to everybody."""
        self._publisher = publisher
        self._send = send
        self._keep = keep
        self._header = bytearray(self.padded.ljust(HEADER_SIZE, b"\0"))
        self._last: bytes | None = None

    def send(self, payload: bytes | memoryview, timestamp_ns: int, *, record_later: bool = False) -> int:
        """Sends one message and returns its sequence. Never blocks.

        `record_later`: the blackbox gets it at the publisher's `record_sent`, of which the hot path thinks at its end.
        Raises: PayloadTooLarge, ChannelClosed.
        """
        publisher = self._publisher
        if publisher.closed:
            raise ChannelClosed(publisher.endpoint)
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooLarge(publisher.endpoint, len(payload), MAX_PAYLOAD)
        sequence = self.next_sequence
        header = self._header
        STAMP.pack_into(header, TOPIC_SIZE, sequence, timestamp_ns)
        self._last = message = b"".join((header, payload))
        self._send(message, zmq.NOBLOCK)  # a PUB never says EAGAIN: it drops for the peers that are full
        self.next_sequence = sequence + 1
        publisher.rearm()
        if self._keep is not None:
            if record_later:
                publisher.unrecorded.append((self._keep, message))
            else:
                self._keep(message)
        return sequence

    @property
    def last_payload(self) -> memoryview | None:
        """What the last message carried, as it was sent; None before the first."""
        return None if self._last is None else memoryview(self._last)[HEADER_SIZE:]

    def resend(self) -> None:
        """The last message once more, for a late joiner. Nothing if there was none."""
        if self._last is not None:
            self._send(self._last, zmq.NOBLOCK)
            if self._keep is not None:
                self._keep(self._last)
