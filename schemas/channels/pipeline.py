"""PUSH and PULL: telemetry, one way, never in the way of its sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import zmq

from schemas.blackbox.tap import Direction
from schemas.channels.drain import Drained, Opened
from schemas.channels.errors import PayloadTooLarge
from schemas.channels.frame import MAX_PAYLOAD

_TOPIC = "push"
AT_ONCE: Final = 100
"""Messages taken before everybody else has a turn: some 2 ms, whoever floods."""


class Pusher(Drained):
    """Sends one way.

    Queue: bounded by `high_water` messages, kept while the puller is away and sent when it is there; when it is
    full the newest is refused and counted in `dropped`.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        vital: bool,
    ) -> None:
        super().__init__(opened)
        self.dropped = 0
        self._vital = vital

    def push(self, payload: bytes | memoryview, *, vital: bool = False) -> bool:
        """Sends one message. False: the queue is full, the message is dropped and counted. Never blocks.

        `vital`: it must not be missing from the blackbox, not even where nobody takes it (it is a NOTE then).
        Raises: PayloadTooLarge, ChannelClosed.
        """
        self._demand_open()
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooLarge(self.endpoint, len(payload), MAX_PAYLOAD)
        try:
            self._sock.send(payload, zmq.NOBLOCK)
        except zmq.Again:
            self.dropped += 1
            if vital and self._tap is not None:
                self._tap.record(Direction.NOTE, self.name, _TOPIC, payload, vital=True)
            return False
        if self._tap is not None:
            self._tap.record(Direction.SENT, self.name, _TOPIC, payload, vital=vital or self._vital)
        return True


class Puller(Drained):
    """Receives what all pushers send, fairly queued.

    Queue: bounded by `high_water` messages per pusher; beyond it the pushers' own queues fill.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        on_message: Callable[[memoryview], None],
        vital: bool,
    ) -> None:
        super().__init__(opened)
        self.received = 0
        self._on_message = on_message
        self._keep = self._lane(Direction.RECEIVED, _TOPIC, vital=vital)
        self._start()

    def _receive(self) -> bool:
        receive = self._sock.recv
        for _ in range(AT_ONCE):
            if self._closed:
                return False
            try:
                message = receive(zmq.NOBLOCK)
            except zmq.Again:
                return False
            if len(message) > MAX_PAYLOAD:
                self.malformed += 1
                continue
            if self._keep is not None:
                self._keep(message)
            self.received += 1
            self._on_message(memoryview(message))
        return True
