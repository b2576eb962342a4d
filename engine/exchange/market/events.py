"""What a market source says: batches of book changes and public trades, in ticks and lots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from engine.exchange.book import Level
from engine.exchange.matching import Side


class Change(NamedTuple):
    """The outside size at one price is now `lots` (0: the level is gone)."""

    side: Side
    px: int
    lots: int
    orders: int


class Print(NamedTuple):
    """A public trade of the outside world: the taker's side, price, size, number of makers."""

    side: Side
    px: int
    lots: int
    makers: int


class Batch(NamedTuple):
    """What happens at one instant, `at_ns` after the start. Prints come before the changes they cause."""

    at_ns: int
    prints: tuple[Print, ...]
    changes: tuple[Change, ...]


class MarketSource(Protocol):
    """A script of the outside world. It never reads a clock and never hears of the user's orders."""

    def opening(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks at the start, best first, never crossed."""
        ...

    def due(self, elapsed_ns: int) -> Iterator[Batch]:
        """The batches up to `elapsed_ns` after the start that were not given before, in order."""
        ...
