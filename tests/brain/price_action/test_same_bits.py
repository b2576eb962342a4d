"""Live and batch are the same code and give the same bits."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from brain.price_action.batch import Bars, price_action
from brain.price_action.layout import MARKS_SIZE, WIDTH
from schemas.settings.price_action import PriceAction
from tests.brain.price_action.bars import SETTINGS, btc, compiled, eurusd, part, plain, random_walk

OTHERWISE = PriceAction(
    swing_bars=2, break_by_close=False, block_mitigated_by_body=True, range_bars=5, level_tolerance=2.0,
    pool_tolerance=1.5, pool_bars=50, day_start_utc_hour=17, sessions=("night 22:30-05:15",),
)  # fmt: skip


@pytest.mark.parametrize("settings", [SETTINGS, OTHERWISE], ids=["plain settings", "everything otherwise"])
@pytest.mark.parametrize("market", ["walk", "eurusd", "btc"])
def test_live_and_batch_give_the_same_bits_for_every_signal(market: str, settings: PriceAction) -> None:
    bars = random_walk(4_000, 3) if market == "walk" else part(eurusd() if market == "eurusd" else btc(), 0, 4_000)
    live, batch = plain(bars, settings), compiled(bars, settings)
    assert len(live.marks) > 1_000
    assert live.marks.tobytes() == batch.marks.tobytes()
    assert live.rows.tobytes() == batch.rows.tobytes()


def test_a_run_of_gaps_that_all_close_at_once_stays_within_the_room_for_marks() -> None:
    """The most marks that a bar can bring: every gap ever kept, of both kinds, mitigated by one bar."""
    up = np.cumprod(np.full(900, 1.01)) * 100.0
    low, high = np.append(up * 0.999, 1.0), np.append(up * 1.001, up[-1] * 2)
    bars = Bars(np.arange(901, dtype=np.int64) * 10**9, low, high, low, high)
    for said in (plain(bars), compiled(bars)):
        last = said.marks[said.marks[:, 3] == 900]
        assert 256 <= len(last) <= (MARKS_SIZE - 1) // WIDTH
        assert np.unique(last[:, 0]).tolist() == [5.0, 7.0, 9.0] or np.unique(last[:, 0]).tolist() == [7.0, 9.0]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("high", np.nan, "bar 3 is none: open_ns"), ("low", 0.0, "bar 3"), ("close", np.inf, "bar 3"),
        ("high", 1.0, "bar 3"), ("open", 99_999.0, "bar 3"),
    ],
)  # fmt: skip
def test_a_bar_that_is_none_is_named(column: str, value: float, said: str) -> None:
    bars = random_walk(10, 1)
    broken = getattr(bars, column).copy()
    broken[3] = value
    with pytest.raises(ValueError, match=said):
        price_action(bars._replace(**{column: broken}), SETTINGS)


def test_columns_of_different_lengths_are_refused() -> None:
    bars = random_walk(10, 1)
    with pytest.raises(ValueError, match="different lengths"):
        price_action(bars._replace(high=bars.high[:9]), SETTINGS)


def test_no_bars_say_nothing() -> None:
    said = compiled(part(random_walk(10, 1), 0, 0))
    assert said.marks.shape == (0, WIDTH)
    assert said.rows.shape == (0, 16)


def test_the_live_layer_loads_neither_numpy_nor_numba() -> None:
    code = "import sys, brain.price_action.live; print([m for m in ('numpy', 'numba') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
