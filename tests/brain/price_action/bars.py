"""Candles to try layer 1 on: seeded random walks, real ones, a few by hand. And both ways to run it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brain.price_action.batch import Bars, price_action
from brain.price_action.layer import layer_step, new_states, parameters, row_size
from brain.price_action.layout import MARKS_SIZE, WIDTH
from schemas.settings.price_action import PriceAction
from tests.support.recordings import recording

FRAME_NS = 300 * 10**9
START_NS = 1_672_617_600 * 10**9
"""2023-01-02 00:00 UTC, a Monday."""
SETTINGS = PriceAction(swing_bars=5, pool_bars=200)
TREND_BARS = 24


class Said(NamedTuple):
    """What a run said: marks, shape (M, 7), and values by bar, shape (T, K)."""

    marks: npt.NDArray[np.float64]
    rows: npt.NDArray[np.float64]


def random_walk(count: int, seed: int, *, per_bar: int = 12, sigma: float = 3e-4, start_ns: int = START_NS) -> Bars:
    """Bars of 5 minutes, each made of `per_bar` steps of a walk of the logarithm; opens at the close before."""
    steps = np.random.default_rng(seed).normal(0.0, sigma, (count, per_bar))
    path = np.cumsum(steps, axis=1)
    before = np.concatenate(([0.0], np.cumsum(path[:, -1])[:-1]))[:, None]
    price = 20_000.0 * np.exp(np.concatenate((np.zeros((count, 1)), path), axis=1) + before)
    times = start_ns + FRAME_NS * np.arange(count, dtype=np.int64)
    return Bars(times, price[:, 0].copy(), price.max(axis=1), price.min(axis=1), price[:, -1].copy())


def part(bars: Bars, start: int, stop: int) -> Bars:
    """Some of the bars in a row."""
    return Bars(*(column[start:stop] for column in bars))


@cache
def eurusd() -> Bars:
    """24,424 bars of 15 minutes of EURUSD; skips where there is no recording."""
    with gzip.open(recording("smc-eurusd/EURUSD_15M.csv.gz"), "rt") as file:
        rows = list(csv.reader(file))[1:]
    whens = [datetime.strptime(row[0], "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC) for row in rows]
    times = np.array([int(when.timestamp()) * 10**9 for when in whens], dtype=np.int64)
    return Bars(times, *(np.array([float(row[k]) for row in rows]) for k in range(1, 5)))


@cache
def btc() -> Bars:
    """7,332 bars of 5 minutes of BTC/USDT, January 2023; skips where there is no recording."""
    with gzip.open(recording("ohlcv/btc-usdt_5m_part1.csv.gz"), "rt") as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([int(row[0]) * 10**6 for row in rows], dtype=np.int64)
    return Bars(times, *(np.array([float(row[k]) for row in rows]) for k in range(1, 5)))


def compiled(bars: Bars, settings: PriceAction = SETTINGS) -> Said:
    """The batch."""
    return Said(*price_action(bars, settings, trend_bars=TREND_BARS))


def plain(bars: Bars, settings: PriceAction = SETTINGS) -> Said:
    """The kernels as Python over lists, as the live brain runs them."""
    p = parameters(settings, TREND_BARS)
    states, marks, row = new_states(p), [0.0] * MARKS_SIZE, [0.0] * row_size(p)
    found: list[list[float]] = []
    rows: list[list[float]] = []
    columns: list[list[Any]] = [column.tolist() for column in bars]
    for i, (open_ns, *prices) in enumerate(zip(*columns, strict=True)):
        marks[0] = 0.0
        layer_step(states, p, marks, row, i, open_ns, *prices)
        found += [marks[1 + WIDTH * k : 1 + WIDTH * (k + 1)] for k in range(int(marks[0]))]
        rows.append(row[:])
    return Said(np.array(found).reshape(-1, WIDTH), np.array(rows).reshape(-1, len(row)))


def by_hand(rows: Sequence[tuple[float, float, float, float]], *, start_ns: int = START_NS) -> Bars:
    """Open, high, low, close."""
    times = start_ns + FRAME_NS * np.arange(len(rows), dtype=np.int64)
    return Bars(times, *(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def closes(prices: Sequence[float], *, start_ns: int = START_NS) -> Bars:
    """Bars that open at the close before and have no wicks."""
    opens = [prices[0], *prices[:-1]]
    return by_hand(
        [(a, max(a, b), min(a, b), b) for a, b in zip(opens, prices, strict=True)], start_ns=start_ns
    )  # fmt: skip
