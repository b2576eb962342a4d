"""What a provider has to offer, and what its snapshots hold.

An outside package offers one under the entry point group `sovereign.heatmap` or `sovereign.cvd`: a callable
`(settings: schemas.settings.order_flow.OrderFlow, instrument: str) -> Provider`. The name of the entry point is what
`order_flow.heatmap` or `order_flow.cvd` names.

A provider runs inside the brain, on its one thread: on_tick() and on_trade() stand in the way of an order, and store
what they get; snapshot() does the work, a few times a second. A provider reads no clock: what it says follows from
what it was told, so that a recorded session says the same again.
"""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple, Protocol, TypeVar, runtime_checkable

from brain.order_flow.cvd import CvdBar, Divergence
from schemas.messages import MarketTick, Trade

MOST_CELLS: Final = 65_536
MOST_BARS: Final = 1_000
"""More of them would not fit into a message."""

S_co = TypeVar("S_co", covariant=True)


def _is_time(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**63


class HeatmapSnapshot(NamedTuple):
    """Resting size by price and time.

    `bucket`: height of a row, and `first_price`: lower edge of row 0, quote currency. `column_ns`: the venue's time of
    each column, oldest first. `values`: contracts, row-major, rows x columns; NaN is not allowed, 0 is nothing seen.
    """

    exchange_ns: int
    bucket: float
    first_price: float
    rows: int
    column_ns: tuple[int, ...]
    values: tuple[float, ...]

    def problem(self) -> str:
        """What is wrong with it, "" if nothing."""
        if not all(map(_is_time, (self.exchange_ns, self.rows, *self.column_ns))):
            return "a time or a number of rows that is no whole number from 0 on"
        if len(self.values) > MOST_CELLS:
            return f"{len(self.values)} values, {MOST_CELLS} are the most"
        if self.rows < 1 or len(self.values) != self.rows * len(self.column_ns):
            return f"{len(self.values)} values for {self.rows} rows and {len(self.column_ns)} columns"
        if not (self.bucket > 0 and isfinite(self.bucket) and isfinite(self.first_price)):
            return f"a bucket of {self.bucket} from {self.first_price} on"
        if any(later <= earlier for earlier, later in pairwise(self.column_ns)):
            return "columns that are not in order of time"
        if self.values and not (min(self.values) >= 0 and isfinite(sum(self.values))):
            return "a size that is negative or no number"
        return ""


class CvdSnapshot(NamedTuple):
    """Cumulative volume delta, contracts. `session_ns`: when it began anew; `since_ns`: the first trade in it, 0: none.

    `bars`: final ones, oldest first. `divergence`: the last one. Times are the venue's.
    """

    exchange_ns: int
    session_ns: int
    since_ns: int
    contracts: float
    bars: tuple[CvdBar, ...] = ()
    divergence: Divergence | None = None

    def problem(self) -> str:
        """What is wrong with it, "" if nothing."""
        if not all(map(_is_time, (self.exchange_ns, self.session_ns, self.since_ns))):
            return "a time that is no whole number from 0 on"
        if not isfinite(self.contracts):
            return f"a CVD of {self.contracts}"
        if len(self.bars) > MOST_BARS:
            return f"{len(self.bars)} bars, {MOST_BARS} are the most"
        if not all(isinstance(bar, CvdBar) and isfinite(bar.cvd) for bar in self.bars):
            return "a bar that is no CvdBar, or has no CVD"
        if not isinstance(self.divergence, Divergence | None):
            return f"a divergence that is a {type(self.divergence).__name__}"
        if any(later.open_ns <= earlier.open_ns for earlier, later in pairwise(self.bars)):
            return "bars that are not in order of time"
        return ""


@runtime_checkable
class Provider(Protocol[S_co]):
    """One source of one kind of snapshot, for one instrument."""

    @property
    def name(self) -> str:
        """As the setting names it."""

    def on_tick(self, tick: MarketTick) -> None:
        """The newest tick: at most a microsecond."""

    def on_trade(self, trade: Trade) -> None:
        """One public trade, each once, in the order in which they came; a few microseconds."""

    def snapshot(self, now_ns: int) -> S_co | None:
        """What is known at `now_ns`, the venue's time; None: nothing yet. The same until something new was told."""
