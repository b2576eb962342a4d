"""Candles from trades: each bar is final once, and never changes after that.

A bar is final when the venue's time is `settle_ns` past its end. Until then a late trade finds its place in it: open
and close follow the venue's order (time, then trade id; what has neither apart follows as it came), so that the bars
are the same after the same trades in any order. A trade of a bar that is final is dropped and counted. Minutes
without a trade have no bar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from brain.order_flow.trade_chain import SeenIds
from brain.order_flow.units import LARGEST, SMALLEST, contracts_of, units_of


class TradeBar(NamedTuple):
    """One final bar. Prices in quote currency, volume in contracts, `open_ns` by the venue's clock."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int


class Forming:
    """A bar in the making. Sizes in units (see units.py); `bought` and `sold` by the taker."""

    __slots__ = ("_first", "_last", "bought", "close", "high", "low", "open", "open_ns", "sold", "trades")

    def __init__(self, open_ns: int, price: float) -> None:
        self.open_ns = open_ns
        self.open = self.high = self.low = self.close = price
        self.bought = self.sold = self.trades = 0
        self._first: tuple[int, int] | None = None
        self._last: tuple[int, int] = (0, 0)

    def add(self, exchange_ns: int, price: float, units: int, bought: bool, trade_id: int) -> None:
        """One trade of this bar."""
        key = (exchange_ns, trade_id)
        if self._first is None or key < self._first:
            self._first, self.open = key, price
        if key >= self._last:
            self._last, self.close = key, price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        if bought:
            self.bought += units
        else:
            self.sold += units
        self.trades += 1

    @property
    def delta(self) -> int:
        """Bought less sold, units."""
        return self.bought - self.sold

    def final(self) -> TradeBar:
        """As a value."""
        volume = contracts_of(self.bought + self.sold)
        return TradeBar(self.open_ns, self.open, self.high, self.low, self.close, volume, self.trades)


_F = TypeVar("_F", bound=Forming)


class Bars(Generic[_F]):
    """The bars that still form, at most as many as lie within `settle_ns`. `late`: trades that came too late."""

    __slots__ = ("_final_ns", "_length_ns", "_make", "_newest_ns", "_settle_ns", "forming", "late")

    def __init__(self, length_ns: int, make: Callable[[int, float], _F], settle_ns: int = 0) -> None:
        if length_ns <= 0 or settle_ns < 0:
            raise ValueError(f"bars of {length_ns} ns that settle for {settle_ns} ns are none")
        self._length_ns, self._settle_ns, self._make = length_ns, settle_ns, make
        self._newest_ns = self._final_ns = 0
        self.forming: dict[int, _F] = {}
        self.late = 0

    def add(self, exchange_ns: int, price: float, units: int, bought: bool, trade_id: int) -> bool:
        """One trade. False: its bar is final."""
        if exchange_ns < self._final_ns:
            self.late += 1
            return False
        open_ns = exchange_ns - exchange_ns % self._length_ns
        bar = self.forming.get(open_ns)
        if bar is None:
            bar = self.forming[open_ns] = self._make(open_ns, price)
        bar.add(exchange_ns, price, units, bought, trade_id)
        return True

    def advance(self, exchange_ns: int) -> tuple[_F, ...]:
        """The venue's clock is at least here: returns the bars that are final now, oldest first."""
        if exchange_ns <= self._newest_ns:
            return ()
        self._newest_ns = exchange_ns
        settled_ns = exchange_ns - self._settle_ns
        if settled_ns - self._final_ns < self._length_ns:
            return ()
        return self.close_before(settled_ns - settled_ns % self._length_ns)

    def close_before(self, end_ns: int) -> tuple[_F, ...]:
        """All bars that begin before this are final now, oldest first."""
        self._final_ns = max(self._final_ns, end_ns)
        return tuple(self.forming.pop(open_ns) for open_ns in sorted(self.forming) if open_ns < end_ns)

    @property
    def running(self) -> _F | None:
        """The newest bar that still forms."""
        return self.forming[max(self.forming)] if self.forming else None


class Candles:
    """Trades in, final candles out."""

    def __init__(self, length_ns: int, settle_ns: int = 0) -> None:
        """Raises: ValueError for a length of 0 or less, or a negative settle_ns."""
        self._bars = Bars(length_ns, Forming, settle_ns)
        self._seen = SeenIds()
        self.doubled = 0

    @property
    def late(self) -> int:
        """Trades that were dropped, since their candle was final."""
        return self._bars.late

    def add(
        self, exchange_ns: int, price: float, size: float, *, bought: bool, trade_id: int = 0
    ) -> tuple[TradeBar, ...]:
        """One trade: returns the candles that are final by its time, oldest first.

        What is no price or size is ignored; a trade id that was told before is counted as `doubled` and ignored.
        """
        if not (SMALLEST <= size <= LARGEST and SMALLEST <= price <= LARGEST):
            return ()
        if not self._seen.tell(trade_id, exchange_ns):
            self.doubled += 1
            return ()
        self._bars.add(exchange_ns, price, units_of(size), bought, trade_id)
        return self.advance(exchange_ns)

    def advance(self, exchange_ns: int) -> tuple[TradeBar, ...]:
        """The venue's clock is at least here: returns the candles that are final now."""
        return tuple(bar.final() for bar in self._bars.advance(exchange_ns))

    def rest(self) -> tuple[TradeBar, ...]:
        """The candles that still form, as they are."""
        return tuple(self._bars.forming[open_ns].final() for open_ns in sorted(self._bars.forming))
