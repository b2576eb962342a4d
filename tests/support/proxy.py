"""A TCP proxy that can be cut: what passes through it stops, as when a cable is pulled, and comes back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_PIECE = 65_536


class Proxy:
    """Passes connections on to `target`, a port of loopback, while it is not cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._whole = threading.Event()
        self._whole.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends all connections; new ones end at once."""
        self._whole.clear()
        for end in self._open:
            with contextlib.suppress(OSError):  # it ended by itself
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        """From now on new connections pass."""
        self._whole.set()

    def close(self) -> None:
        """The end of it."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=2)
            except OSError:  # the target's port is closed
                near.close()
                continue
            if not self._whole.is_set():
                near.close()
                far.close()
                continue
            far.settimeout(None)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A proxy, closed at the end."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
