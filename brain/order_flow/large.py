"""Large trades: marked as they happen, measured against the trades before them only."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import ceil
from typing import NamedTuple, Protocol

from schemas.messages import Side


class LargeTrade(NamedTuple):
    """One trade of at least `threshold` contracts. Known at once: it belongs to, and is confirmed at, `exchange_ns`."""

    trade_id: int
    exchange_ns: int
    side: Side
    price: float
    contracts: float
    threshold: float


class Yardstick(Protocol):
    """From what size on a trade is large."""

    def threshold(self) -> float | None:
        """Contracts; None before enough trades were measured."""

    def measure(self, contracts: float) -> None:
        """One trade more."""


def ewma_step(mean: float, count: int, contracts: float, span: int) -> float:
    """Exponentially weighted mean of sizes after one more; of the first `span` trades the plain mean.

    Args: contracts of the trade; `count` trades came before it. Source: RiskMetrics' recursion with weight
    2 / (span + 1); the plain mean while it warms up is ours, so that the first trade does not weigh more than others.
    """
    weight = max(1.0 / (count + 1), 2.0 / (span + 1))
    return mean + weight * (contracts - mean)


class EwmaYardstick:
    """A multiple of the exponentially weighted mean size. Warm after `span` trades."""

    def __init__(self, multiple: float, span: int) -> None:
        self._multiple, self._span = multiple, span
        self._mean, self._count = 0.0, 0

    def threshold(self) -> float | None:
        """Contracts; None before `span` trades were measured."""
        return self._mean * self._multiple if self._count >= self._span else None

    def measure(self, contracts: float) -> None:
        """One trade more."""
        self._mean = ewma_step(self._mean, self._count, contracts, self._span)
        self._count += 1


class QuantileYardstick:
    """A quantile of the last `window` sizes (nearest rank). Warm after `window` trades."""

    def __init__(self, quantile: float, window: int) -> None:
        self._rank = max(1, ceil(quantile * window)) - 1
        self._window = window
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def threshold(self) -> float | None:
        """Contracts; None before `window` trades were measured."""
        return self._sorted[self._rank] if len(self._sorted) == self._window else None

    def measure(self, contracts: float) -> None:
        """One trade more; the oldest beyond the window is forgotten."""
        self._recent.append(contracts)
        insort(self._sorted, contracts)
        if len(self._recent) > self._window:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]


class LargeTrades:
    """Marks large trades in the order of the venue's time; what comes late is neither measured nor marked."""

    def __init__(self, yardstick: Yardstick) -> None:
        self._yardstick = yardstick
        self._newest_ns = 0
        self.last: LargeTrade | None = None

    def add(self, trade_id: int, exchange_ns: int, side: Side, price: float, contracts: float) -> LargeTrade | None:
        """One trade: the mark, if it is at least as large as the threshold made of the trades before it."""
        if exchange_ns < self._newest_ns:
            return None
        self._newest_ns = exchange_ns
        threshold = self._yardstick.threshold()
        self._yardstick.measure(contracts)
        if threshold is None or contracts < threshold:
            return None
        self.last = LargeTrade(trade_id, exchange_ns, side, price, contracts, threshold)
        return self.last
