"""Price-time priority between the user's orders and the outside flow. Pure: no clock, no socket.

Every walk is a generator: the caller books each execution before the next one is decided, and may remove orders
meanwhile (a reduce-only order whose position has just gone must not fill).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.exchange.book import HalfBook, Level, Resting

Side = Literal["buy", "sell"]


def opposite(side: Side) -> Side:
    """The other side."""
    return "sell" if side == "buy" else "buy"


@dataclass(frozen=True, slots=True)
class Taken:
    """The user's incoming order took `lots` of outside size at `px` (ticks)."""

    px: int
    lots: int


@dataclass(frozen=True, slots=True)
class MeetsOwn:
    """The user's incoming order is about to trade with the user's own resting order."""

    ord_id: str


@dataclass(frozen=True, slots=True)
class Made:
    """A resting order of the user was filled: `lots` at its own price `px` (ticks)."""

    ord_id: str
    px: int
    lots: int


class Matcher:
    """Both sides of the book."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = HalfBook(bids=True)
        self.asks = HalfBook(bids=False)

    def half(self, side: Side) -> HalfBook:
        """Where orders of a side rest."""
        return self.bids if side == "buy" else self.asks

    def best(self, side: Side) -> int | None:
        """Best visible price (ticks) of a side, the user's orders included."""
        top = self.half(side).top(1)
        return top[0].px if top else None

    def would_take(self, side: Side, limit_px: int) -> bool:
        """Whether an order at this limit meets anything on the other side."""
        best = self.best(opposite(side))
        return best is not None and (best <= limit_px if side == "buy" else best >= limit_px)

    def take(self, side: Side, limit_px: int, lots: int) -> Iterator[Taken | MeetsOwn]:
        """Walks an incoming order of the user through the other side, up to its limit.

        On MeetsOwn the caller must remove the resting order or stop walking: self trades do not happen here.
        """
        half = self.half(opposite(side))
        sign = 1 if side == "buy" else -1
        while lots > 0:
            level, own = half.best_outside(), half.best_own()
            if own is not None and _own_first(own, level, sign):
                if sign * own.px > sign * limit_px:
                    return
                yield MeetsOwn(own.ord_id)
                continue
            if level is None or sign * level.px > sign * limit_px:
                return
            taken = min(lots, level.lots)
            if own is not None and own.px == level.px:
                taken = min(taken, own.ahead)
            half.eat(level.px, taken)
            lots -= taken
            yield Taken(level.px, taken)

    def on_print(self, taker: Side, px: int, lots: int) -> Iterator[Made]:
        """A public trade: it serves the user's better-priced orders first, then the queue at its own price."""
        half = self.half(opposite(taker))
        for resting in half.own_better_than(px):
            if lots <= 0:
                return
            filled = min(lots, resting.lots)
            lots -= filled
            yield self._make(half, resting, filled)
        passed = 0
        for resting in half.own_at(px):
            if resting.lots == 0 or resting not in half.own_at(px):
                continue  # removed while an earlier fill was booked
            ahead = min(lots, max(0, resting.ahead - passed))
            passed += ahead
            lots -= ahead
            resting.ahead = max(0, resting.ahead - passed)
            filled = min(lots, resting.lots)
            if filled > 0:
                lots -= filled
                yield self._make(half, resting, filled)

    def crossings(self, most: Callable[[Resting], int] = lambda own: own.lots) -> Iterator[tuple[Side, Made]]:
        """Outside levels that have moved through the user's resting orders trade with them, `most` lots at a time.

        Yields the taker's (the outside) side and the fill, at the resting order's price.
        """
        for side in ("buy", "sell"):
            maker: Side = "buy" if side == "buy" else "sell"
            own_half, other = self.half(maker), self.half(opposite(maker))
            sign = 1 if maker == "buy" else -1
            while (own := own_half.best_own()) is not None:
                level = other.best_outside()
                if level is None or sign * level.px > sign * own.px:
                    break
                filled = min(own.lots, level.lots, most(own))
                other.eat(level.px, filled)
                yield opposite(maker), self._make(own_half, own, filled)

    @staticmethod
    def _make(half: HalfBook, resting: Resting, lots: int) -> Made:
        resting.lots -= lots
        if resting.lots == 0:
            half.remove(resting)
        return Made(resting.ord_id, resting.px, lots)


def _own_first(own: Resting, level: Level | None, sign: int) -> bool:
    if level is None or sign * own.px < sign * level.px:
        return True
    return own.px == level.px and own.ahead == 0
