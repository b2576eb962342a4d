"""Endpoints as settings write them, and the binding of sockets to them."""

from __future__ import annotations

import errno
import re
import socket
from pathlib import Path
from typing import Final

import zmq

from schemas.channels.errors import BadEndpoint, EndpointTaken
from schemas.channels.monitor import RawSocket

_TCP: Final = re.compile(r"tcp://(?P<host>\[[0-9a-fA-F:.%\w]+\]|\*|[\w.-]+):(?P<port>\d{1,5})\Z")
_IPC: Final = re.compile(r"ipc://(?P<path>[^\0@*][^\0]*)\Z")
_IPC_LIMIT: Final = 103
"""Bytes of a Unix socket's path: 107 on Linux, 103 on macOS."""

_REASONS: Final = {
    errno.ENODEV: "no interface of this machine has that address",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address",
    errno.EACCES: "not permitted",
    errno.EPERM: "not permitted",
    errno.ENOENT: "the directory does not exist",
    errno.ENAMETOOLONG: "the path is too long",
}


def bind(sock: RawSocket, endpoint: str) -> str:
    """Binds and returns the real endpoint (port 0 takes a free one).

    Raises: EndpointTaken, BadEndpoint.
    """
    wanted = normal(endpoint, bound=True)
    sock.set(zmq.IPV6, int("[" in wanted))
    if wanted.startswith("ipc://") and _answers(wanted.removeprefix("ipc://")):
        raise EndpointTaken(endpoint)  # libzmq would unlink the file and steal the name
    try:
        sock.bind(wanted)
    except zmq.ZMQError as error:
        if error.errno == errno.EADDRINUSE:
            raise EndpointTaken(endpoint) from error
        raise BadEndpoint(endpoint, _REASONS.get(error.errno or 0, str(error))) from error
    return bytes(sock.get(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()


def connect(sock: RawSocket, endpoint: str) -> str:
    """Connects in the background and returns the endpoint. A peer that is not there yet is no error.

    Raises: BadEndpoint.
    """
    wanted = normal(endpoint, bound=False)
    sock.set(zmq.IPV6, int("[" in wanted))
    try:
        sock.connect(wanted)
    except zmq.ZMQError as error:
        raise BadEndpoint(endpoint, _REASONS.get(error.errno or 0, str(error))) from error
    return wanted


def normal(endpoint: str, *, bound: bool) -> str:
    """The endpoint as libzmq takes it: `localhost` is spelt out, since libzmq binds addresses and interfaces only.

    Raises: BadEndpoint.
    """
    if match := _TCP.match(endpoint):
        host, port = match["host"], int(match["port"])
        if port > 65535 or (port == 0 and not bound):
            raise BadEndpoint(endpoint, f"port {port} is out of range")
        if host == "*" and not bound:
            raise BadEndpoint(endpoint, "* names every interface of this machine, which nothing can connect to")
        return f"tcp://{'127.0.0.1' if host == 'localhost' else host}:{port}"
    if match := _IPC.match(endpoint):
        path = match["path"]
        if len(path.encode()) > _IPC_LIMIT:
            raise BadEndpoint(endpoint, f"the path has more than {_IPC_LIMIT} bytes")
        if bound and not Path(path).parent.is_dir():
            raise BadEndpoint(endpoint, "the directory does not exist")
        return endpoint
    raise BadEndpoint(endpoint, "not an endpoint")


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
