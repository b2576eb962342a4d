"""How many orders were sent lately, and whether the throttle has latched. Pure; times are monotonic ns."""

from __future__ import annotations

from collections import deque

from engine.risk.view import Traffic
from schemas.clock import NS_PER_S


class TrafficCounter:
    """Counts what the gate cleared. The latch falls only when the operator re-arms."""

    def __init__(self, *, limit: int, window_s: float, latched: str = "") -> None:
        self._limit = limit
        self._window_ns = int(window_s * NS_PER_S)
        self._second: deque[int] = deque()
        self._window: deque[int] = deque()
        self.latched = latched

    def limits(self, *, limit: int, window_s: float) -> None:
        """Other limits from now on."""
        self._limit, self._window_ns = limit, int(window_s * NS_PER_S)

    def sent(self, now_ns: int) -> None:
        """The gate cleared an order."""
        self._second.append(now_ns)
        self._window.append(now_ns)

    def refused(self, now_ns: int) -> bool:
        """The throttle refused: it stays so until re-armed. True when that is new."""
        if self.latched:
            return False
        self.latched = f"{self.seen(now_ns).in_window} orders in {self._window_ns / NS_PER_S:g} s"
        return True

    def rearm(self) -> None:
        """The operator lets it go on; the window begins anew."""
        self.latched = ""
        self._window.clear()

    def seen(self, now_ns: int) -> Traffic:
        """As the rules see it."""
        for times, span_ns in ((self._second, NS_PER_S), (self._window, self._window_ns)):
            while times and now_ns - times[0] >= span_ns:
                times.popleft()
        return Traffic(last_second=len(self._second), in_window=len(self._window), latched=self.latched)
