"""The four guards against looking ahead, for any function from bars to what a signal says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log, sqrt
from typing import NamedTuple

import numpy as np

from brain.price_action.batch import Bars
from tests.brain.price_action.bars import FRAME_NS, Said, part, random_walk
from tests.brain.price_action.signals import Signal, same

Run = Callable[[Bars], Said]
HOLD = 12
"""Bars that a trade of the random-walk guard lasts."""


def prefix_invariant(run: Run, signal: Signal, bars: Bars, stop: int, whole: Said) -> bool:
    """f(x[:stop]) == f(x)[:stop]; `whole` is f(x)."""
    return same(signal.of(run(part(bars, 0, stop)), 0, stop), signal.of(whole, 0, stop))


def blind_to_the_future(run: Run, signal: Signal, bars: Bars, stop: int, whole: Said, seed: int) -> bool:
    """Everything from `stop` on replaced by garbage changes nothing before it."""
    return same(signal.of(run(poisoned(bars, stop, seed)), 0, stop), signal.of(whole, 0, stop))


def poisoned(bars: Bars, stop: int, seed: int) -> Bars:
    """From `stop` on another market: a thousandth or a thousandfold of the price, wild bars."""
    rest = len(bars.close) - stop
    scale = 1_000.0 if seed % 2 else 0.001
    wild = random_walk(rest, seed, per_bar=3, sigma=0.1, start_ns=int(bars.open_ns[stop - 1]) + FRAME_NS)
    garbage = [column * (scale * bars.close[0] / 20_000.0) for column in wild[1:]]
    return Bars(
        np.concatenate((bars.open_ns[:stop], bars.open_ns[stop:])),
        *(np.concatenate((good[:stop], bad)) for good, bad in zip(bars[1:], garbage, strict=True)),
    )


def converges(run: Run, signal: Signal, bars: Bars, start: int, whole: Said) -> bool | None:
    """Started at `start` it says, once it is warm, what it says when started earlier; None: nothing to compare."""
    later = part(bars, start, len(bars.close))
    said = run(later)
    warm = signal.warm(said, later)
    if warm is None:
        return None
    moved = said.marks.copy()
    moved[:, 2:4] += start
    swings = (moved[:, 0] == 1) & (moved[:, 6] >= 0)
    moved[swings, 6] += start  # the bar of the swing that it replaces
    formed = np.isin(moved[:, 0], (5, 6, 7, 8, 9))
    moved[formed, 6] += start  # a bar too
    end = len(bars.close)
    shifted = Said(moved, np.concatenate((np.full((start, said.rows.shape[1]), np.nan), said.rows)))
    from_bar = start + warm
    earlier = signal.of(whole, from_bar, end, born=from_bar)
    if not len(earlier.marks) and not np.isfinite(earlier.rows).any():
        return None
    return same(signal.of(shifted, from_bar, end, born=from_bar), earlier)


class Profit(NamedTuple):
    """Profit factor of `trades` trades, and the standard error of its logarithm."""

    factor: float
    log_error: float
    trades: int

    @property
    def is_chance(self) -> bool:
        """Is it 1 within three standard errors?"""
        return abs(log(self.factor)) <= 3 * self.log_error


def profit(trades: Iterable[tuple[int, float]], bars: Bars) -> Profit:
    """Each trade from the open of the bar after `at` to the close HOLD bars later, one at a time, without fees."""
    opens, closes = np.log(bars.open), np.log(bars.close)
    found, free = [], 0
    for at, direction in trades:
        if at < free or at + HOLD >= len(closes):
            continue
        found.append(direction * (closes[at + HOLD] - opens[at + 1]))
        free = at + HOLD
    results = np.array(found)
    won, lost = np.maximum(results, 0.0), np.maximum(-results, 0.0)
    spread = float(np.std(won / won.mean() - lost / lost.mean()))
    return Profit(won.sum() / lost.sum(), spread / sqrt(len(results)), len(results))
