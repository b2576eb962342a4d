"""Asking the engine for something by a signal, until it acknowledges: one id, repeated, answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from schemas.messages import SignalKind
from sovereign_tui.ops.telemetry import SignalAck

WAIT_S: Final = 5.0
_REPEAT_S: Final = 0.2


class Signals(Protocol):
    """What is needed of the hub."""

    def signal(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "", id_: str | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> str: ...  # fmt: skip


class Asker:
    """Sends a signal and waits for its SIGNAL_ACK. The receiver acts once on an id, however often it hears it."""

    def __init__(self, hub: Signals, *, wait_s: float = WAIT_S) -> None:
        self._hub = hub
        self.wait_s = wait_s
        self._waiting: dict[str, asyncio.Future[SignalAck]] = {}

    def on_ack(self, ack: SignalAck) -> None:
        """An acknowledgement of any signal."""
        waiter = self._waiting.get(ack.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(ack)

    async def ask(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "",
        changes: Mapping[str, str] | None = None, still: Callable[[], bool] = lambda: True,
    ) -> SignalAck | None:  # fmt: skip
        """What the engine says to it; None: nothing within `wait_s`, or until it was not `still` wanted."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[SignalAck] = loop.create_future()
        id_ = self._hub.signal(kind, issuer=issuer, reason=reason, target=target, changes=changes)
        self._waiting[id_] = waiter
        end = loop.time() + self.wait_s
        try:
            while (left := end - loop.time()) > 0:
                await asyncio.wait({waiter}, timeout=min(_REPEAT_S, left))
                if waiter.done():
                    return waiter.result()
                if not still():
                    return None
                self._hub.signal(kind, issuer=issuer, reason=reason, target=target, id_=id_, changes=changes)
            return None
        finally:
            del self._waiting[id_]

    def refusal(self, ack: SignalAck | None) -> str | None:
        """Why it was not done; None: it was."""
        if ack is None:
            return f"the engine has not answered within {self.wait_s:g} s"
        return None if ack.ok else ack.text or "the engine refuses, and gives no reason"
