"""Trade pressure: who takes, over a window of the venue's time."""

from __future__ import annotations

from collections import deque
from math import fsum, isfinite


class TradeWindow:
    """Trades of the last `window_ns` by the venue's clock. Sizes in contracts.

    Time moves with the newest trade or tick and never back; a trade that is older than the window is not taken.
    """

    __slots__ = ("_newest_ns", "_trades", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        if window_ns <= 0:
            raise ValueError(f"the window is {window_ns} ns, more than 0 is needed")
        self._window_ns = window_ns
        self._newest_ns = 0
        self._trades: deque[tuple[int, float, bool]] = deque()

    def add(self, exchange_ns: int, size: float, *, bought: bool) -> None:
        """One trade; `bought` if the taker bought. What is no size is ignored."""
        if not isfinite(size) or size <= 0:
            return
        self._trades.append((exchange_ns, size, bought))
        self.advance(exchange_ns)

    def advance(self, exchange_ns: int) -> None:
        """The venue's clock is at least here."""
        self._newest_ns = max(self._newest_ns, exchange_ns)
        edge = self._newest_ns - self._window_ns
        while self._trades and self._trades[0][0] <= edge:
            self._trades.popleft()

    def pressure(self) -> float | None:
        """Buy share of the traded volume in [0, 1]; None where nothing was traded.

        Source: SPEC.md 7, layer 2. Summed anew, so that no error of rounding grows with the day.
        """
        edge = self._newest_ns - self._window_ns
        inside = [(size, bought) for when, size, bought in self._trades if when > edge]
        total = fsum(size for size, _ in inside)
        if total <= 0:
            return None
        return fsum(size for size, bought in inside if bought) / total
