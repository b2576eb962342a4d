"""The watches: who has gone silent. Pure: times in, causes out."""

from __future__ import annotations

from collections import deque

from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import Heartbeat


class BrainWatch:
    """Alive means heartbeats *and* progress: a brain whose ticks or decisions stand still while ticks flow is dead.

    One that was dead, or that begins anew, owes `proof_beats` good heartbeats in a row before it is `proven`. A good
    one has taken all the ticks that there were at the one before it. A tick that was never ours, of an engine before
    this one, is none. Times are monotonic ns.
    """

    def __init__(self, timeout_s: float, proof_beats: int = 1) -> None:
        self._timeout_ns = int(timeout_s * NS_PER_S)
        self._proof_beats = proof_beats
        self._beat_ns: int | None = None
        self._behind_ns: int | None = None
        self._tick = -1
        self._newest = 0
        self._owed = 0
        self.last_decision_sequence = 0

    def on_heartbeat(self, beat: Heartbeat, now_ns: int, *, newest: int | None = None) -> None:
        """One heartbeat came in. `newest`: sequence of our newest tick; None: not known."""
        tick = beat.last_tick_sequence if newest is None or beat.last_tick_sequence <= newest else 0
        anew = beat.last_decision_sequence < self.last_decision_sequence
        moved = tick != self._tick
        decided = beat.last_decision_sequence != self.last_decision_sequence
        if anew:
            self._owed = self._proof_beats
        if moved and (decided or self._beat_ns is None):
            self._behind_ns = None
        caught_up = tick >= self._newest and not anew
        if self._owed:
            self._owed = self._owed - 1 if caught_up and (decided or not moved) else self._proof_beats
        self._tick, self._newest, self._beat_ns = tick, newest or 0, now_ns
        self.last_decision_sequence = beat.last_decision_sequence

    def reopened(self, now_ns: int) -> None:
        """The port took no heartbeats for a while: one that was alive by then has as long as everybody, and proves it.

        Before the first heartbeat there is nobody to wait for.
        """
        if self._beat_ns is not None:
            self.doubt()
            self._beat_ns, self._behind_ns = now_ns, None

    def doubt(self) -> None:
        """It has to prove itself anew."""
        self._owed = self._proof_beats

    @property
    def owes(self) -> int:
        """Good heartbeats that it still owes; 0: proven."""
        return self._owed

    def age_ms(self, now_ns: int) -> float | None:
        """Age of the last heartbeat, ms; None before the first."""
        return None if self._beat_ns is None else (now_ns - self._beat_ns) / NS_PER_MS

    def dead(self, now_ns: int, *, tick_sequence: int, tick_age_ns: int) -> str:
        """Why the brain counts as dead; "" when it lives. `tick_sequence`, `tick_age_ns`: of our newest tick."""
        why = self._why_dead(now_ns, tick_sequence, tick_age_ns)
        if why and self._beat_ns is not None:
            self.doubt()
        return why

    def _why_dead(self, now_ns: int, tick_sequence: int, tick_age_ns: int) -> str:
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


class PauseWatch:
    """Notices that this process stood still, or that the machine slept: everything that it knows is old then.

    `boot_ns` goes on while the machine sleeps, `monotonic_ns` does not (on macOS both do, and a sleep is a long pause).
    """

    def __init__(self, *, pause_s: float) -> None:
        self._pause_ns = int(pause_s * NS_PER_S)
        self._last: tuple[int, int] | None = None
        self.lag_ns = 0
        """How late the last look was."""

    def look(self, *, monotonic_ns: int, boot_ns: int, due_ns: int) -> str:
        """What happened since the last look, "" if nothing did. `due_ns`: how long after the last look this one was
        to be."""
        before, self._last = self._last, (monotonic_ns, boot_ns)
        if before is None:
            return ""
        ran_ns, passed_ns = monotonic_ns - before[0], boot_ns - before[1]
        self.lag_ns = max(0, ran_ns - due_ns)
        if passed_ns - ran_ns > self._pause_ns:
            return f"the machine slept for {(passed_ns - ran_ns) / NS_PER_S:.1f} s"
        if self.lag_ns > self._pause_ns:
            return f"this process stood still for {self.lag_ns / NS_PER_S:.1f} s"
        return ""


class Burst:
    """Counts what goes wrong: `limit` within `window_s` is too much. Times are monotonic ns."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit, self._window_ns, self._window_s = limit, int(window_s * NS_PER_S), window_s
        self._times: deque[int] = deque(maxlen=limit)

    def add(self, now_ns: int) -> str:
        """One more. Returns why it is too much, "" if it is not."""
        self._times.append(now_ns)
        if len(self._times) < self._limit or now_ns - self._times[0] > self._window_ns:
            return ""
        return f"{self._limit} within {self._window_s:g} s"

    def forget(self) -> None:
        """Whoever looked says that it is well."""
        self._times.clear()


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
