"""What ops signals, and what the engine does about it; each but the heartbeat is acknowledged."""

from __future__ import annotations

from typing import Final

from engine.limits import Limits
from engine.safety.halt import Halt
from engine.safety.rehearsal import Rehearsal
from engine.safety.watches import SilenceWatch
from engine.trading import Trading
from schemas import codec
from schemas.clock import NS_PER_S, Clock
from schemas.messages import CONFIRMED, Signal, SignalKind, TelemetryKind
from schemas.process import Runtime
from schemas.settings.readers import when

_ASKED: Final = frozenset(
    {
        SignalKind.FLATTEN, SignalKind.SYSTEM_RESUME, SignalKind.CONFIG_UPDATE, SignalKind.REARM, SignalKind.REHEARSE,
    }
)  # fmt: skip
_FRESH_NS: Final = 1 * NS_PER_S
"""Ops says these again every 0.2 s until they are answered, and gives up after 5 s: what is older was given up."""


class SignalDesk:
    """Takes the signals of ops. What was said before this process began is not for it, but for a halt.

    Nor is what waited while this process stood still: whoever asked was told that it was not done.
    """

    def __init__(
        self, *, runtime: Runtime, halt: Halt, rehearsal: Rehearsal, limits: Limits, trading: Trading,
        ops: SilenceWatch, clock: Clock,
    ) -> None:  # fmt: skip
        self._runtime, self._halt, self._limits, self._trading = runtime, halt, limits, trading
        self._rehearsal, self._ops, self._clock = rehearsal, ops, clock
        self._started_ns = clock.monotonic_ns()

    def on_signal(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        """One message of the signal channel."""
        try:
            signal = codec.decode_signal(payload)
        except codec.Malformed as error:
            self._runtime.reporter.log("warning", f"signal dropped: {error}")
            return
        self._ops.heard(self._clock.monotonic_ns())
        if signal.kind is SignalKind.OPS_HEARTBEAT:
            return
        age_ns = self._clock.wall_ns() - signal.timestamp_ns  # ops has the same clock, wherever somebody has set it
        if signal.kind is SignalKind.SYSTEM_HALT:
            self._halt.on_signal(signal)
        elif age_ns > self._clock.monotonic_ns() - self._started_ns:
            return  # said to a former life
        elif signal.kind in _ASKED and age_ns > _FRESH_NS:
            self._runtime.reporter.log("warning", f"{signal.kind.name} of {signal.issuer} came too late; not done")
        elif signal.kind is SignalKind.FLATTEN:
            self._halt.on_signal(signal, flatten=True)
        elif signal.kind is SignalKind.SYSTEM_RESUME:
            self._acknowledge(signal, *self._halt.on_resume(signal))
        elif signal.kind is SignalKind.CONFIG_UPDATE:
            self._acknowledge(signal, *self._changed(signal))
        elif signal.kind is SignalKind.REARM:
            self._acknowledge(signal, True, self._rearm(signal))
        elif signal.kind is SignalKind.REHEARSE:
            self._rehearsal.on_signal(signal, self._acknowledge)
        elif signal.kind is SignalKind.SHUTDOWN and signal.target in {"", self._runtime.name}:
            self._acknowledge(signal, True, "stopping")
            self._runtime.stopping.set()
        else:
            self._acknowledge(signal, False, f"this engine does not do {signal.kind.name}")

    def _changed(self, signal: Signal) -> tuple[bool, str]:
        """Limits are changed now; of the other settings it says when they count."""
        if signal.changes and not any(key.startswith("risk.") for key in signal.changes):
            return True, "; ".join(sorted({when(self._runtime.name, key) for key in signal.changes}))
        return self._limits.change(signal.changes, confirmed=signal.target == CONFIRMED, issuer=signal.issuer)

    def _rearm(self, signal: Signal) -> str:
        """The operator has looked: what waited for that falls."""
        lifted = ", ".join(filter(None, (self._trading.rearm(), self._limits.rearm(self._trading.account))))
        text = f"re-armed: {lifted}" if lifted else "nothing waited for a re-arm"
        self._runtime.reporter.log("warning", f"{text}; by {signal.issuer}: {signal.reason or 'no reason given'}")
        return text

    def _acknowledge(self, signal: Signal, ok: bool, text: str) -> None:
        data = {"id": signal.id, "kind": signal.kind.name, "ok": ok, "text": text}
        self._runtime.reporter.send(TelemetryKind.SIGNAL_ACK, data)
