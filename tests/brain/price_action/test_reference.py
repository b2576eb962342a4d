"""Structure, order blocks and pools against the plainest code that says the same: whole lists, no running state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from brain.price_action import layout
from brain.price_action.batch import Bars
from schemas.settings.price_action import PriceAction
from tests.brain.price_action.bars import FRAME_NS, START_NS, plain

Row = tuple[float, ...]
CASES = pytest.mark.parametrize(("seed", "n"), [(seed, n) for seed in range(6) for n in (1, 2, 4)])


class Swing(NamedTuple):
    side: int
    bar: int
    price: float
    at: int


def whole_prices(seed: int, count: int = 700) -> Bars:
    """A walk in whole numbers, with many equal prices."""
    dice = np.random.default_rng(seed)
    close = 500.0 + np.cumsum(dice.integers(-3, 4, count))
    opens = np.concatenate((close[:1], close[:-1])) + dice.integers(-1, 2, count)
    wick = dice.integers(0, 3, (2, count))
    times = START_NS + FRAME_NS * np.arange(count, dtype=np.int64)
    return Bars(times, opens, np.maximum(opens, close) + wick[0], np.minimum(opens, close) - wick[1], close)


def said(bars: Bars, settings: PriceAction, *kinds: int) -> list[Row]:
    return [tuple(row) for row in plain(bars, settings).marks.tolist() if row[0] in kinds]


def standing(bars: Bars, settings: PriceAction) -> list[list[Swing]]:
    """By bar: the swings that stand when it has closed, oldest first."""
    marks = said(bars, settings, layout.SWING)
    now: list[Swing] = []
    found = []
    for bar in range(len(bars.close)):
        for _, side, of, at, price, _, replaces in marks:
            if at == bar:
                now = [swing for swing in now if swing.bar != replaces]
                now.append(Swing(int(side), int(of), price, int(at)))
        found.append(list(now))
    return found


def _past(bars: Bars, swing: Swing, stop: int) -> np.ndarray:
    """The extremes of the other side after the swing, up to but without bar `stop`, so turned that lower is farther."""
    return swing.side * (bars.low if swing.side > 0 else bars.high)[swing.bar + 1 : stop]


@CASES
def test_structure(seed: int, n: int) -> None:
    bars, settings = whole_prices(seed), PriceAction(swing_bars=n)
    found: list[Row] = []
    done = {1: -1, -1: -1}
    for t, swings in enumerate(standing(bars, settings)):
        for side in (1, -1):
            for k in range(len(swings) - 1, 0, -1):
                swing = swings[k]
                if swing.side != side or swing.bar <= done[side] or (bars.close[t] - swing.price) * side <= 0:
                    continue
                followed = k + 2 < len(swings)
                extreme = swings[k + 1].price * side if followed else _past(bars, swing, t + 1).min()
                kind = layout.CHOCH if extreme < swings[k - 1].price * side else layout.BOS
                found.append((kind, side, swing.bar, t, swing.price, swing.price, swings[k - 1].price))
                done[side] = swing.bar
                break
    assert said(bars, settings, layout.BOS, layout.CHOCH) == found
    assert len(found) > 20


@pytest.mark.parametrize(
    ("seed", "n", "count"), [(8, 4, 1_500), *[(seed, n, 700) for seed in range(6) for n in (1, 2, 4)]]
)
def test_order_blocks(seed: int, n: int, count: int) -> None:
    """In the first case the same bar is behind the break of two swings, and is told once."""
    bars, settings = whole_prices(seed, count), PriceAction(swing_bars=n)
    found: list[Row] = []
    crossed: set[tuple[int, int]] = set()
    active: list[Row] = []
    before: list[Swing] = []
    newest: dict[int, Swing] = {}
    for t, swings in enumerate(standing(bars, settings)):
        for side in (1, -1):
            for block in [each for each in active if each[1] == side]:
                if (bars.low[t] < block[5]) if side > 0 else (bars.high[t] > block[4]):
                    active.remove(block)
                    found.append((layout.BLOCK_MITIGATED, *block[1:3], t, *block[4:6], block[3]))
            swing = newest.get(side)
            if swing is None or (side, swing.bar) in crossed or (bars.close[t] - swing.price) * side <= 0:
                continue
            crossed.add((side, swing.bar))
            past = _past(bars, swing, t)
            bar = swing.bar + 1 + int(np.flatnonzero(past == past.min())[-1])
            if any(each[1] == side and each[2] == bar for each in active):
                continue
            active.append((layout.BLOCK, side, bar, t, bars.high[bar], bars.low[bar], swing.price))
            found.append(active[-1])
        newest |= {swing.side: swing for swing in swings if swing not in before}
        before = swings
    assert said(bars, settings, layout.BLOCK, layout.BLOCK_MITIGATED) == found
    assert len(found) > 20


@CASES
def test_levels(seed: int, n: int) -> None:
    """The newest 32 swings that stand, within half the mean true range of the last three bars."""
    bars = whole_prices(seed)
    settings = PriceAction(swing_bars=n, range_bars=3, level_tolerance=0.5)
    ranges = _true_ranges(bars)
    found: list[Row] = []
    for t, swings in enumerate(standing(bars, settings)):
        if not swings or swings[-1].at != t:
            continue
        new, tolerance = swings[-1], 0.5 * (ranges[t] + ranges[t - 1] + ranges[t - 2]) / 3
        prices = [each.price for each in swings[-32:] if abs(each.price - new.price) <= tolerance]
        if len(prices) > 1:
            found.append((layout.LEVEL, new.side, new.bar, t, max(prices), min(prices), len(prices)))
    assert said(bars, settings, layout.LEVEL) == found
    assert len(found) > 20


def _true_ranges(bars: Bars) -> np.ndarray:
    """Of every bar but the first, which has no close before it."""
    later = np.maximum(bars.high[1:], bars.close[:-1]) - np.minimum(bars.low[1:], bars.close[:-1])
    return np.concatenate(([np.nan], later))


@CASES
def test_pools(seed: int, n: int) -> None:
    """With a tolerance of half the mean true range of the last two bars, and a short memory."""
    bars = whole_prices(seed)
    settings = PriceAction(swing_bars=n, range_bars=2, pool_tolerance=0.5, level_tolerance=3.0, pool_bars=60)
    found: list[Row] = []
    pools: list[Row] = []
    swings: list[Swing] = []
    arrivals = [Swing(int(side), int(bar), price, int(at)) for _, side, bar, at, price, *_ in said(bars, settings, 1)]
    ranges = _true_ranges(bars)
    for t in range(len(bars.close)):
        reach = {1: bars.high[t], -1: bars.low[t]}
        swings = [each for each in swings if (reach[each.side] - each.price) * each.side <= 0]
        for side in (1, -1):
            for pool in [each for each in pools if each[1] == side]:
                outermost = pool[4] if side > 0 else pool[5]
                if (reach[side] - outermost) * side > 0:
                    pools.remove(pool)
                    if pool[2] >= t - 60:
                        found.append((layout.POOL_SWEPT, side, pool[2], t, *pool[4:]))
        for new in (each for each in arrivals if each.at == t):
            tolerance = 0.5 * (ranges[t] + ranges[t - 1]) / 2
            alike = [each for each in swings if each.side == new.side and each.bar >= t - 60]
            prices = [each.price for each in alike if abs(each.price - new.price) <= tolerance] + [new.price]
            swings.append(new)
            if len(prices) > 1:
                top, bottom = max(prices), min(prices)
                pools = [
                    each for each in pools
                    if each[1] != new.side or each[4] < new.price - tolerance or each[5] > new.price + tolerance
                ]  # fmt: skip
                pools.append((layout.POOL, new.side, new.bar, t, top, bottom, len(prices)))
                found.append(pools[-1])
    assert said(bars, settings, layout.POOL, layout.POOL_SWEPT) == found
    assert len(found) > 20
