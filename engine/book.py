"""The order book of one instrument: deltas in, the best levels out.

Sorted parallel lists and bisect: a delta of ten levels costs some 4 us, the top twenty 1 us. Rows are kept as the
venue sent them, since its checksum is made of its own texts.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import inf
from typing import Final

CHECKSUM_LEVELS: Final = 25
SNAPSHOT_PREVIOUS: Final = -1
"""The prevSeqId of a snapshot."""

Row = Sequence[str]
"""One level as the venue sends it: price, size (contracts), a retired field, number of orders."""


class BookError(Exception):
    """The book cannot be trusted any more; `problem` says why. What follows: a fresh snapshot is asked for."""

    def __init__(self, instrument: str, problem: str) -> None:
        super().__init__(f"book {instrument}: {problem}; resnapshot")
        self.instrument = instrument
        self.problem = problem


class _Side:
    """One side, ascending by price."""

    __slots__ = ("prices", "rows", "sizes")

    def __init__(self) -> None:
        self.prices: list[float] = []
        self.sizes: list[float] = []
        self.rows: list[Row] = []

    def apply(self, rows: Iterable[Row]) -> None:
        prices, sizes, kept = self.prices, self.sizes, self.rows
        for row in rows:
            price, size = float(row[0]), float(row[1])
            if not (0.0 < price < inf and 0.0 <= size < inf):
                raise ValueError(f"level {row[0]!r} x {row[1]!r}")
            at = bisect_left(prices, price)
            if at < len(prices) and prices[at] == price:
                if size:
                    sizes[at], kept[at] = size, row
                else:
                    del prices[at], sizes[at], kept[at]
            elif size:  # a delete of a price that is not held is ordinary, and ignored
                prices.insert(at, price)
                sizes.insert(at, size)
                kept.insert(at, row)


class Book:
    """Bids and asks of one instrument, and the venue's sequence.

    Prices in quote currency, sizes in contracts. `valid` is False before the first snapshot and after a BookError.
    """

    __slots__ = ("_asks", "_bids", "_joins", "instrument", "sequence", "valid")

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.sequence = 0
        self.valid = False
        self._bids, self._asks = _Side(), _Side()
        self._joins = False

    def snapshot(
        self, bids: Iterable[Row], asks: Iterable[Row], *, sequence: int, checksum: int = 0, joins: bool = False
    ) -> None:
        """Begin anew. `joins`: it was read beside the stream, so that its sequence may lie between two updates.

        Raises: BookError.
        """
        self._bids, self._asks = _Side(), _Side()
        self._joins = joins
        self.valid = True
        self._apply(bids, asks, sequence, checksum)

    def update(
        self, bids: Iterable[Row], asks: Iterable[Row], *, previous: int | None, sequence: int, checksum: int = 0
    ) -> None:
        """Apply one delta. `previous` is the venue's prevSeqId; None where the feed has no chain (old recordings).

        A sequence that does not grow (a heartbeat, a reset after maintenance) is not a gap: only the link counts. After
        a book that was read beside the stream the first update may begin before it, if it ends after it.
        Raises: BookError.
        """
        if not self.valid:
            raise BookError(self.instrument, "update before a snapshot")
        if self._joins:
            if sequence <= self.sequence:
                return  # it is in the book that was read
            self._joins = False
            linked = previous is not None and previous <= self.sequence
        else:
            linked = previous is None or previous == self.sequence
        if not linked:
            self.valid = False
            raise BookError(self.instrument, f"prevSeqId {previous}, {self.sequence} expected")
        self._apply(bids, asks, sequence, checksum)

    def invalidate(self) -> None:
        """Trust nothing until the next snapshot."""
        self.valid = False

    def _apply(self, bids: Iterable[Row], asks: Iterable[Row], sequence: int, checksum: int) -> None:
        try:
            self._bids.apply(bids)
            self._asks.apply(asks)
        except (ValueError, IndexError, TypeError) as error:
            self.valid = False
            raise BookError(self.instrument, f"unreadable {error}") from None
        self.sequence = sequence
        best_bid, best_ask = self._bids.prices, self._asks.prices
        if best_bid and best_ask and best_bid[-1] >= best_ask[0]:
            self.valid = False
            raise BookError(self.instrument, f"crossed, bid {best_bid[-1]} >= ask {best_ask[0]}")
        if checksum and checksum != (own := self.checksum()):
            self.valid = False
            raise BookError(self.instrument, f"checksum {own}, {checksum} expected")

    def top_bids(self, count: int) -> tuple[list[float], list[float]]:
        """Prices and sizes of the best bids, best first."""
        side = self._bids
        return side.prices[: -count - 1 : -1], side.sizes[: -count - 1 : -1]

    def top_asks(self, count: int) -> tuple[list[float], list[float]]:
        """Prices and sizes of the best asks, best first."""
        side = self._asks
        return side.prices[:count], side.sizes[:count]

    def average_price(self, *, buy: bool, contracts: float) -> float | None:
        """Average price of taking `contracts` now; None where the book does not hold as much, or is not valid."""
        if not self.valid or not contracts > 0:
            return None
        side = self._asks if buy else self._bids
        levels = zip(side.prices, side.sizes, strict=True) if buy else zip(
            reversed(side.prices), reversed(side.sizes), strict=True
        )  # fmt: skip
        left, paid = contracts, 0.0
        for price, size in levels:
            taken = min(left, size)
            paid += taken * price
            left -= taken
            if left <= 1e-9:  # less than any lot
                return paid / contracts
        return None

    def depth(self) -> tuple[int, int]:
        """Number of bid and ask levels held."""
        return len(self._bids.prices), len(self._asks.prices)

    def checksum(self) -> int:
        """CRC32, signed, over the venue's texts of the best 25 levels, bid and ask in turn."""
        bids = self._bids.rows[: -CHECKSUM_LEVELS - 1 : -1]
        asks = self._asks.rows[:CHECKSUM_LEVELS]
        parts: list[str] = []
        for bid, ask in zip_longest(bids, asks):
            if bid is not None:
                parts += (bid[0], bid[1])
            if ask is not None:
                parts += (ask[0], ask[1])
        unsigned = zlib.crc32(":".join(parts).encode())
        return unsigned - 2**32 if unsigned >= 2**31 else unsigned
