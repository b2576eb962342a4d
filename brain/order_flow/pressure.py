"""Trade pressure: who takes, over a window of the venue's time."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Final

_UNITS: Final = 10**8
"""Sizes are summed as whole numbers of 1e-8 contracts: exact, so that no error of rounding grows with the day."""


class TradeWindow:
    """Trades of the last `window_ns` by the venue's clock. Sizes in contracts.

    Time moves with the newest trade or tick and never back. A trade that is older than the window is not taken; one
    that comes late leaves with those that came before it.
    """

    __slots__ = ("_bought", "_newest_ns", "_total", "_trades", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        if window_ns <= 0:
            raise ValueError(f"the window is {window_ns} ns, more than 0 is needed")
        self._window_ns = window_ns
        self._newest_ns = 0
        self._total = 0
        self._bought = 0
        self._trades: deque[tuple[int, int, bool]] = deque()

    def add(self, exchange_ns: int, size: float, *, bought: bool) -> None:
        """One trade; `bought` if the taker bought. What is no size is ignored."""
        if not isfinite(size) or size <= 0 or exchange_ns <= self._newest_ns - self._window_ns:
            return
        units = round(size * _UNITS)
        self._trades.append((exchange_ns, units, bought))
        self._total += units
        self._bought += units * bought
        self.advance(exchange_ns)

    def advance(self, exchange_ns: int) -> None:
        """The venue's clock is at least here."""
        self._newest_ns = max(self._newest_ns, exchange_ns)
        edge = self._newest_ns - self._window_ns
        trades = self._trades
        while trades and trades[0][0] <= edge:
            _, units, bought = trades.popleft()
            self._total -= units
            self._bought -= units * bought

    def pressure(self) -> float | None:
        """Buy share of the traded volume in [0, 1]; None where nothing was traded. Source: SPEC.md 7, layer 2."""
        return self._bought / self._total if self._total else None
