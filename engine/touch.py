"""What is known of the price at this instant."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan


@dataclass(slots=True)
class Touch:
    """What is known of the price now; NaN where it is not. Sizes in contracts.

    Times: `mono_ns` monotonic, `received_ns` wall."""

    bid: float = nan
    bid_size: float = nan
    ask: float = nan
    ask_size: float = nan
    last: float = nan
    mark: float = nan
    sequence: int = 0
    received_ns: int = 0
    mono_ns: int = 0
    book_valid: bool = False
    book_sequence: int = 0

    @property
    def mid(self) -> float:
        """Middle of bid and ask; NaN when a side is empty."""
        return (self.bid + self.ask) / 2
