"""All channels of one process: one zmq context, one keyring, one tap, one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import zmq

from schemas.blackbox.tap import NullTap, Tap
from schemas.channels import endpoint as endpoints
from schemas.channels.auth import ZAP_DOMAIN, Doorkeeper
from schemas.channels.drain import LINGER_MS, Drained, Opened
from schemas.channels.frame import MAX_PAYLOAD, prefix
from schemas.channels.keyring import Keyring
from schemas.channels.monitor import FAILURES, Event, Monitor, RawSocket
from schemas.channels.pipeline import Puller, Pusher
from schemas.channels.publish import Publisher
from schemas.channels.reply import Handler, Replier
from schemas.channels.request import Requester
from schemas.channels.sequence import Gap
from schemas.channels.subscribe import OnMessage, Subscriber
from schemas.clock import Clock
from schemas.topology import HEALING

STREAM_HIGH_WATER: Final = 20_000
"""Messages queued per subscriber, on each side."""
QUEUE_HIGH_WATER: Final = 1_000
"""Messages queued per peer of the other patterns."""

_NEVER_MS: Final = 24 * 3600 * 1000

_OPTIONS: Final = {
    zmq.LINGER: LINGER_MS,
    zmq.HEARTBEAT_IVL: 100,
    zmq.HEARTBEAT_TIMEOUT: 300,
    zmq.HANDSHAKE_IVL: 3_000,
    zmq.RECONNECT_IVL: 20,
    zmq.RECONNECT_IVL_MAX: 200,
    zmq.MAXMSGSIZE: 2 * MAX_PAYLOAD,  # beyond it libzmq drops the peer; between the two the channel drops and counts
}

_C = TypeVar("_C", bound=Drained)


class Wire:
    """Opens channels. To be made, used and closed on the loop's thread.

    `keys` None turns CURVE off; otherwise what binds is a CURVE server that accepts the keyring's client key alone,
    and what connects is a client. A peer without the right key gets no answer; `refused_peers` counts.
    `endpoint`s: tcp://host:port (port 0 to bind a free one) or ipc://path. `name` is what the blackbox calls the
    channel, the endpoint if None. All channels raise BadEndpoint; those that bind, EndpointTaken.
    """

    def __init__(
        self,
        *,
        process: str,
        keys: Keyring | None,
        clock: Clock,
        tap: Tap | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.process = process
        self.refused_peers = 0
        """Attempts to connect to us that failed the handshake or showed a wrong key. A peer tries again and again."""
        self.failed_handshakes = 0
        """Our own attempts to connect that the other side refused, or that broke off."""
        self._keys = keys
        self._clock = clock
        self._tap = None if tap is None or isinstance(tap, NullTap) else tap
        self._loop = loop or asyncio.get_running_loop()
        self._context: zmq.Context[RawSocket] = zmq.Context(io_threads=1)
        self._channels: list[Drained] = []
        self._closed = False
        self._doorkeeper: Doorkeeper | None = None
        if keys is not None:
            self._doorkeeper = Doorkeeper(self._context, self._loop, keys.client_public, self._count_refused)

    def publisher(
        self,
        endpoint: str,
        *,
        bind: bool = True,
        high_water: int = STREAM_HIGH_WATER,
        vital: bool = False,
        name: str | None = None,
    ) -> Publisher:
        """A publisher; `vital` if none of its messages may be missing from the blackbox (signals)."""
        sock = self._socket(zmq.XPUB, high_water)
        sock.set(zmq.XPUB_VERBOSER, 1)
        opened = self._open(sock, endpoint, name, bind=bind)
        return self._keep(Publisher(opened, clock=self._clock, vital=vital))

    def subscriber(
        self,
        endpoint: str,
        topics: Iterable[str],
        on_message: OnMessage,
        *,
        on_gap: Callable[[Gap], None] | None = None,
        on_drained: Callable[[], None] | None = None,
        connect: bool = True,
        conflate: bool = False,
        healing: tuple[str, ...] = HEALING,
        high_water: int = STREAM_HIGH_WATER,
        vital: bool = False,
        newest: bool = False,
        name: str | None = None,
    ) -> Subscriber:
        """A subscriber of topics or prefixes of topics (one may stand alone as a str). Raises BadTopic.

        `newest`: of the one topic only the newest message, at each `look`.
        """
        wanted = (topics,) if isinstance(topics, str) else tuple(topics)
        for topic in wanted:
            prefix(topic)  # refused before anything is open
        sock = self._socket(zmq.SUB, high_water)
        if newest:
            sock.set(zmq.CONFLATE, 1)
        opened = self._open(sock, endpoint, name, bind=not connect)
        subscriber = Subscriber(
            opened,
            topics=wanted,
            on_message=on_message,
            on_gap=on_gap,
            on_drained=on_drained,
            conflate=conflate,
            healing=healing,
            vital=vital,
            newest=newest,
        )
        return self._keep(subscriber)

    def requester(self, endpoint: str, *, name: str | None = None) -> Requester:
        """The asking side of requests. It connects in the background: `wait_connected` before the first request."""

        def dial(on_event: Callable[[Event], None]) -> Opened:
            sock = self._socket(zmq.DEALER, QUEUE_HIGH_WATER)
            sock.set(zmq.RECONNECT_IVL, _NEVER_MS)  # the requester dials anew itself
            sock.set(zmq.RECONNECT_IVL_MAX, 0)
            return self._open(sock, endpoint, name, bind=False, on_event=on_event)

        return self._keep(Requester(dial))

    def replier(self, endpoint: str, handler: Handler, *, name: str | None = None) -> Replier:
        """The answering side of requests."""
        sock = self._socket(zmq.ROUTER, QUEUE_HIGH_WATER)
        sock.set(zmq.ROUTER_MANDATORY, 1)
        opened = self._open(sock, endpoint, name, bind=True)
        return self._keep(Replier(opened, handler=handler))

    def pusher(
        self, endpoint: str, *, high_water: int = QUEUE_HIGH_WATER, vital: bool = False, name: str | None = None
    ) -> Pusher:
        """The sending side of telemetry."""
        sock = self._socket(zmq.PUSH, high_water)
        return self._keep(Pusher(self._open(sock, endpoint, name, bind=False), vital=vital))

    def puller(
        self,
        endpoint: str,
        on_message: Callable[[memoryview], None],
        *,
        high_water: int = QUEUE_HIGH_WATER,
        vital: bool = False,
        name: str | None = None,
    ) -> Puller:
        """The receiving side of telemetry."""
        sock = self._socket(zmq.PULL, high_water)
        opened = self._open(sock, endpoint, name, bind=True)
        return self._keep(Puller(opened, on_message=on_message, vital=vital))

    def close(self) -> None:
        """Closes all channels and waits up to 500 ms for what is still to be sent. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for channel in list(self._channels):
            channel.close()
        if self._doorkeeper is not None:
            self._doorkeeper.close()
        self._context.term()

    def _socket(self, kind: int, high_water: int) -> RawSocket:
        sock = self._context.socket(kind)
        for option, value in _OPTIONS.items():
            sock.set(option, value)
        sock.set(zmq.SNDHWM, high_water)
        sock.set(zmq.RCVHWM, high_water)
        return sock

    def _open(
        self,
        sock: RawSocket,
        endpoint: str,
        name: str | None,
        *,
        bind: bool,
        on_event: Callable[[Event], None] | None = None,
    ) -> Opened:
        if self._keys is not None:
            _set_keys(sock, self._keys, bind=bind)

        def seen(event: Event) -> None:
            if event in FAILURES:
                self._count_failure(event, bound=bind)
            if on_event is not None:
                on_event(event)

        monitor = Monitor(self._context, sock, self._loop, seen)
        done = False
        try:
            real = endpoints.bind(sock, endpoint) if bind else endpoints.connect(sock, endpoint)
            done = True
        finally:
            if not done:
                monitor.close()
                sock.close(linger=0)
        return Opened(
            sock=sock,
            monitor=monitor,
            endpoint=real,
            bound=bind,
            name=name,
            loop=self._loop,
            tap=self._tap,
            on_close=self._channels.remove,
        )

    def _keep(self, channel: _C) -> _C:
        self._channels.append(channel)
        return channel

    def _count_refused(self) -> None:
        self.refused_peers += 1

    def _count_failure(self, event: Event, *, bound: bool) -> None:
        if not bound:
            self.failed_handshakes += 1
        elif event is not Event.DENIED:  # the doorkeeper has counted the denied
            self.refused_peers += 1


def _set_keys(sock: RawSocket, keys: Keyring, *, bind: bool) -> None:
    if bind:
        sock.set(zmq.CURVE_SERVER, 1)
        sock.set(zmq.CURVE_PUBLICKEY, keys.server_public)
        sock.set(zmq.CURVE_SECRETKEY, keys.server_secret)
        sock.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        sock.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
    else:
        sock.set(zmq.CURVE_SERVERKEY, keys.server_public)
        sock.set(zmq.CURVE_PUBLICKEY, keys.client_public)
        sock.set(zmq.CURVE_SECRETKEY, keys.client_secret)
