"""Lifting a HALT: the id has to be the standing one, and the engine has to say that it did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas.messages import SignalKind
from sovereign_tui.ops.halts import HaltDesk, Megaphone
from sovereign_tui.ops.telemetry import SignalAck
from sovereign_tui.ops.watch import EngineView

_WAIT_S: Final = 5.0
_REPEAT_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """How it went. `halt_id` None: no halt stands."""

    ok: bool
    halt_id: str | None
    text: str


class ResumeDesk:
    """Asks for RESUMEs and waits for their acknowledgement."""

    def __init__(
        self, *, halts: HaltDesk, hub: Megaphone, engine: Callable[[], EngineView], wait_s: float = _WAIT_S
    ) -> None:
        self._halts = halts
        self._hub = hub
        self._engine = engine
        self._wait_s = wait_s
        self._waiting: dict[str, asyncio.Future[SignalAck]] = {}

    def on_ack(self, ack: SignalAck) -> None:
        """An acknowledgement of any signal."""
        waiter = self._waiting.get(ack.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(ack)

    async def resume(self, wanted: str | None, issuer: str) -> Resumed:
        """Lift the halt `wanted`, the standing one if None."""
        view = self._engine()
        in_file = self._halts.standing_file
        if not view.known:
            name = in_file.id if in_file else None
            return Resumed(ok=False, halt_id=name, text="the engine does not answer; whatever halt stands, stands")
        standing = view.halt_id or (in_file.id if in_file else None)
        if standing is None:
            return Resumed(ok=False, halt_id=None, text="no halt stands; nothing to resume")
        if wanted is not None and wanted != standing:
            return Resumed(ok=False, halt_id=standing, text=f"halt {standing} stands, {wanted} was named")
        held = self._halts.hold_back()
        ack = await self._ask(standing, issuer)
        if ack is None or not ack.ok:
            self._halts.go_on(held)
            why = f"the engine has not answered within {self._wait_s:g} s" if ack is None else ack.text
            return Resumed(ok=False, halt_id=standing, text=f"{why}; halt {standing} stands")
        problem = self._halts.lifted()
        return Resumed(ok=True, halt_id=standing, text=problem or ack.text)

    async def _ask(self, standing: str, issuer: str) -> SignalAck | None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[SignalAck] = loop.create_future()
        id_ = self._say(standing, issuer, None)
        self._waiting[id_] = waiter
        end = loop.time() + self._wait_s
        try:
            while (left := end - loop.time()) > 0:
                await asyncio.wait({waiter}, timeout=min(_REPEAT_S, left))
                if waiter.done():
                    return waiter.result()
                self._say(standing, issuer, id_)
            return None
        finally:
            del self._waiting[id_]

    def _say(self, standing: str, issuer: str, id_: str | None) -> str:
        return self._hub.signal(
            SignalKind.SYSTEM_RESUME, issuer=issuer, reason="resume", target=standing, id_=id_
        )  # fmt: skip
