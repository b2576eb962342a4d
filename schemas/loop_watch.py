"""How late a process' event loop is: the one number that says whether the process can act when it has to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.latency import LatencyWindow

WAKE_NS: Final = 20 * NS_PER_MS
_RECENT_NS: Final = 2 * NS_PER_S
_SUMMED_NS: Final = 10 * NS_PER_S

Frozen = Callable[[int], None]
"""Hears of one lateness, ns."""


class LoopWatch:
    """A task that sleeps 20 ms, again and again, and measures how much later it wakes. Monotonic time.

    `window` holds each lateness, ns. A freeze is one lateness, however long it was.
    """

    def __init__(self, clock: Clock, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._due_ns: int | None = None
        self._seen: deque[tuple[int, int]] = deque()
        self._worst: deque[tuple[int, int]] = deque()  # of the last 2 s, each later and smaller than the one before
        self._bounds: list[tuple[int, Frozen]] = []
        self.window = LatencyWindow(1_024)

    def when_frozen(self, bound_ns: int, callback: Frozen) -> None:
        """From now on call `callback` with each lateness of at least `bound_ns`, as soon as the loop runs again."""
        self._bounds.append((bound_ns, callback))

    def lag_ns(self) -> int:
        """The worst lateness of the last 2 s, ns, with one that goes on while this is asked. Cheap: for each order."""
        now = self._clock.monotonic_ns()
        late = 0 if self._due_ns is None else max(0, now - self._due_ns)
        worst = self._worst
        while worst and now - worst[0][0] > _RECENT_NS:
            worst.popleft()
        return max(late, worst[0][1]) if worst else late

    def metrics(self, process: str) -> dict[str, float]:
        """`<process>.loop_lag_p99_ms` and `_max_ms` of the last 10 s; {} before the first."""
        now = self._clock.monotonic_ns()
        ordered = sorted(lag for at, lag in self._seen if now - at <= _SUMMED_NS)
        if not ordered:
            return {}
        return {
            f"{process}.loop_lag_p99_ms": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / NS_PER_MS,
            f"{process}.loop_lag_max_ms": ordered[-1] / NS_PER_MS,
        }

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._due_ns = self._clock.monotonic_ns() + WAKE_NS
            await self._sleep(WAKE_NS / NS_PER_S)
            self._woke(self._clock.monotonic_ns(), self._due_ns)

    def _woke(self, now_ns: int, due_ns: int) -> None:
        lag_ns = max(0, now_ns - due_ns)
        self.window.add(lag_ns)
        self._seen.append((now_ns, lag_ns))
        while now_ns - self._seen[0][0] > _SUMMED_NS:
            self._seen.popleft()
        while self._worst and self._worst[-1][1] <= lag_ns:
            self._worst.pop()
        self._worst.append((now_ns, lag_ns))
        for bound_ns, callback in self._bounds:
            if lag_ns >= bound_ns:
                callback(lag_ns)
