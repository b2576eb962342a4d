"""Which public trades are missing: the venue numbers them without a gap, and says how many each message stands for.

Pure bookkeeping of numbers, the same after the same trades and fills in any order of delivery (as long as not more
pieces lie apart than are kept). A trade (id, count) stands for the numbers id - count + 1 to id.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from schemas.clock import NS_PER_S

_KEEP: Final = 64
_SEEN: Final = 20_000
_RESTART_NS: Final = NS_PER_S
"""A lower number that is this much later is of a venue that began to count anew: numbers rise with time."""


class Hole(NamedTuple):
    """Trades `from_id` to `to_id`, both included, were never told; they happened at `before_ns` or earlier."""

    from_id: int
    to_id: int
    before_ns: int


class _Spans:
    """Sorted, disjoint spans of numbers that do not touch; of each the time of its lowest number."""

    __slots__ = ("highs", "lows", "times")

    def __init__(self) -> None:
        self.lows: list[int] = []
        self.highs: list[int] = []
        self.times: list[int] = []

    def add(self, low: int, high: int, when_ns: int) -> None:
        lows, highs, times = self.lows, self.highs, self.times
        first = bisect_left(highs, low - 1)
        last = bisect_right(lows, high + 1)
        if first < last:
            if lows[first] < low:
                low, when_ns = lows[first], times[first]
            high = max(high, highs[last - 1])
        lows[first:last], highs[first:last], times[first:last] = [low], [high], [when_ns]

    def covers(self, number: int) -> bool:
        at = bisect_left(self.highs, number)
        return at < len(self.highs) and self.lows[at] <= number

    def forget(self, keep: int) -> int | None:
        """The oldest spans beyond `keep`; returns the highest number among them."""
        beyond = len(self.lows) - keep
        if beyond <= 0:
            return None
        floor = self.highs[beyond - 1]
        del self.lows[:beyond], self.highs[:beyond], self.times[:beyond]
        return floor


class TradeChain:
    """What was told and what was filled. `holes`: what is missing, oldest first. `restarts`: counts begun anew."""

    def __init__(self, keep: int = _KEEP) -> None:
        """`keep`: pieces that may lie apart; of more, the oldest are forgotten with the holes between them."""
        self._keep = keep
        self.restarts = 0
        self._begin()

    def _begin(self) -> None:
        self._told = _Spans()
        self._filled = _Spans()
        self._floor = 0
        self._newest = 0
        self._newest_ns = 0
        self.holes: tuple[Hole, ...] = ()

    def tell(self, trade_id: int, count: int, exchange_ns: int) -> bool:
        """One trade. False: it was told before, or is too old to tell.

        With count <= 0 or trade_id <= 0 the venue does not say: always True, and nothing is remembered.
        """
        if count <= 0 or trade_id <= 0:
            return True
        low = max(1, trade_id - count + 1)
        told = self._told
        if low == self._newest + 1 and told.highs:  # the plain case
            told.highs[-1] = self._newest = trade_id
            self._newest_ns = exchange_ns
            return True
        if trade_id < self._newest and exchange_ns > self._newest_ns + _RESTART_NS:
            self._begin()
            self.restarts += 1
            told = self._told
        if trade_id <= self._floor or told.covers(trade_id):
            return False
        told.add(low, trade_id, exchange_ns)
        if trade_id > self._newest:
            self._newest, self._newest_ns = trade_id, exchange_ns
        self._tidy()
        return True

    def filled(self, from_id: int, to_id: int) -> None:
        """The venue was asked: of these numbers, both included, there is nothing more to come.

        Raises: ValueError if the span is empty.
        """
        if not 0 < from_id <= to_id:
            raise ValueError(f"from {from_id} to {to_id} is no span of trades")
        self._filled.add(from_id, to_id, 0)
        self._tidy()

    def hole_after(self, begins_ns: int) -> Hole | None:
        """The newest hole whose trades may have happened after `begins_ns`; None: nothing is missing there."""
        holes = self.holes
        return holes[-1] if holes and holes[-1].before_ns > begins_ns else None

    def _tidy(self) -> None:
        self._floor = max(self._floor, self._told.forget(self._keep) or 0)
        self._filled.forget(self._keep)
        told, filled = self._told, self._filled
        holes: list[Hole] = []
        for end, begin, before_ns in zip(told.highs, told.lows[1:], told.times[1:], strict=False):
            at = end + 1
            for span in range(bisect_left(filled.highs, at), len(filled.highs)):
                low, high = filled.lows[span], filled.highs[span]
                if low >= begin:
                    break
                if low > at:
                    holes.append(Hole(at, low - 1, before_ns))
                at = high + 1
            if at < begin:
                holes.append(Hole(at, begin - 1, before_ns))
        self.holes = tuple(holes)


class SeenIds:
    """The last ids of a venue that does not number without gaps: doubles are told by them alone."""

    def __init__(self, keep: int = _SEEN) -> None:
        self._keep = keep
        self._seen: dict[int, int] = {}

    def tell(self, trade_id: int, exchange_ns: int) -> bool:
        """One trade. False: it was told before. An id of 0 or less says nothing: always True."""
        if trade_id <= 0:
            return True
        seen = self._seen
        when_ns = seen.get(trade_id)
        if when_ns is not None:
            if exchange_ns <= when_ns + _RESTART_NS:
                return False
            del seen[trade_id]  # to the end: it is the newest now
        seen[trade_id] = exchange_ns
        if len(seen) > self._keep:
            del seen[next(iter(seen))]
        return True
