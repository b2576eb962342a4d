"""Faults of the connections: the notice of an upgrade with the close that follows, the close of those that use a key

which was changed, and the cut without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from engine.exchange.faults.switchboard import Switchboard
from schemas.clock import NS_PER_MS

_NOTICE: Final = "The connection will soon be closed for a service upgrade. Please reconnect."
_KEY_CHANGED: Final = 4007
_GOING_AWAY: Final = 1001  # RFC 6455; OKX does not say which code it uses then


class Peer(Protocol):
    """A websocket connection of a client. `path`: public, private or business; `logged_in`: it has shown the key."""

    path: str
    logged_in: bool

    def notice(self, code: str, msg: str) -> None:
        """Tells it an event notice."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Closes it with a close frame, after what is queued."""
        ...

    def drop(self) -> None:
        """Cuts it: no close frame, and nothing of what is queued."""
        ...


class Lines:
    """All connections of the venue, in the order in which they came."""

    def __init__(self, faults: Switchboard) -> None:
        self._faults = faults
        self._peers: list[Peer] = []
        self._leaving: list[tuple[int, list[Peer]]] = []
        self._later: list[tuple[int, Callable[[], None]]] = []

    def join(self, peer: Peer) -> None:
        """A new connection."""
        self._peers.append(peer)

    def leave(self, peer: Peer) -> None:
        """It is gone; one that is unknown is ignored."""
        if peer in self._peers:
            self._peers.remove(peer)

    def drop_private(self) -> None:
        """Cuts every private websocket."""
        for peer in [peer for peer in self._peers if peer.path == "private"]:
            peer.drop()

    def later(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Does something at the first tick after so long."""
        self._later.append((self._faults.now_ns() + delay_ms * NS_PER_MS, act))

    def tick(self) -> None:
        """Gives a notice that strikes now, and closes who was told long enough ago; who came later stays.

        A key that is changed now closes all who have logged in with it.
        """
        now_ns = self._faults.now_ns()
        due, self._later = (
            [item for item in self._later if now_ns >= item[0]],
            [item for item in self._later if now_ns < item[0]],
        )
        for _, act in due:
            act()
        keyed = [peer for peer in self._peers if peer.logged_in]
        if keyed and self._faults.strikes("key_changed") is not None:
            for peer in keyed:
                self.leave(peer)
                peer.end(_KEY_CHANGED, "API key has been updated or deleted")
        for due_ns, told in self._leaving:
            if now_ns >= due_ns:
                for peer in [peer for peer in told if peer in self._peers]:
                    self.leave(peer)
                    peer.end(_GOING_AWAY, "Service upgrade")
        self._leaving = [leaving for leaving in self._leaving if now_ns < leaving[0]]
        told_already = [peer for _, told in self._leaving for peer in told]
        untold = [peer for peer in self._peers if peer not in told_already]
        if untold and (fault := self._faults.strikes("upgrade_notice")) is not None:
            self._leaving.append((now_ns + fault.delay_ms * NS_PER_MS, untold))
            for peer in untold:
                peer.notice("64008", _NOTICE)
