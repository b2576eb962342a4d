"""LAYER 1, one bar: every kernel in its order. Live and batch run this very function; it is a kernel itself."""

from __future__ import annotations

from typing import Final

from brain.price_action import layout
from brain.price_action.blocks import BLOCKS_SIZE, blocks_step
from brain.price_action.dealing_range import RANGE_SIZE, range_reset, range_step
from brain.price_action.gaps import GAPS_SIZE, gaps_step
from brain.price_action.layout import Vector
from brain.price_action.levels import LEVELS_SIZE, levels_step
from brain.price_action.periods import (
    BEFORE_HIGH,
    BEFORE_LOW,
    DAY_NS,
    HOUR_NS,
    MONDAY_NS,
    PERIOD_SIZE,
    WEEK_NS,
    period_reset,
    period_step,
)
from brain.price_action.pools import POOLS_SIZE, pools_reset, pools_step
from brain.price_action.sessions import ACTIVE, HIGH, LOW, SESSION_SIZE, session_reset, session_step
from brain.price_action.structure import DIRECTION, STRUCTURE_SIZE, structure_reset, structure_step
from brain.price_action.swings import BACK, BACK_BAR, BACK_FAR, BAR, PRICE, REPLACES, swings_size, swings_step
from brain.price_action.trend import trend_size, trend_step
from brain.price_action.volatility import mean_true_range, true_range_size, true_range_step
from schemas.settings.price_action import PriceAction

TREND: Final = 0
SWINGS: Final = 1
STRUCTURE: Final = 2
BLOCKS: Final = 3
GAPS: Final = 4
JOINED: Final = 5
RANGES: Final = 6
LEVELS: Final = 7
POOLS: Final = 8
DEALING: Final = 9
DAY: Final = 10
WEEK: Final = 11
SESSIONS: Final = 12
STATES_COUNT: Final = 13
"""Places of the states in the tuple, and how many there are."""

States = tuple[Vector, ...]


def parameters(settings: PriceAction, trend_bars: int) -> list[float]:
    """The settings as the kernels read them (layout.py says where). Raises: ValueError if trend_bars < 1."""
    if trend_bars < 1:
        raise ValueError(f"trend_bars is {trend_bars}, at least 1 bar is needed")
    hours = settings.hours()
    values: list[float] = [
        settings.swing_bars, settings.break_by_close, settings.block_mitigated_by_body, settings.range_bars,
        settings.level_tolerance, settings.pool_tolerance, settings.pool_bars, settings.day_start_utc_hour, trend_bars,
        len(hours),
    ]  # fmt: skip
    for hour in hours:
        values += [hour.start_min, hour.length_min]
    return [float(value) for value in values]


def new_states(p: Vector) -> tuple[list[float], ...]:
    """States before the first bar, by the parameters."""
    sizes = (
        trend_size(int(p[layout.TREND_BARS])), swings_size(int(p[layout.SWING_BARS])), STRUCTURE_SIZE, BLOCKS_SIZE,
        GAPS_SIZE, GAPS_SIZE, true_range_size(int(p[layout.RANGE_BARS])), LEVELS_SIZE, POOLS_SIZE, RANGE_SIZE,
        PERIOD_SIZE, PERIOD_SIZE, SESSION_SIZE * int(p[layout.SESSIONS]),
    )  # fmt: skip
    states = tuple([0.0] * size for size in sizes)
    structure_reset(states[STRUCTURE])
    pools_reset(states[POOLS])
    range_reset(states[DEALING])
    period_reset(states[DAY])
    period_reset(states[WEEK])
    for k in range(int(p[layout.SESSIONS])):
        session_reset(states[SESSIONS], SESSION_SIZE * k)
    return states


def row_size(p: Vector) -> int:
    """Values that a bar has."""
    return layout.SESSION_ROW + 3 * int(p[layout.SESSIONS])


def layer_step(
    states: States, p: Vector, marks: Vector, row: Vector, i: int, open_ns: int,
    bar_open: float, high: float, low: float, close: float,
) -> None:  # fmt: skip
    """Bar `i`, which opens at `open_ns` (ns since 1970 UTC). Appends to `marks`, fills `row`.

    Prices must be: finite, above 0, low <= open, close <= high. Nothing here looks at that again.
    """
    swings = states[SWINGS]
    swing = swings_step(swings, marks, int(p[layout.SWING_BARS]), i, high, low)
    bar, price, replaces, back = swings[BAR], swings[PRICE], swings[REPLACES], swings[BACK]
    structure_step(
        states[STRUCTURE], marks, p[layout.BY_CLOSE] != 0.0, i, high, low, close, swing, bar, price, replaces, back
    )  # fmt: skip
    blocks_step(
        states[BLOCKS], marks, p[layout.MITIGATED_BY_CLOSE] != 0.0, i, bar_open, high, low, close,
        swing, price, back, swings[BACK_BAR], swings[BACK_FAR],
    )  # fmt: skip
    gaps_step(states[GAPS], marks, False, i, bar_open, high, low, close)
    gaps_step(states[JOINED], marks, True, i, bar_open, high, low, close)
    range_bars = int(p[layout.RANGE_BARS])
    true_range_step(states[RANGES], range_bars, i, high, low, close)
    tolerance = 0.0
    if swing != 0:
        mean_range = mean_true_range(states[RANGES], range_bars, i)
        levels_step(states[LEVELS], marks, p[layout.LEVEL_TOLERANCE] * mean_range, i, swing, bar, price, replaces)
        tolerance = p[layout.POOL_TOLERANCE] * mean_range
    pools_step(states[POOLS], marks, tolerance, int(p[layout.POOL_BARS]), i, high, low, swing, bar, price)
    row[layout.TREND] = trend_step(states[TREND], int(p[layout.TREND_BARS]), i, close)
    row[layout.STRUCTURE] = states[STRUCTURE][DIRECTION]
    row[layout.PREMIUM] = range_step(states[DEALING], high, low, close, swing, price)
    _calendar(states, p, row, open_ns, high, low)


def _calendar(states: States, p: Vector, row: Vector, open_ns: int, high: float, low: float) -> None:
    day, week, sessions = states[DAY], states[WEEK], states[SESSIONS]
    day_ns = open_ns - int(p[layout.DAY_START]) * HOUR_NS
    period_step(day, DAY_NS, day_ns, high, low)
    period_step(week, WEEK_NS, day_ns + MONDAY_NS, high, low)
    row[layout.DAY_HIGH], row[layout.DAY_LOW] = day[BEFORE_HIGH], day[BEFORE_LOW]
    row[layout.WEEK_HIGH], row[layout.WEEK_LOW] = week[BEFORE_HIGH], week[BEFORE_LOW]
    for k in range(int(p[layout.SESSIONS])):
        base, at, place = SESSION_SIZE * k, layout.SESSION_ROW + 3 * k, layout.SESSIONS + 1 + 2 * k
        session_step(sessions, base, p[place], p[place + 1], open_ns, high, low)
        row[at], row[at + 1], row[at + 2] = sessions[base + ACTIVE], sessions[base + HIGH], sessions[base + LOW]
