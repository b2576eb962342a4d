"""Who may connect: the ZAP handler of one zmq context (RFC 27), on the same loop as the channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import zmq
from zmq.utils import z85

from schemas.channels.monitor import RawSocket

ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"
ZAP_DOMAIN: Final = b"sovereign"
_VERSION: Final = b"1.0"
_REQUEST_FRAMES: Final = 7  # version, id, domain, address, identity, mechanism, the client's public key


class Doorkeeper:
    """Accepts the one client key of the keyring, over CURVE; denies everything else, and counts by `on_denied`.

    Must be bound before any server socket of its context and closed after the last: libzmq lets everybody in
    where no handler is bound (ZAP_ENFORCE_DOMAIN on the sockets closes that hole too).
    """

    def __init__(
        self,
        context: zmq.Context[RawSocket],
        loop: asyncio.AbstractEventLoop,
        client_public: bytes,
        on_denied: Callable[[], None],
    ) -> None:
        self._accepted = z85.decode(client_public)
        self._loop = loop
        self._on_denied = on_denied
        self._sock = context.socket(zmq.REP)
        self._sock.set(zmq.LINGER, 0)
        self._sock.bind(ZAP_ENDPOINT)
        self._fd = int(self._sock.fileno())
        loop.add_reader(self._fd, self._drain)

    def close(self) -> None:
        """Idempotent."""
        if not self._sock.closed:
            self._loop.remove_reader(self._fd)
            self._sock.close(linger=0)

    def _drain(self) -> None:
        while not self._sock.closed:
            try:
                request = self._sock.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            answer = self._judge(request)
            self._sock.send_multipart(answer, zmq.NOBLOCK)

    def _judge(self, request: list[bytes]) -> list[bytes]:
        request_id = request[1] if len(request) > 1 else b""
        well_formed = len(request) == _REQUEST_FRAMES and request[0] == _VERSION and request[2] == ZAP_DOMAIN
        if well_formed and request[5] == b"CURVE" and request[6] == self._accepted:
            return [_VERSION, request_id, b"200", b"OK", b"sovereign", b""]
        self._on_denied()
        return [_VERSION, request_id, b"400", b"not a key of this system", b"", b""]
