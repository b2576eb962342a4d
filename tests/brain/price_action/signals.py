"""Every signal of layer 1: which marks and values are its own, when it has warmed up, how one would trade it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from brain.price_action import layout
from brain.price_action.batch import Bars
from brain.price_action.periods import DAY_NS, WEEK_NS
from tests.brain.price_action.bars import SETTINGS, TREND_BARS, Said

Trades = Iterator[tuple[int, float]]
Warm = Callable[[Said, Bars], int | None]


class Signal(NamedTuple):
    """`warm`: of a run, the bar from which on it must say what an earlier start says; None: never came to that."""

    kinds: tuple[int, ...]
    columns: slice
    warm: Warm
    trades: Callable[[Said, Bars], Trades]

    def of(self, said: Said, start: int, stop: int, *, born: int = -1) -> Said:
        """Its part of a run, as known in [start, stop); only marks of bars from `born` on."""
        marks = said.marks[np.isin(said.marks[:, 0], self.kinds)]
        at = marks[:, 3]
        return Said(marks[(at >= start) & (at < stop) & (marks[:, 2] >= born)], said.rows[start:stop, self.columns])


_NONE = slice(0, 0)
_CONTRARY = {layout.SWING, layout.LEVEL, layout.POOL_SWEPT}
"""Marks after which one would trade the other way."""


def _bars(count: int) -> Warm:
    return lambda said, bars: count if count < len(bars.close) else None


def _swings(needed: int) -> Warm:
    """Once so many swings have alternated."""

    def warm(said: Said, bars: Bars) -> int | None:
        changes = said.marks[(said.marks[:, 0] == layout.SWING) & (said.marks[:, 6] < 0), 3]
        return int(changes[needed - 1]) + 1 if len(changes) >= needed else None

    return warm


def _swings_and_bars(needed: int, count: int) -> Warm:
    def warm(said: Said, bars: Bars) -> int | None:
        first = _swings(needed)(said, bars)
        return None if first is None or first + count >= len(bars.close) else first + count

    return warm


def _broken_both_ways(said: Said, bars: Bars) -> int | None:
    """Once a swing of each side that is itself warm has been broken."""
    first = _swings(4)(said, bars)
    marks = said.marks
    breaks = marks[(marks[:, 0] == layout.BOS) | (marks[:, 0] == layout.CHOCH)]
    ends = [breaks[(breaks[:, 1] == side) & (breaks[:, 2] >= (first or 0)), 3] for side in (1, -1)]
    if first is None or not all(len(end) for end in ends):
        return None
    return int(max(end[0] for end in ends)) + 1


def _whole_periods(length_ns: int, since_ns: int) -> Warm:
    """From the second beginning of a period on."""

    def warm(said: Said, bars: Bars) -> int | None:
        number = (bars.open_ns + since_ns) // length_ns
        later = np.flatnonzero(number >= number[0] + 2)
        return int(later[0]) if len(later) else None

    return warm


def _marked(said: Said, kinds: tuple[int, ...]) -> Trades:
    for kind, direction, _, at, *_ in said.marks:
        if kind in kinds:
            yield int(at), -direction if kind in _CONTRARY else direction


def _by_marks(*kinds: int) -> Callable[[Said, Bars], Trades]:
    return lambda said, bars: _marked(said, kinds)


def _by_rows(vote: Callable[[np.ndarray, float], float]) -> Callable[[Said, Bars], Trades]:
    def trades(said: Said, bars: Bars) -> Trades:
        for at, (row, close) in enumerate(zip(said.rows, bars.close, strict=True)):
            direction = vote(row, close)
            if direction == direction and direction != 0:
                yield at, float(np.sign(direction))

    return trades


def _beyond(high: int, low: int) -> Callable[[np.ndarray, float], float]:
    return lambda row, close: float(close > row[high]) - float(close < row[low])


_LAST = layout.SESSION_ROW
SIGNALS: dict[str, Signal] = {
    "trend": Signal(
        (), slice(layout.TREND, layout.TREND + 1), _bars(TREND_BARS),
        _by_rows(lambda row, _: row[layout.TREND] if abs(row[layout.TREND]) > 0.5 else 0.0),
    ),
    "swings": Signal((layout.SWING,), _NONE, _swings(3), _by_marks(layout.SWING)),
    "structure": Signal(
        (layout.BOS, layout.CHOCH), slice(layout.STRUCTURE, layout.STRUCTURE + 1), _broken_both_ways,
        _by_marks(layout.BOS, layout.CHOCH),
    ),
    "blocks": Signal((layout.BLOCK, layout.BLOCK_MITIGATED), _NONE, _swings(6), _by_marks(layout.BLOCK)),
    "blocks mitigated": Signal((layout.BLOCK_MITIGATED,), _NONE, _swings(6), _by_marks(layout.BLOCK_MITIGATED)),
    "gaps": Signal((layout.GAP, layout.GAP_MITIGATED), _NONE, _bars(3), _by_marks(layout.GAP)),
    "gaps mitigated": Signal((layout.GAP_MITIGATED,), _NONE, _bars(3), _by_marks(layout.GAP_MITIGATED)),
    "joined gaps": Signal((layout.JOINED, layout.JOINED_MITIGATED), _NONE, _bars(12), _by_marks(layout.JOINED)),
    "levels": Signal((layout.LEVEL,), _NONE, _swings(4 + layout.SWINGS_KEPT), _by_marks(layout.LEVEL)),
    "pools": Signal(
        (layout.POOL, layout.POOL_SWEPT), _NONE, _swings_and_bars(4, SETTINGS.pool_bars), _by_marks(layout.POOL)
    ),
    "pools swept": Signal(
        (layout.POOL_SWEPT,), _NONE, _swings_and_bars(4, SETTINGS.pool_bars), _by_marks(layout.POOL_SWEPT)
    ),
    "premium and discount": Signal(
        (), slice(layout.PREMIUM, layout.PREMIUM + 1), _swings(5), _by_rows(lambda row, _: 0.5 - row[layout.PREMIUM])
    ),
    "previous day": Signal(
        (), slice(layout.DAY_HIGH, layout.DAY_LOW + 1), _whole_periods(DAY_NS, 0),
        _by_rows(_beyond(layout.DAY_HIGH, layout.DAY_LOW)),
    ),
    "previous week": Signal(
        (), slice(layout.WEEK_HIGH, layout.WEEK_LOW + 1), _whole_periods(WEEK_NS, 3 * DAY_NS),
        _by_rows(_beyond(layout.WEEK_HIGH, layout.WEEK_LOW)),
    ),
    "sessions": Signal(
        (), slice(layout.SESSION_ROW, layout.SESSION_ROW + 9), _whole_periods(DAY_NS, 0),
        _by_rows(lambda row, close: 2 * close - row[_LAST + 1] - row[_LAST + 2]),
    ),
}  # fmt: skip


def same(a: Said, b: Said) -> bool:
    """To the bit; NaN is NaN."""
    return np.array_equal(a.marks, b.marks, equal_nan=True) and np.array_equal(a.rows, b.rows, equal_nan=True)
