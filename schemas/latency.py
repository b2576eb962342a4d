"""The last durations of one leg, and what they sum up to."""

from __future__ import annotations

from array import array
from typing import Final

from schemas.clock import NS_PER_MS

_NS_PER_US: Final = NS_PER_MS / 1_000


class LatencyWindow:
    """Holds the last `size` durations; adding one allocates nothing. Not for several threads."""

    __slots__ = ("_at", "_values", "count")

    def __init__(self, size: int = 16_384) -> None:
        self._values = array("q", bytes(8 * size))
        self._at = 0
        self.count = 0

    def add(self, duration_ns: int) -> None:
        """Note one duration, ns."""
        self._values[self._at] = duration_ns
        self._at = (self._at + 1) % len(self._values)
        self.count += 1

    def summary(self, name: str) -> dict[str, float]:
        """`<name>_p50_us`, `_p99_us`, `_max_us` over the window, and `_count` since the start; {} before the first."""
        held = min(self.count, len(self._values))
        if not held:
            return {}
        ordered = sorted(self._values[:held])
        return {
            f"{name}_p50_us": ordered[held // 2] / _NS_PER_US,
            f"{name}_p99_us": ordered[min(held - 1, held * 99 // 100)] / _NS_PER_US,
            f"{name}_max_us": ordered[-1] / _NS_PER_US,
            f"{name}_count": float(self.count),
        }
