"""Heat: what rests in the book by price bucket, as a moving average that forgets with a half-life. Pure.

Each look at the book moves each bucket from what it was towards what rests there now, by the share of the old that
has faded since: heat += (resting - heat) * (1 - 2 ** (-dt / half_life)). So a size that stands shows as itself, one
that flashes shows faintly, and one that is gone, or out of sight beyond the levels of the tick, fades.

Source: exponential smoothing in continuous time (Brown, Smoothing, Forecasting and Prediction, 1963); the picture is
that of the order book heatmaps of trading screens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import chain

from brain.order_flow.units import PRICE_UNITS, bucket_units

_FAINT = 1e-9
"""Contracts below which heat is nothing: it would fade for ever."""


class Heat:
    """Rows of price around the mid, columns of time; at most `rows` x `columns`, whatever happens.

    The rows stand still while the mid stays in their middle half, and are centred anew when it leaves that. The
    bucket follows from the first price and is kept until the price has doubled or halved.
    """

    def __init__(self, *, rows: int, columns: int, column_ns: int, half_life_ns: int, bucket_bps: float) -> None:
        self._rows, self._bucket_bps = rows, bucket_bps
        self._column_ns, self._half_life_ns = column_ns, half_life_ns
        self._columns: deque[tuple[int, int, list[float]]] = deque(maxlen=columns)
        self._heat = [0.0] * rows
        self._first = 0
        self._chosen_at = 0.0
        self.width = 0
        self.updated_ns = 0

    def look(
        self, exchange_ns: int, bid_prices: Sequence[float], bid_sizes: Sequence[float],
        ask_prices: Sequence[float], ask_sizes: Sequence[float],
    ) -> None:  # fmt: skip
        """One look at a book that is whole: prices in quote currency and sizes in contracts, best first.

        A look that is not later than the last one is ignored. Order rows + levels; no more than that.
        """
        past_ns = exchange_ns - self.updated_ns
        if past_ns <= 0:
            return
        self._place((bid_prices[0] + ask_prices[0]) / 2)
        fresh = 1.0 - 2.0 ** (-past_ns / self._half_life_ns) if self.updated_ns else 1.0
        heat, first, width, rows = self._heat, self._first, self.width, self._rows
        keep = 1.0 - fresh
        heat[:] = [value * keep if value > _FAINT else 0.0 for value in heat]
        for prices, sizes in ((bid_prices, bid_sizes), (ask_prices, ask_sizes)):
            for price, size in zip(prices, sizes, strict=False):
                row = int(price * PRICE_UNITS + 0.5) // width - first
                if 0 <= row < rows:
                    heat[row] += size * fresh
        self.updated_ns = exchange_ns
        columns = self._columns
        if columns and exchange_ns // self._column_ns == columns[-1][0] // self._column_ns:
            columns.pop()  # the newest column is of the newest look until its time is over
        columns.append((exchange_ns, first, heat.copy()))

    def _place(self, mid: float) -> None:
        """Where the rows stand."""
        rows = self._rows
        if not self._chosen_at / 2 < mid < self._chosen_at * 2:
            self.width, self._chosen_at = bucket_units(mid, self._bucket_bps), mid
            self._heat = [0.0] * rows
            self._columns.clear()
            self.updated_ns = 0
            self._first = round(mid * PRICE_UNITS) // self.width - rows // 2
            return
        at = round(mid * PRICE_UNITS) // self.width - self._first
        if rows // 4 <= at < rows - rows // 4:
            return
        moved = at - rows // 2
        self._heat = _shifted(self._heat, moved)
        self._first += moved

    def picture(self) -> tuple[int, tuple[int, ...], tuple[float, ...]]:
        """Number of the first bucket, the time of each column, and the values, row-major: rows x columns."""
        first = self._first
        aligned = [heat if base == first else _shifted(heat, first - base) for _, base, heat in self._columns]
        times = tuple(when for when, _, _ in self._columns)
        return first, times, tuple(chain.from_iterable(zip(*aligned, strict=True)))


def _shifted(heat: list[float], by: int) -> list[float]:
    """The same buckets seen from `by` rows higher."""
    rows = len(heat)
    if by >= rows or by <= -rows:
        return [0.0] * rows
    return heat[by:] + [0.0] * by if by >= 0 else [0.0] * -by + heat[:by]
