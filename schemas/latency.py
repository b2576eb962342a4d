"""The last durations of one leg, and what they sum up to."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.clock import NS_PER_MS

_NS_PER_US: Final = NS_PER_MS / 1_000
_STEP_BITS: Final = 7
"""A bucket has a width of 2**-6 of the power of two that it lies in: its middle is within 0.8 % of all in it."""


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

    def since(self, count: int) -> tuple[array[int], int]:
        """What was added after the first `count`, ns, and how many of those are overwritten already."""
        new = self.count - count
        held = min(new, len(self._values))
        begin = self._at - held
        if begin >= 0:
            return self._values[begin : self._at], new - held
        return self._values[begin:] + self._values[: self._at], new - held

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


def summaries(process: str, legs: Mapping[str, LatencyWindow]) -> dict[str, float]:
    """The summaries of all legs of one process, as `<process>.<leg>_<what>`."""
    found: dict[str, float] = {}
    for leg, window in legs.items():
        found |= window.summary(f"{process}.{leg}")
    return found


class LegReport:
    """Counts what comes into one window, for a report now and then. Nothing of it happens where durations are added.

    `fold` is cheap if it is called often: 1,000 new durations take 0.15 ms, and all that a window holds at once 2 ms.
    """

    def __init__(self, window: LatencyWindow) -> None:
        self._window = window
        self._read = 0
        self._missed = 0
        self._counts: Counter[int] = Counter()

    def fold(self) -> None:
        """Count what is new in the window."""
        fresh, missed = self._window.since(self._read)
        self._read += len(fresh) + missed
        self._missed += missed
        for duration_ns, count in sparse(sorted(fresh)):
            self._counts[duration_ns] += count

    def take(self) -> tuple[list[tuple[int, int]], int]:
        """What came since the last call: duration, ns, and its count, ascending; and how many no count knows of."""
        self.fold()
        taken = sorted(self._counts.items()), self._missed
        self._counts, self._missed = Counter(), 0
        return taken


def sparse(ordered: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending durations, ns, as (duration, count) of log-linear buckets; what is below zero counts as zero.

    Each pair stands for durations that differ from it by 0.8 % at most. It names the last value of the lower half of
    the bucket, which is where an HdrHistogram of two digits has a bound of its own: it adds no error.
    """
    found: list[tuple[int, int]] = []
    at = bisect_left(ordered, 0)
    if at:
        found.append((0, at))
    while at < len(ordered):
        value = ordered[at]
        shift = max(0, value.bit_length() - _STEP_BITS)
        lowest = value >> shift << shift
        after = bisect_left(ordered, lowest + (1 << shift), at)
        found.append((lowest + max(0, (1 << shift >> 1) - 1), after - at))
        at = after
    return found
