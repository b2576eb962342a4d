"""A clock that moves only when a test moves it."""

from __future__ import annotations

from schemas.clock import NS_PER_MS, NS_PER_S


class ManualClock:
    """Starts at a fixed instant; `advance` moves wall and monotonic time together."""

    def __init__(self, *, wall_ns: int = 1_721_347_020_000_000_000, monotonic_ns: int = 5_000_000_000) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns

    def wall_ns(self) -> int:
        return self._wall_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, *, s: float = 0.0, ms: float = 0.0, ns: int = 0) -> None:
        step = round(s * NS_PER_S) + round(ms * NS_PER_MS) + ns
        self._wall_ns += step
        self._monotonic_ns += step

    def step_wall(self, *, s: float) -> None:
        """Only the wall clock jumps, as when NTP corrects it."""
        self._wall_ns += round(s * NS_PER_S)
