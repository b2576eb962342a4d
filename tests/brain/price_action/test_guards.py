"""No signal looks ahead: four guards, on every signal, and on signals that cheat so that each guard is seen to bite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.price_action import layout
from brain.price_action.batch import Bars
from tests.brain.price_action.bars import SETTINGS, Said, btc, compiled, eurusd, part, plain, random_walk
from tests.brain.price_action.guards import blind_to_the_future, converges, prefix_invariant, profit
from tests.brain.price_action.signals import SIGNALS

EACH = pytest.mark.parametrize("name", SIGNALS)
MARKETS = pytest.mark.parametrize("market", ["walk", "eurusd", "btc"])
LONG = 5_000


def _bars(market: str) -> Bars:
    if market == "walk":
        return random_walk(LONG, 7)
    return part(eurusd() if market == "eurusd" else btc(), 0, LONG)


_SAID: dict[str, Said] = {}


def _whole(market: str) -> tuple[Bars, Said]:
    bars = _bars(market)
    if market not in _SAID:
        _SAID[market] = compiled(bars)
    return bars, _SAID[market]


def eager(bars: Bars) -> Said:
    """A cheat: swings are known at their own bar."""
    said = compiled(bars)
    marks = said.marks.copy()
    swings = marks[:, 0] == layout.SWING
    marks[swings, 3] = marks[swings, 2]
    return Said(marks, said.rows)


def scaled_by_the_sample(bars: Bars) -> Said:
    """A cheat: a trend in units of the whole sample's range."""
    said = compiled(bars)
    rows = said.rows.copy()
    rows[:, layout.TREND] /= bars.high.max() - bars.low.min()
    return Said(said.marks, rows)


def never_forgets(bars: Bars) -> Said:
    """A cheat: a trend since the beginning of the history, wherever that is."""
    said = compiled(bars)
    rows = said.rows.copy()
    rows[:, layout.TREND] = bars.close / bars.close[0]
    return Said(said.marks, rows)


@EACH
@MARKETS
def test_what_is_said_up_to_a_bar_is_said_without_the_bars_after_it(name: str, market: str) -> None:
    bars, whole = _whole(market)
    for stop in (1, 2, 11, 300, 301, 302, 1_500, 3_333, LONG - 1):
        assert prefix_invariant(compiled, SIGNALS[name], bars, stop, whole), stop


@EACH
@MARKETS
def test_garbage_in_the_future_changes_nothing_before_it(name: str, market: str) -> None:
    bars, whole = _whole(market)
    for seed, stop in enumerate((2, 30, 700, 701, 702, 2_500, 4_990)):
        assert blind_to_the_future(compiled, SIGNALS[name], bars, stop, whole, seed), stop


@EACH
@MARKETS
def test_a_later_start_comes_to_say_the_same(name: str, market: str) -> None:
    bars, whole = _whole(market)
    for start in (1, 97, 1_000):
        assert converges(compiled, SIGNALS[name], bars, start, whole) is True, start


PRICES = st.lists(st.integers(90, 110), min_size=60, max_size=160)


@settings(deadline=None, max_examples=40)
@given(prices=PRICES, wicks=st.integers(0, 3), cut=st.floats(0.05, 0.95), seed=st.integers(0, 9))
def test_no_signal_looks_ahead_on_any_bars_with_many_equal_prices(
    prices: list[int], wicks: int, cut: float, seed: int
) -> None:
    """Steps of whole prices: ties, where a comparison the wrong way round shows."""
    closes = np.array(prices, dtype=np.float64)
    opens = np.concatenate((closes[:1], closes[:-1]))
    wick = np.random.default_rng(seed).integers(0, wicks + 1, (2, len(prices)))
    times = np.arange(len(prices), dtype=np.int64) * 3_600 * 10**9
    high, low = np.maximum(opens, closes) + wick[0], np.minimum(opens, closes) - wick[1]
    bars, stop = Bars(times, opens, high, low, closes), max(2, int(cut * len(prices)))
    whole = plain(bars)
    for name, signal in SIGNALS.items():
        assert prefix_invariant(plain, signal, bars, stop, whole), name
        assert blind_to_the_future(plain, signal, bars, stop, whole, seed), name


@pytest.fixture(scope="module")
def long_walk() -> tuple[Bars, Said]:
    bars = random_walk(250_000, 20_240)
    return bars, compiled(bars)


@EACH
def test_no_signal_earns_anything_on_a_random_walk(name: str, long_walk: tuple[Bars, Said]) -> None:
    bars, said = long_walk
    found = profit(SIGNALS[name].trades(said, bars), bars)
    assert found.trades > 500, found
    assert found.log_error < 0.1, found
    assert found.is_chance, found


def test_the_guards_catch_a_swing_that_is_known_at_its_own_bar(long_walk: tuple[Bars, Said]) -> None:
    bars, signal = random_walk(LONG, 7), SIGNALS["swings"]
    whole = eager(bars)
    swing = int(whole.marks[100, 2]) if whole.marks[100, 0] == layout.SWING else 0
    stops = [int(bar) + 2 for bar in whole.marks[whole.marks[:, 0] == layout.SWING, 2][:20]] + [swing + 2]
    assert not all(prefix_invariant(eager, signal, bars, stop, whole) for stop in stops)
    assert not all(blind_to_the_future(eager, signal, bars, stop, whole, 1) for stop in stops)
    walk, said = long_walk
    marks = said.marks.copy()
    marks[:, 3] = np.where(marks[:, 0] == layout.SWING, marks[:, 2], marks[:, 3])
    found = profit(signal.trades(Said(marks, said.rows), walk), walk)
    assert not found.is_chance
    assert found.factor > 2.0


def test_the_guards_catch_a_scale_taken_from_the_whole_sample() -> None:
    bars, signal = random_walk(LONG, 7), SIGNALS["trend"]
    whole = scaled_by_the_sample(bars)
    assert not prefix_invariant(scaled_by_the_sample, signal, bars, 300, whole)
    assert not blind_to_the_future(scaled_by_the_sample, signal, bars, 300, whole, 1)


def test_the_guard_of_the_warm_up_catches_a_memory_without_end() -> None:
    bars = random_walk(LONG, 7)
    assert converges(never_forgets, SIGNALS["trend"], bars, 97, never_forgets(bars)) is False


def test_the_pool_age_of_these_tests_lets_pools_warm_up() -> None:
    assert SETTINGS.pool_bars < LONG
