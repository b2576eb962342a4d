"""Order flow for the screens: what rests in the book, and who takes from it. Times are the venue's, ns since 1970 UTC.

Numbers that the wire cannot hold are refused as the telemetry is read; whether the cells fit the grid, Heatmap.sizes()
says.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from schemas.messages.decision import UnknownLayer
from schemas.messages.market import Side

Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Rows = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Heatmap(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.heatmap: resting size by price and time, whole each time.

    `timestamp_ns`: of the newest book in it. `bucket`: height of a row, `first_price`: lower edge of row 0, quote
    currency. `column_ns`: time of each column, oldest first. `cells`: a byte each, row-major (rows x columns); size in
    contracts = peak_contracts * (cell / 255) ** 2: the root keeps small sizes apart beside a wall.
    `unknown`: why there is no picture, or none that is new; "" in the good case.
    """

    timestamp_ns: Nanoseconds
    instrument: str
    provider: str
    bucket: float
    first_price: float
    rows: Rows
    column_ns: tuple[Nanoseconds, ...]
    peak_contracts: float
    cells: bytes
    unknown: str = ""

    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """Contracts, shape (rows, columns). Raises: ValueError if the cells are not as many as that."""
        columns = len(self.column_ns)
        if self.rows < 0 or len(self.cells) != self.rows * columns:
            raise ValueError(f"{len(self.cells)} cells for {self.rows} rows and {columns} columns")
        sizes = [self.peak_contracts * (cell / 255) ** 2 for cell in range(256)]
        each = [sizes[cell] for cell in self.cells]
        return tuple(tuple(each[row * columns : (row + 1) * columns]) for row in range(self.rows))


class FlowMark(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth a mark. `kind`: large_trade, absorption, divergence.

    `side`: who took much (large_trade), who was absorbed (absorption), where price may turn to (divergence).
    `at_ns`: the trade, or the opening of the bar that it belongs to; `confirmed_ns`: when it could first be known.
    `contracts`: None where it has none.
    """

    kind: str
    side: Side
    at_ns: Nanoseconds
    confirmed_ns: Nanoseconds
    price: float
    contracts: float | None


class FootprintRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price bucket: lower edge in quote currency; contracts that takers bought and sold there."""

    price: float
    bought: float
    sold: float


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.flow: the state of layer 2, whole each time. None: not known, `unknown` says why.

    `imbalance`: bid share of resting size, `pressure`: buy share of traded volume, both in [0, 1]. `cvd_contracts`
    since `cvd_since_ns`, the first trade heard of the session that began at `cvd_session_ns`; `cvd_bars`: the CVD at
    the close of the last bars of `frame`, oldest first. `footprint`: the running bar, from the lowest price, of
    buckets of `footprint_bucket`; `footprint_poc`: the price with the most volume. `marks`: the last of each kind.
    `counters`: trades refused, doubled, too late, by reason.
    """

    timestamp_ns: Nanoseconds
    instrument: str
    frame: str
    counters: dict[str, Count]
    imbalance: float | None = None
    pressure: float | None = None
    cvd_contracts: float | None = None
    cvd_session_ns: Nanoseconds = 0
    cvd_since_ns: Nanoseconds = 0
    cvd_bars: tuple[float, ...] = ()
    footprint_open_ns: Nanoseconds = 0
    footprint_bucket: float = 0.0
    footprint_poc: float | None = None
    footprint: tuple[FootprintRow, ...] = ()
    marks: tuple[FlowMark, ...] = ()
    unknown: tuple[UnknownLayer, ...] = ()
