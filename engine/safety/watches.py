"""The watches: who has gone silent. Pure: times in, causes out."""

from __future__ import annotations

from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import Heartbeat


class BrainWatch:
    """Alive means heartbeats *and* progress: a brain whose tick stands still while ticks flow is dead.

    Times are monotonic ns.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_ns = int(timeout_s * NS_PER_S)
        self._beat_ns: int | None = None
        self._behind_ns: int | None = None
        self._tick = -1
        self.last_decision_sequence = 0

    def on_heartbeat(self, beat: Heartbeat, now_ns: int) -> None:
        """One heartbeat came in."""
        if beat.last_tick_sequence != self._tick:
            self._tick, self._behind_ns = beat.last_tick_sequence, None
        self._beat_ns = now_ns
        self.last_decision_sequence = beat.last_decision_sequence

    def age_ms(self, now_ns: int) -> float | None:
        """Age of the last heartbeat, ms; None before the first."""
        return None if self._beat_ns is None else (now_ns - self._beat_ns) / NS_PER_MS

    def dead(self, now_ns: int, *, tick_sequence: int, tick_age_ns: int) -> str:
        """Why the brain counts as dead; "" when it lives. `tick_sequence`, `tick_age_ns`: of our newest tick."""
        if self._beat_ns is None:
            return "no heartbeat yet"
        silent_ns = now_ns - self._beat_ns
        if silent_ns > self._timeout_ns:
            return f"no heartbeat for {silent_ns / NS_PER_S:.1f} s"
        if self._tick >= tick_sequence:  # all that there is, however long ago: a silent feed is not its fault
            self._behind_ns = None
            return ""
        self._behind_ns = now_ns if self._behind_ns is None else self._behind_ns
        stuck_ns = now_ns - self._behind_ns
        if stuck_ns > self._timeout_ns and tick_age_ns < self._timeout_ns:
            return f"alive but stuck at tick {self._tick} for {stuck_ns / NS_PER_S:.1f} s"
        return ""


class SilenceWatch:
    """Age of the last sign of life of one peer, monotonic ns."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_ns = int(timeout_s * NS_PER_S)
        self._heard_ns: int | None = None

    def heard(self, now_ns: int) -> None:
        """It spoke."""
        self._heard_ns = now_ns

    def age_ms(self, now_ns: int) -> float | None:
        """Age of the last sign of life, ms; None before the first."""
        return None if self._heard_ns is None else (now_ns - self._heard_ns) / NS_PER_MS

    def silent(self, now_ns: int) -> str:
        """Why it counts as lost; "" while it speaks."""
        if self._heard_ns is None:
            return "not heard yet"
        silent_ns = now_ns - self._heard_ns
        return f"silent for {silent_ns / NS_PER_S:.1f} s" if silent_ns > self._timeout_ns else ""
