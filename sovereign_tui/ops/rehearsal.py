"""Rehearsing a HALT: the way of one, from the operator's key to the engine and back, with nothing at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.clock import NS_PER_MS, Clock
from schemas.messages import SignalKind
from sovereign_tui.ops.asking import Asker


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """How it went. From the operator's key: `ops_ms` to ops having the command, `engine_ms` to the engine's answer
    being at ops; None: it has not answered."""

    ok: bool
    text: str
    ops_ms: float
    engine_ms: float | None


class RehearsalDesk:
    """Asks the engine whether it could latch a HALT. `log(level, text)` tells everybody."""

    def __init__(self, *, asker: Asker, clock: Clock, log: Callable[[str, str], None]) -> None:
        self._asker, self._clock, self._log = asker, clock, log

    def is_past(self, mono_ns: int) -> bool:
        """Can it be when somebody has asked?"""
        return 0 < mono_ns <= self._clock.monotonic_ns()

    async def rehearse(self, issuer: str, mono_ns: int) -> Rehearsed:
        """`mono_ns`: when the operator hit the key."""
        ops_ms = self._since_ms(mono_ns)
        ack = await self._asker.ask(SignalKind.REHEARSE, issuer=issuer, reason="rehearsal")
        engine_ms = None if ack is None else self._since_ms(mono_ns)
        refusal = self._asker.refusal(ack)
        text = refusal if refusal is not None else (ack.text if ack is not None else "")
        took = "" if engine_ms is None else f" in {engine_ms:.1f} ms"
        self._log("info" if refusal is None else "warning", f"HALT rehearsed by {issuer}{took}: {text}")
        return Rehearsed(ok=refusal is None, text=text, ops_ms=ops_ms, engine_ms=engine_ms)

    def _since_ms(self, mono_ns: int) -> float:
        return round((self._clock.monotonic_ns() - mono_ns) / NS_PER_MS, 3)
