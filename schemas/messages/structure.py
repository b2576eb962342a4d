"""Layer 1 for the screens: what the candles of each frame say, by time and price, for charts.

Times are the opening times of bars, ns since 1970 UTC: `open_ns` of the bar that something belongs to, `confirmed_ns`
of the bar whose close made it known. Prices in quote currency. Directions: +1 up, -1 down.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Direction = Annotated[int, msgspec.Meta(ge=-1, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class SwingPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The newest swing of a side."""

    price: float
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class StructureBreak(msgspec.Struct, frozen=True, kw_only=True):
    """The newest break. `kind`: bos, choch; `open_ns` is of the swing whose `level` was broken."""

    kind: str
    direction: Direction
    level: float
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class PriceZone(msgspec.Struct, frozen=True, kw_only=True):
    """An order block or a fair value gap that is not mitigated."""

    direction: Direction
    top: float
    bottom: float
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class PriceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Support or resistance; `open_ns` of the swing that touched it last."""

    top: float
    bottom: float
    touches: Count
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class LiquidityPool(msgspec.Struct, frozen=True, kw_only=True):
    """Equal highs (+1) or lows (-1) that are not swept; `open_ns` of the newest of them."""

    direction: Direction
    top: float
    bottom: float
    swings: Count
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class SessionRange(msgspec.Struct, frozen=True, kw_only=True):
    """A session that runs, or the one of that name that ended last."""

    name: str
    active: bool
    high: float | None
    low: float | None


class StructureMark(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth a mark. `kind`: swing, bos, choch; a swing's `direction` is +1 for a high.

    `price`: the swing's, or the level that was broken; `open_ns` is of that swing.
    """

    kind: str
    direction: Direction
    price: float
    open_ns: Nanoseconds
    confirmed_ns: Nanoseconds


class FrameStructure(msgspec.Struct, frozen=True, kw_only=True):
    """One frame after its bar `open_ns`, of `bars` read. None: not known yet.

    `unknown` says why nothing newer is known, "" in the good case; what is there nevertheless is as of `open_ns`.
    `trend_pct` in percent, `structure` the direction of the newest break (0: none yet), `premium_discount` in [0, 1].
    Zones, levels and pools: the nearest to the last close first, as many as the settings say. `marks`: the last 50,
    oldest first.
    """

    frame: str
    unknown: str
    bars: Count = 0
    open_ns: Nanoseconds | None = None
    close: float | None = None
    trend_pct: float | None = None
    structure: Direction = 0
    premium_discount: float | None = None
    swing_high: SwingPoint | None = None
    swing_low: SwingPoint | None = None
    last_break: StructureBreak | None = None
    blocks: tuple[PriceZone, ...] = ()
    gaps: tuple[PriceZone, ...] = ()
    joined_gaps: tuple[PriceZone, ...] = ()
    levels: tuple[PriceLevel, ...] = ()
    pools: tuple[LiquidityPool, ...] = ()
    previous_day_high: float | None = None
    previous_day_low: float | None = None
    previous_week_high: float | None = None
    previous_week_low: float | None = None
    sessions: tuple[SessionRange, ...] = ()
    marks: tuple[StructureMark, ...] = ()


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.structure: whole each time, on every bar and at least every 10 s. `timestamp_ns`: the venue's time."""

    timestamp_ns: Nanoseconds
    instrument: str
    frames: tuple[FrameStructure, ...]
