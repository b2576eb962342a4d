"""What layer 1 knows after a bar, for filters, messages and charts: frozen, by time instead of by index.

None where nothing is known yet, and never 0 in its place. Times are the opening times of bars, ns since 1970 UTC:
`open_ns` of the bar that a mark belongs to, `confirmed_ns` of the bar whose close made it known. Prices in quote
currency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

from brain.price_action import blocks, gaps, layer, layout, levels, pools, sessions, structure
from brain.price_action.layer import States
from brain.price_action.layout import Vector


class MarkKind(Enum):
    """The kinds of marks; layout.py says what the numbers of each mean."""

    SWING = layout.SWING
    BOS = layout.BOS
    CHOCH = layout.CHOCH
    BLOCK = layout.BLOCK
    BLOCK_MITIGATED = layout.BLOCK_MITIGATED
    GAP = layout.GAP
    GAP_MITIGATED = layout.GAP_MITIGATED
    JOINED = layout.JOINED
    JOINED_MITIGATED = layout.JOINED_MITIGATED
    LEVEL = layout.LEVEL
    POOL = layout.POOL
    POOL_SWEPT = layout.POOL_SWEPT


class Mark(NamedTuple):
    """Something that became known with the last bar."""

    kind: MarkKind
    direction: int
    top: float
    bottom: float
    open_ns: int
    confirmed_ns: int


class Swing(NamedTuple):
    """The newest swing of a side."""

    price: float
    open_ns: int
    confirmed_ns: int


class Break(NamedTuple):
    """The newest BOS or CHoCH; `open_ns` is of the swing whose `level` was broken."""

    kind: MarkKind
    direction: int
    level: float
    open_ns: int
    confirmed_ns: int


class Zone(NamedTuple):
    """An order block or a gap that is not mitigated."""

    direction: int
    top: float
    bottom: float
    open_ns: int
    confirmed_ns: int


class Level(NamedTuple):
    """Support or resistance; `open_ns` of the swing that touched it last."""

    top: float
    bottom: float
    touches: int
    open_ns: int
    confirmed_ns: int


class Pool(NamedTuple):
    """Equal highs (+1) or lows (-1) that are not swept; `open_ns` of the newest of them."""

    direction: int
    top: float
    bottom: float
    swings: int
    open_ns: int
    confirmed_ns: int


class Session(NamedTuple):
    """A session that runs, or the one that ended last."""

    name: str
    active: bool
    high: float | None
    low: float | None


class PriceActionView(NamedTuple):
    """All of it. `unknown` says why nothing is known; "" otherwise, while single fields may still warm up.

    Zones, levels and pools: the nearest to the last close first, as many as the settings say. `trend_pct` in percent,
    `premium_discount` in [0, 1], `structure` the direction of the newest break, 0 before the first.
    """

    unknown: str
    bars: int = 0
    open_ns: int | None = None
    close: float | None = None
    trend_pct: float | None = None
    structure: int = 0
    last_break: Break | None = None
    swing_high: Swing | None = None
    swing_low: Swing | None = None
    blocks: tuple[Zone, ...] = ()
    gaps: tuple[Zone, ...] = ()
    joined_gaps: tuple[Zone, ...] = ()
    levels: tuple[Level, ...] = ()
    pools: tuple[Pool, ...] = ()
    premium_discount: float | None = None
    previous_day_high: float | None = None
    previous_day_low: float | None = None
    previous_week_high: float | None = None
    previous_week_low: float | None = None
    sessions: tuple[Session, ...] = ()


class Moment(NamedTuple):
    """What a view is read from, beside the states: the newest bar and how to find another's time."""

    i: int
    open_ns: int
    close: float
    frame_ns: int
    nearest: int
    pool_bars: int
    swing_bars: int
    session_names: tuple[str, ...]

    def time(self, bar: float) -> int:
        """Opening time of a bar by its index."""
        return self.open_ns - (self.i - int(bar)) * self.frame_ns


def read(states: States, row: Vector, now: Moment) -> PriceActionView:
    """The view after the newest bar; it shares nothing with the states."""
    found = states[layer.STRUCTURE]
    return PriceActionView(
        unknown="", bars=now.i + 1, open_ns=now.open_ns, close=now.close,
        trend_pct=_known(row[layout.TREND]),
        structure=int(row[layout.STRUCTURE]), last_break=_last_break(found, now),
        swing_high=_swing(found[structure.HIGH_PRICE], found[structure.HIGH_BAR], now),
        swing_low=_swing(found[structure.LOW_PRICE], found[structure.LOW_BAR], now),
        blocks=_blocks(states[layer.BLOCKS], now), gaps=_gaps(states[layer.GAPS], now),
        joined_gaps=_gaps(states[layer.JOINED], now), levels=_levels(states[layer.LEVELS], now),
        pools=_pools(states[layer.POOLS], now), premium_discount=_known(row[layout.PREMIUM]),
        previous_day_high=_known(row[layout.DAY_HIGH]), previous_day_low=_known(row[layout.DAY_LOW]),
        previous_week_high=_known(row[layout.WEEK_HIGH]), previous_week_low=_known(row[layout.WEEK_LOW]),
        sessions=tuple(_session(states[layer.SESSIONS], k, name) for k, name in enumerate(now.session_names)),
    )  # fmt: skip


def read_marks(marks: Vector, now: Moment) -> tuple[Mark, ...]:
    """What became known with the newest bar, in the order of layer.py."""
    found = []
    for k in range(int(marks[0])):
        kind, direction, bar, at, top, bottom = marks[1 + layout.WIDTH * k : 7 + layout.WIDTH * k]
        found.append(Mark(MarkKind(int(kind)), int(direction), top, bottom, now.time(bar), now.time(at)))
    return tuple(found)


def _known(value: float) -> float | None:
    return value if value == value else None


def _swing(price: float, bar: float, now: Moment) -> Swing | None:
    if price != price:
        return None
    return Swing(price, now.time(bar), now.time(bar + now.swing_bars))


def _last_break(state: Vector, now: Moment) -> Break | None:
    if state[structure.DIRECTION] == 0.0:
        return None
    bar, at, level = state[structure.LAST_BAR], state[structure.LAST_AT], state[structure.LAST_LEVEL]
    kind = MarkKind(int(state[structure.LAST_KIND]))
    return Break(kind, int(state[structure.DIRECTION]), level, now.time(bar), now.time(at))


def _blocks(state: Vector, now: Moment) -> tuple[Zone, ...]:
    found = []
    for base, direction in ((0, 1), (blocks.SIDE, -1)):
        for k in range(int(state[base + blocks.COUNT])):
            row = base + blocks.ROWS + blocks.ROW * k
            top, bottom, bar, at = state[row], state[row + 1], state[row + 2], state[row + 3]
            found.append(Zone(direction, top, bottom, now.time(bar), now.time(at)))
    return _nearest(found, now)


def _gaps(state: Vector, now: Moment) -> tuple[Zone, ...]:
    """Of each side only the newer end is looked at: those are the nearest."""
    found = []
    for base, direction in ((gaps.BULLISH, 1), (gaps.BEARISH, -1)):
        oldest, count = int(state[base]), int(state[base + 1])
        for k in range(max(0, count - now.nearest), count):
            row = base + 2 + gaps.ROW * ((oldest + k) % layout.GAPS_KEPT)
            top, bottom, bar, at = state[row], state[row + 1], state[row + 2], state[row + 3]
            found.append(Zone(direction, top, bottom, now.time(bar), now.time(at)))
    return _nearest(found, now)


def _levels(state: Vector, now: Moment) -> tuple[Level, ...]:
    """From the newest swing back; one that lies in a newer level is part of it."""
    count = int(state[levels.COUNT])
    found: list[Level] = []
    for k in range(1, min(count, layout.SWINGS_KEPT) + 1):
        row = levels.ROWS + levels.ROW * ((count - k) % layout.SWINGS_KEPT)
        price, bar, touches, top, bottom, at = state[row : row + levels.ROW]
        if touches > 1 and not any(level.bottom <= price <= level.top for level in found):
            found.append(Level(top, bottom, int(touches), now.time(bar), now.time(at)))
    return _nearest(found, now)


def _pools(state: Vector, now: Moment) -> tuple[Pool, ...]:
    found = []
    for base, direction in ((0, 1), (pools.SIDE, -1)):
        for k in range(int(state[base + pools.POOLS])):
            row = base + pools.POOLS + 1 + pools.ROW * k
            top, bottom, bar, at, swings = state[row : row + pools.ROW]
            if bar >= now.i - now.pool_bars:
                found.append(Pool(direction, top, bottom, int(swings), now.time(bar), now.time(at)))
    return _nearest(found, now)


def _session(state: Vector, k: int, name: str) -> Session:
    base = sessions.SESSION_SIZE * k
    active = state[base + sessions.ACTIVE] != 0.0
    return Session(name, active, _known(state[base + sessions.HIGH]), _known(state[base + sessions.LOW]))


_Placed = TypeVar("_Placed", Zone, Level, Pool)


def _nearest(found: Sequence[_Placed], now: Moment) -> tuple[_Placed, ...]:
    return tuple(sorted(found, key=_distance_from(now.close))[: now.nearest])


def _distance_from(price: float) -> Callable[[Zone | Level | Pool], tuple[float, int]]:
    """How far price is from the zone, 0 inside; of equals the newer first."""

    def key(zone: Zone | Level | Pool) -> tuple[float, int]:
        return max(zone.bottom - price, price - zone.top, 0.0), -zone.confirmed_ns

    return key
