"""Lifting a HALT: the id has to be the standing one, and the engine has to say that it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.messages import SignalKind
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.halts import HaltDesk
from sovereign_tui.ops.watch import EngineView


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """How it went. `halt_id` None: no halt stands."""

    ok: bool
    halt_id: str | None
    text: str


class ResumeDesk:
    """Asks for RESUMEs and waits for their acknowledgement."""

    def __init__(self, *, halts: HaltDesk, asker: Asker, engine: Callable[[], EngineView]) -> None:
        self._halts = halts
        self._asker = asker
        self._engine = engine

    async def resume(self, wanted: str | None, issuer: str) -> Resumed:
        """Lift the halt `wanted`: whoever resumes names what is lifted."""
        view = self._engine()
        in_file = self._halts.standing_file
        if not view.known:
            name = in_file.id if in_file else None
            return Resumed(ok=False, halt_id=name, text="the engine does not answer; whatever halt stands, stands")
        standing = view.halt_id or (in_file.id if in_file else None)
        if standing is None:
            return Resumed(ok=False, halt_id=None, text="no halt stands; nothing to resume")
        if wanted != standing:
            named = "none" if wanted is None else wanted
            return Resumed(ok=False, halt_id=standing, text=f"halt {standing} stands, {named} was named")
        held = self._halts.hold_back()
        ack = await self._asker.ask(
            SignalKind.SYSTEM_RESUME, issuer=issuer, reason="resume", target=standing,
            still=lambda: self._halts.is_quiet,
        )  # fmt: skip
        if ack is None or not ack.ok:
            overtaken = ack is None and not self._halts.is_quiet
            self._halts.go_on(held)
            why = "a HALT was asked for meanwhile" if overtaken else self._asker.refusal(ack)
            return Resumed(ok=False, halt_id=standing, text=f"{why}; halt {standing} stands")
        problem = self._halts.lifted(standing)
        return Resumed(ok=True, halt_id=standing, text=problem or ack.text)
