"""One zmq socket on an event loop: drained by its descriptor, never awaited.

Theory of operation. The descriptor of a zmq socket becomes readable when something changed, once; any call on the
socket, a send included, may swallow that signal. So a drain receives until EAGAIN, and whoever sends schedules one.
A drain handles a bounded number of messages (`BUDGET`, fewer where each costs more) and then lets the loop run before
it goes on. If a callback of the owner raises, the loop reports it, and the drain goes on with the next message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import zmq
from zmq.backend import Socket as BackendSocket

from schemas.blackbox.tap import Direction, Keep, Tap
from schemas.channels.errors import ChannelClosed
from schemas.channels.monitor import Monitor, RawSocket

BUDGET: Final = 2000
"""Messages per drain, of a stream."""

LINGER_MS: Final = 500
_LISTENER_CLOSES_S: Final = 0.25

_RCVMORE: Final = int(zmq.RCVMORE)
_MORE: Final = zmq.NOBLOCK | zmq.SNDMORE
_send, _receive = BackendSocket.send, BackendSocket.recv
get_option = cast("Callable[[RawSocket, int], int]", BackendSocket.get)
"""One option of a socket that is a whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open socket and what every channel needs besides."""

    sock: RawSocket
    monitor: Monitor
    endpoint: str
    bound: bool
    name: str | None
    loop: asyncio.AbstractEventLoop
    tap: Tap | None
    on_close: Callable[[Drained], None]


def send_frames(sock: RawSocket, frames: Sequence[bytes]) -> None:
    """Sends one message of several frames, never blocking: what Socket.send_multipart does, for a third of its cost.

    Raises: zmq.ZMQError of the first frame; the others go where it went.
    """
    for frame in frames[:-1]:
        _send(sock, frame, _MORE)
    _send(sock, frames[-1], zmq.NOBLOCK)


def receive_frames(sock: RawSocket, *, routed: bool = False) -> list[bytes]:
    """One message of several frames. Raises zmq.Again when none waits.

    `routed`: of a ROUTER, which puts an identity before each message: that more follows it need not be asked (0.5 us).
    """
    frames = [_receive(sock, zmq.NOBLOCK)]
    if routed:
        frames.append(_receive(sock, zmq.NOBLOCK))
    while get_option(sock, _RCVMORE):
        frames.append(_receive(sock, zmq.NOBLOCK))
    return frames


class Drained:
    """The part that all channels share: a socket, its reader, its closing. Used from the loop's thread only."""

    def __init__(self, opened: Opened) -> None:
        self.endpoint = opened.endpoint
        """Where it is really bound or connected: a bound port 0 is replaced by the port that was given."""
        self.name = opened.name or opened.endpoint
        """What the blackbox calls this channel."""
        self.malformed = 0
        """Messages dropped because no channel of ours could have sent them."""
        self._sock = opened.sock
        self._monitor = opened.monitor
        self._bound = opened.bound
        self._loop = opened.loop
        self._tap = opened.tap
        self._on_close = opened.on_close
        self._closed = False
        self._scheduled = False
        self._fd: int | None = None

    @property
    def closed(self) -> bool:
        """True from the first call of close() on."""
        return self._closed

    def close(self) -> None:
        """Stops receiving and sends what is queued, for up to 500 ms in the background. Idempotent.

        When it returns, a bound endpoint refuses new connections and is free to be bound again.
        """
        if self._closed:
            return
        self._closed = True
        self._closing()
        self._on_close(self)
        listener = self._monitor.listener() if self._bound else None
        self._shut(LINGER_MS)  # not unbind: that ends the connections with what they have not sent yet
        if listener is not None:
            listener.wait_closed(_LISTENER_CLOSES_S)

    def _lane(self, direction: Direction, topic: str, *, vital: bool, skip: int = 0) -> Keep | None:
        """What records the messages of one stream of this channel; None without a blackbox."""
        return None if self._tap is None else self._tap.lane(direction, self.name, topic, vital=vital, skip=skip)

    def _shut(self, linger_ms: int) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._fd = None
        self._monitor.close()
        self._sock.close(linger=linger_ms)

    def _start(self) -> None:
        self._fd = int(self._sock.fileno())
        self._loop.add_reader(self._fd, self._readable)
        self._schedule_drain()  # connect or bind may have swallowed the first signal

    def _schedule_drain(self) -> None:
        if not self._scheduled and not self._closed:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _readable(self) -> None:
        if not self._scheduled:  # else it comes in this turn of the loop anyway, and one drain a turn is our share
            self._drain()

    def _drain(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        more = True  # stays so when a callback raises: what is still queued must not wait for the next signal
        try:
            more = self._receive()
        finally:
            if more:
                self._schedule_drain()

    def _receive(self) -> bool:
        """Handles a bounded number of messages. Returns True if there may be more."""
        raise NotImplementedError

    def _closing(self) -> None:
        """What a channel still does before its socket is closed."""

    def _demand_open(self) -> None:
        if self._closed:
            raise ChannelClosed(self.endpoint)
