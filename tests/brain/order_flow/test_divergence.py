from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.divergence import BEARISH, BULLISH, DivergenceState, divergences, rings_of, start, step

BARS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5), st.integers(-9, 9)), max_size=60)


def columns(bars: list[tuple[int, int, int]]) -> tuple[list[float], list[float], list[float]]:
    """Highs, lows and the CVD; a low is never above its high."""
    return [float(h) for h, _, _ in bars], [float(h - d) for h, d, _ in bars], [float(c) for _, _, c in bars]


def naive(highs: list[float], lows: list[float], cvds: list[float], n: int) -> list[int]:
    """From the definition, with all bars at hand."""
    found = [0] * len(highs)
    for sign, prices, what in ((1, highs, BEARISH), (-1, lows, BULLISH)):
        swings = [
            i for i in range(n, len(prices) - n)
            if all(sign * prices[j] < sign * prices[i] for j in range(i - n, i))
            and all(sign * prices[j] <= sign * prices[i] for j in range(i + 1, i + n + 1))
        ]  # fmt: skip
        for before, now in pairwise(swings):
            if sign * prices[now] > sign * prices[before] and sign * cvds[now] < sign * cvds[before]:
                found[now + n] += what
    return found


@given(BARS, st.integers(1, 4))
def test_what_the_kernel_says_bar_by_bar_is_the_definition(bars: list[tuple[int, int, int]], n: int) -> None:
    assert divergences(*columns(bars), n) == naive(*columns(bars), n)


@given(BARS, BARS, st.integers(1, 4), st.integers(0, 60))
def test_nothing_that_comes_later_changes_what_was_said(
    bars: list[tuple[int, int, int]], garbage: list[tuple[int, int, int]], n: int, cut: int
) -> None:
    kept = bars[:cut]
    assert divergences(*columns(kept + garbage), n)[: len(kept)] == divergences(*columns(kept), n)


def test_a_higher_high_on_less_buying_is_known_n_bars_later() -> None:
    highs, cvds = [1.0, 5.0, 1.0, 2.0, 6.0, 1.0, 1.0], [0.0, 9.0, 3.0, 4.0, 8.0, 3.0, 3.0]
    lows = [0.0] * 7
    assert divergences(highs, lows, cvds, 1) == [0, 0, 0, 0, 0, BEARISH, 0]
    mirrored = [-high for high in highs], [-cvd for cvd in cvds]
    assert divergences([0.0] * 7, mirrored[0], mirrored[1], 1) == [0, 0, 0, 0, 0, BULLISH, 0]
    assert divergences(highs, lows, [0.0, 9.0, 3.0, 4.0, 9.0, 3.0, 3.0], 1) == [0] * 7


def test_of_equal_highs_the_first_is_the_swing() -> None:
    highs, cvds = [1.0, 5.0, 1.0, 6.0, 6.0, 1.0, 1.0], [0.0, 9.0, 3.0, 8.0, 9.5, 3.0, 3.0]
    assert divergences(highs, [0.0] * 7, cvds, 1) == [0, 0, 0, 0, BEARISH, 0, 0]


def test_compiled_it_gives_the_same_bits() -> None:
    numba = pytest.importorskip("numba", reason="numba is not in the base install")
    numpy = pytest.importorskip("numpy")
    compiled = numba.njit(step)
    rng = random.Random(7)
    rings = [numpy.zeros(7) for _ in range(3)]
    plain_rings, plain, fast = rings_of(3), start(), start()
    price, cvd, said = 100.0, 0.0, set()
    for _ in range(3_000):
        price += rng.gauss(0, 1)
        cvd += round(rng.gauss(0, 1) * 1e8)
        bar = (price + rng.random(), price - rng.random(), cvd)
        plain, found = step(plain, *plain_rings, 3, *bar)
        fast, quick = compiled(fast, *rings, 3, *bar)
        assert (DivergenceState(*fast), quick) == (plain, found)
        said.add(found)
    assert said >= {0, BEARISH, BULLISH}
