"""What libzmq says about the connections of one socket: refused handshakes, links that come and go."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from enum import IntEnum
from itertools import count
from typing import Final

import zmq

RawSocket = zmq.Socket[bytes]

_EVENT: Final = struct.Struct("=HI")
_names = count(1)


class Event(IntEnum):
    """The events that are watched."""

    UP = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    DISCONNECTED = int(zmq.EVENT_DISCONNECTED)
    CLOSED = int(zmq.EVENT_CLOSED)
    """A listener ended, or an attempt to connect failed."""
    DENIED = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    """It was the key that was refused."""
    FAILED = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    FAILED_PROTOCOL = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)


FAILURES: Final = frozenset({Event.DENIED, Event.FAILED, Event.FAILED_PROTOCOL})


class Monitor:
    """Calls `on_event` for each event of one socket, from the loop."""

    def __init__(
        self,
        context: zmq.Context[RawSocket],
        sock: RawSocket,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[Event], None],
    ) -> None:
        self._watched = sock
        self._loop = loop
        self._on_event = on_event
        self._listener_closed = False
        address = f"inproc://sovereign.monitor.{next(_names)}"
        sock.monitor(address, sum(Event))
        self._sock = context.socket(zmq.PAIR)
        self._sock.set(zmq.RCVHWM, 0)  # a bounded pipe would block libzmq's IO thread when it is full
        self._sock.set(zmq.LINGER, 0)
        self._sock.connect(address)
        self._fd = int(self._sock.fileno())
        loop.add_reader(self._fd, self._drain)
        loop.call_soon(self._drain)

    def wait_listener_closed(self, timeout_s: float) -> bool:
        """Blocks until the listening socket is closed by libzmq's IO thread (well under 1 ms). False if it is late."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._drain()
            left_s = deadline - time.monotonic()
            if self._listener_closed or left_s <= 0:
                return self._listener_closed
            self._sock.poll(max(1, round(left_s * 1000)))

    def close(self) -> None:
        """Stops watching. To be called before the watched socket is closed. Idempotent."""
        if self._sock.closed:
            return
        self._loop.remove_reader(self._fd)
        self._watched.disable_monitor()
        self._sock.close(linger=0)

    def _drain(self) -> None:
        while not self._sock.closed:
            try:
                frames = self._sock.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            event = Event(_EVENT.unpack(frames[0])[0])
            if event is Event.CLOSED:
                self._listener_closed = True
            self._on_event(event)
