"""What libzmq says about the connections of one socket: refused handshakes, links that come and go."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Callable
from enum import IntEnum
from itertools import count
from typing import Final

import zmq

RawSocket = zmq.Socket[bytes]

_EVENT: Final = struct.Struct("=HI")
_LOOK_S: Final = 20e-6
_names = count(1)


class Event(IntEnum):
    """The events that are watched."""

    LISTENING = int(zmq.EVENT_LISTENING)
    UP = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    DISCONNECTED = int(zmq.EVENT_DISCONNECTED)
    CLOSED = int(zmq.EVENT_CLOSED)
    """An attempt to connect failed."""
    DENIED = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    """It was the key that was refused."""
    FAILED = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    FAILED_PROTOCOL = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)


FAILURES: Final = frozenset({Event.DENIED, Event.FAILED, Event.FAILED_PROTOCOL})


class Listener:
    """The listening descriptor that libzmq holds, to be told when libzmq has let it go."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino

    def wait_closed(self, timeout_s: float) -> bool:
        """Blocks until libzmq's IO thread has closed it (well under 1 ms after the socket). False if it is late."""
        deadline = time.monotonic() + timeout_s
        while self._open():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_S)
        return True

    def _open(self) -> bool:
        try:
            return os.fstat(self._descriptor).st_ino == self._inode
        except OSError:
            return False


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
        self._listener: Listener | None = None
        address = f"inproc://sovereign.monitor.{next(_names)}"
        sock.monitor(address, sum(Event))
        self._sock = context.socket(zmq.PAIR)
        self._sock.set(zmq.RCVHWM, 0)  # a bounded pipe would block libzmq's IO thread when it is full
        self._sock.set(zmq.LINGER, 0)
        self._sock.connect(address)
        self._fd = int(self._sock.fileno())
        loop.add_reader(self._fd, self._drain)
        loop.call_soon(self._drain)

    def listener(self) -> Listener | None:
        """What the watched socket listens on; to be asked after its bind, None before."""
        self._drain()
        return self._listener

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
            kind, value = _EVENT.unpack(frames[0])
            event = Event(kind)
            if event is Event.LISTENING:
                self._listener = Listener(value)
            self._on_event(event)
