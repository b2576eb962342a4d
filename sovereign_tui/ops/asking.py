"""Asking the engine, and others, for something by a signal, until they acknowledge: one id, repeated, answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Set
from typing import Final, Protocol

from schemas.messages import SignalKind
from schemas.topology import ENGINE
from sovereign_tui.ops.telemetry import SignalAck

WAIT_S: Final = 5.0
_REPEAT_S: Final = 0.2
_BESIDE_S: Final = 1.0
_NOBODY: Final[frozenset[str]] = frozenset()


class Signals(Protocol):
    """What is needed of the hub."""

    def signal(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "", id_: str | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> str: ...  # fmt: skip


Acks = dict[str, SignalAck]


class Asker:
    """Sends a signal and waits for its SIGNAL_ACK. The receiver acts once on an id, however often it hears it."""

    def __init__(self, hub: Signals, *, wait_s: float = WAIT_S) -> None:
        self._hub = hub
        self.wait_s = wait_s
        self._waiting: dict[str, tuple[Acks, asyncio.Event]] = {}

    def on_ack(self, ack: SignalAck, process: str = ENGINE) -> None:
        """An acknowledgement of any signal, by whom."""
        waiting = self._waiting.get(ack.id)
        if waiting is not None and process not in waiting[0]:
            waiting[0][process] = ack
            waiting[1].set()

    async def ask(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "",
        changes: Mapping[str, str] | None = None, still: Callable[[], bool] = lambda: True,
    ) -> SignalAck | None:  # fmt: skip
        """What the engine says to it; None: nothing within `wait_s`, or until it was not `still` wanted."""
        acks = await self.ask_all(
            kind, of={ENGINE}, issuer=issuer, reason=reason, target=target, changes=changes, still=still
        )
        return acks.get(ENGINE)

    async def ask_all(
        self, kind: SignalKind, *, of: Set[str], issuer: str, reason: str, target: str = "",
        changes: Mapping[str, str] | None = None, still: Callable[[], bool] = lambda: True, beside: Set[str] = _NOBODY,
    ) -> Acks:  # fmt: skip
        """What each process says to it; who has not answered within `wait_s` is left out.

        `beside`: whose answers are wanted, too, and waited for a second at most once those `of` whom it is asked have
        answered.
        """
        loop = asyncio.get_running_loop()
        acks: Acks = {}
        news = asyncio.Event()
        id_ = self._hub.signal(kind, issuer=issuer, reason=reason, target=target, changes=changes)
        self._waiting[id_] = acks, news
        end = loop.time() + self.wait_s
        try:
            while not of <= acks.keys() and (left := end - loop.time()) > 0:
                if not await _heard(news, min(_REPEAT_S, left)):
                    if not still():
                        return acks
                    self._hub.signal(kind, issuer=issuer, reason=reason, target=target, id_=id_, changes=changes)
            end = min(end, loop.time() + _BESIDE_S)
            while not beside <= acks.keys() and (left := end - loop.time()) > 0:
                await _heard(news, left)
            return acks
        finally:
            del self._waiting[id_]

    def refusal(self, ack: SignalAck | None) -> str | None:
        """Why it was not done; None: it was."""
        if ack is None:
            return f"the engine has not answered within {self.wait_s:g} s"
        return None if ack.ok else ack.text or "the engine refuses, and gives no reason"


async def _heard(news: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), timeout_s)
    except TimeoutError:
        return False
    news.clear()
    return True
