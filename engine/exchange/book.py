"""One side of the order book: the outside world's liquidity and the user's own resting orders.

The outside flow is a script: the user's trading never changes what it will do next. What the user took from a
level is remembered as `eaten` and hidden until the flow states that level again (the world has refilled it).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Level(NamedTuple):
    """A price (ticks) with the size resting there (lots) and the number of orders behind it."""

    px: int
    lots: int
    orders: int


@dataclass(slots=True)
class Resting:
    """A user's order in the queue. `lots` remain; `ahead` is the outside size (lots) that is served before it."""

    ord_id: str
    px: int
    lots: int
    ahead: int


class HalfBook:
    """Bids or asks. Keys are signed prices, so that the best level is always the smallest key."""

    __slots__ = ("_eaten", "_keys", "_levels", "_own", "_own_keys", "_sign")

    def __init__(self, *, bids: bool) -> None:
        self._sign = -1 if bids else 1
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}
        self._eaten: dict[int, int] = {}
        self._own: dict[int, list[Resting]] = {}
        self._own_keys: list[int] = []

    def set_level(self, px: int, lots: int, orders: int) -> None:
        """The flow states a level anew; 0 lots removes it. Whoever queues there has at most that much ahead."""
        key = self._sign * px
        self._eaten.pop(key, None)
        if lots > 0:
            if key not in self._levels:
                insort(self._keys, key)
            self._levels[key] = Level(px, lots, orders)
        elif self._levels.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
        for resting in self._own.get(key, ()):
            resting.ahead = min(resting.ahead, lots)

    def reset(self, levels: list[Level]) -> None:
        """Replaces all outside levels (a snapshot); the user's orders stay, with at most the new size ahead."""
        self._levels = {self._sign * level.px: level for level in levels}
        self._keys = sorted(self._levels)
        self._eaten.clear()
        for key, queue in self._own.items():
            size = self._levels[key].lots if key in self._levels else 0
            for resting in queue:
                resting.ahead = min(resting.ahead, size)

    def outside(self, px: int) -> int:
        """Outside lots visible at a price: stated by the flow, less what the user took."""
        key = self._sign * px
        level = self._levels.get(key)
        return 0 if level is None else level.lots - self._eaten.get(key, 0)

    def best_outside(self) -> Level | None:
        """The best level with outside size left; None when there is none."""
        for key in self._keys:
            level = self._levels[key]
            lots = level.lots - self._eaten.get(key, 0)
            if lots > 0:
                return Level(level.px, lots, level.orders)
        return None

    def eat(self, px: int, lots: int) -> None:
        """The user took `lots` of outside size at `px`; those queued behind it come forward."""
        key = self._sign * px
        self._eaten[key] = self._eaten.get(key, 0) + lots
        for resting in self._own.get(key, ()):
            resting.ahead = max(0, resting.ahead - lots)

    def rest(self, ord_id: str, px: int, lots: int) -> Resting:
        """Queues a user's order behind all outside size that is visible at its price."""
        key = self._sign * px
        resting = Resting(ord_id, px, lots, self.outside(px))
        queue = self._own.get(key)
        if queue is None:
            self._own[key] = [resting]
            insort(self._own_keys, key)
        else:
            queue.append(resting)
        return resting

    def remove(self, resting: Resting) -> None:
        """Takes a user's order out. Raises: KeyError or ValueError if it does not rest here."""
        key = self._sign * resting.px
        queue = self._own[key]
        queue.remove(resting)
        if not queue:
            del self._own[key]
            del self._own_keys[bisect_left(self._own_keys, key)]

    def best_own(self) -> Resting | None:
        """The user's order with price-time priority; None when none rests."""
        return self._own[self._own_keys[0]][0] if self._own_keys else None

    def own_at(self, px: int) -> tuple[Resting, ...]:
        """The user's orders at a price, oldest first."""
        return tuple(self._own.get(self._sign * px, ()))

    def own_better_than(self, px: int) -> Iterator[Resting]:
        """The user's orders that are strictly better than a price, best and oldest first; may change meanwhile."""
        while self._own_keys and self._own_keys[0] < self._sign * px:
            yield self._own[self._own_keys[0]][0]

    def fillable(self, limit_px: int) -> int:
        """Outside lots at the limit or better, for whoever trades against this side."""
        total = 0
        for key in self._keys:
            if key > self._sign * limit_px:
                break
            total += self._levels[key].lots - self._eaten.get(key, 0)
        return total

    def top(self, count: int) -> list[Level]:
        """The best `count` levels as the public sees them, best first."""
        if not self._eaten and not self._own_keys:
            return [self._levels[key] for key in self._keys[:count]]
        # Eaten levels are hidden, so more raw levels than `count` may be needed to fill the answer.
        keys = self._keys[: count + len(self._eaten)]
        shown: list[Level] = []
        for key in sorted({*keys, *self._own_keys}):
            level = self._levels.get(key)
            queue = self._own.get(key, [])
            lots = sum(resting.lots for resting in queue)
            orders = len(queue)
            if level is not None and (left := level.lots - self._eaten.get(key, 0)) > 0:
                lots += left
                orders += level.orders
            if lots > 0:
                shown.append(Level(self._sign * key, lots, orders))
                if len(shown) == count:
                    break
        return shown
