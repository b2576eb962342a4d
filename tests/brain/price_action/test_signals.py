"""What each signal says, on bars made by hand. The kernels run as plain Python here; the batch has the same bits."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from brain.price_action import layout
from brain.price_action.layer import parameters
from brain.price_action.trend import trend_score
from schemas.settings.price_action import PriceAction
from tests.brain.price_action.bars import FRAME_NS, START_NS, TREND_BARS, by_hand, closes, plain, random_walk

TWO = PriceAction(swing_bars=2, range_bars=2, level_tolerance=1.0, pool_tolerance=1.0, pool_bars=50)
HOUR_NS = 3_600 * 10**9
RISE, FALL = [94.0, 96.0, 98.0, 100.0], [106.0, 104.0, 102.0, 100.0]
"""Bars before anything, without a swing of their own: those come from bar 3 on."""


def marks(prices: list[float], *kinds: int, settings: PriceAction = TWO) -> list[tuple[float, ...]]:
    """Of bars without wicks."""
    return [tuple(row) for row in plain(closes(prices), settings).marks.tolist() if row[0] in kinds]


def test_the_trend_of_every_bar_is_the_trend_score_of_the_closes_up_to_it() -> None:
    bars = random_walk(120, 5)
    said = plain(bars).rows[:, layout.TREND]
    scores = [trend_score(bars.close[: end + 1].tolist(), TREND_BARS) for end in range(120)]
    assert [None if isnan(each) else each for each in said.tolist()] == scores
    assert scores[TREND_BARS - 1] is None
    assert scores[TREND_BARS] is not None


def test_a_swing_is_confirmed_its_bars_later_and_a_more_extreme_one_names_what_it_replaces() -> None:
    prices = [*RISE, 101, 102, 103, 102.5, 102, 103, 104, 105, 104, 103, 102]
    assert marks(prices, layout.SWING) == [
        (1, 1, 6, 8, 103, 103, -1), (1, -1, 8, 10, 102, 102, -1), (1, 1, 11, 13, 105, 105, -1),
    ]  # fmt: skip
    without_a_low = [*RISE, 101, 102, 103, 102.9, 102.8, 105, 106, 107, 104, 103, 102]
    found = [row for row in marks(without_a_low, layout.SWING) if row[1] == 1]
    assert [(bar, at, price) for _, _, bar, at, price, *_ in found] == [(6, 8, 103), (11, 13, 107)]


def test_of_equal_highs_in_a_row_the_first_stands() -> None:
    bars = by_hand(
        [(9, 10, 8, 9)] * 4 + [(9, 12, 8, 9), (9, 10, 8.5, 9), (9, 12, 8.6, 9), (9, 10, 8.7, 9), (9, 9.5, 8.8, 9)]
    )
    said = plain(bars, TWO).marks
    highs = said[(said[:, 0] == layout.SWING) & (said[:, 1] == 1)]
    assert highs[:, 2:5].tolist()[-1] == [4.0, 6.0, 12.0]


UP_DOWN_UP = [*FALL, 99, 98, 99, 101, 103, 102, 101, 100, 102]
"""Low 98 at bar 5, high 103 at bar 8, low 100 at bar 11."""


def test_a_close_above_the_swing_high_goes_on_with_a_structure_of_higher_lows() -> None:
    assert marks([*UP_DOWN_UP, 102.5, 103, 103.5, 104], layout.BOS, layout.CHOCH) == [(2, 1, 8, 15, 103, 103, 98)]


def test_it_changes_the_character_if_price_made_a_lower_low_first() -> None:
    lower = [*UP_DOWN_UP[:-2], 99, 97, 99, 101, 102]
    found = marks([*lower, 102.5, 103, 103.5, 104], layout.BOS, layout.CHOCH)
    assert found == [(3, 1, 8, 18, 103, 103, 98)]


def test_a_wick_breaks_only_where_the_settings_say_so() -> None:
    bars = closes([*UP_DOWN_UP, 102.5, 102.6])
    bars.high[13] = 103.2
    wick = TWO.model_copy(update={"break_by_close": False})
    for settings, expected in ((TWO, []), (wick, [(8.0, 13.0)])):
        said = plain(bars, settings).marks
        assert [tuple(row[2:4]) for row in said.tolist() if row[0] in {layout.BOS, layout.CHOCH}] == expected


def test_an_order_block_is_the_lowest_bar_before_the_break_and_is_mitigated_by_going_through_it() -> None:
    prices = [*UP_DOWN_UP, 102.5, 103, 103.5, 104, 101, 100.5, 99.5]
    assert marks(prices, layout.BLOCK, layout.BLOCK_MITIGATED)[:2] == [
        (4, 1, 12, 15, 102, 100, 103), (5, 1, 12, 19, 102, 100, 15),
    ]  # fmt: skip


def test_a_wick_through_the_block_mitigates_it_unless_the_body_has_to() -> None:
    bars = closes([*UP_DOWN_UP, 102.5, 103, 103.5, 104, 104.5])
    bars.low[16] = 99.0
    body = TWO.model_copy(update={"block_mitigated_by_body": True})
    for settings, expected in ((TWO, [16.0]), (body, [])):
        said = plain(bars, settings).marks
        assert said[said[:, 0] == layout.BLOCK_MITIGATED, 3].tolist() == expected


def test_gaps_in_a_row_are_told_one_by_one_and_as_one_and_are_mitigated_when_price_comes_back() -> None:
    bars = by_hand([
        (10, 11, 9, 10.5), (11, 13, 10.8, 12.5), (13, 15, 12, 14.5), (15, 17, 14, 16), (16, 16.5, 13.9, 14),
        (14, 14, 11.5, 12),
    ])  # fmt: skip
    assert [tuple(row) for row in plain(bars, TWO).marks.tolist() if row[0] != layout.SWING] == [
        (layout.GAP, 1, 1, 2, 12, 11, 1), (layout.JOINED, 1, 1, 2, 12, 11, 1),
        (layout.GAP, 1, 2, 3, 14, 13, 2), (layout.JOINED, 1, 2, 3, 14, 11, 1),
        (layout.GAP_MITIGATED, 1, 2, 4, 14, 13, 2), (layout.JOINED_MITIGATED, 1, 2, 4, 14, 11, 1),
        (layout.GAP_MITIGATED, 1, 1, 5, 12, 11, 1),
    ]  # fmt: skip


def test_the_mirror_image_of_a_market_has_the_mirror_image_of_every_mark() -> None:
    """On 1/price highs are lows: directions turn round. (A bar that is both is a high on either side; here is none.)"""
    bars = random_walk(1_500, 12)
    mirrored = bars._replace(open=1 / bars.open, high=1 / bars.low, low=1 / bars.high, close=1 / bars.close)
    bound_to_scale = {layout.LEVEL, layout.POOL, layout.POOL_SWEPT}  # tolerances are differences of prices
    found = [row for row in plain(bars).marks.tolist() if row[0] not in bound_to_scale]
    other = [row for row in plain(mirrored).marks.tolist() if row[0] not in bound_to_scale]
    turned = sorted((kind, -side, bar, at) for kind, side, bar, at, *_ in other)
    assert turned == sorted((kind, side, bar, at) for kind, side, bar, at, *_ in found)


TURNS = [*RISE, 101, 103, 105, 103, 101, 103, 104.8, 103, 101.1, 103, 105.2]
"""Highs 105 (bar 6), 104.8 (bar 10); lows 101 (bar 8), 101.1 (bar 12)."""


def test_swings_at_about_the_same_price_are_a_level_with_touches() -> None:
    found = marks(TURNS, layout.LEVEL, settings=TWO.model_copy(update={"level_tolerance": 0.2}))
    assert found == [(10, 1, 10, 12, 105, 104.8, 2), (10, -1, 12, 14, 101.1, 101, 2)]


def test_equal_highs_are_a_pool_that_is_swept_beyond_the_outermost() -> None:
    found = marks(TURNS, layout.POOL, layout.POOL_SWEPT, settings=TWO.model_copy(update={"pool_tolerance": 0.2}))
    assert found == [
        (11, 1, 10, 12, 105, 104.8, 2), (12, 1, 10, 14, 105, 104.8, 2), (11, -1, 12, 14, 101.1, 101, 2),
    ]  # fmt: skip


def test_lows_that_price_has_gone_beyond_are_no_pool_with_a_newer_one() -> None:
    lower = [*RISE, 101, 103, 105, 103, 101, 103, 104, 103, 100.9, 103, 105.2]
    settings = TWO.model_copy(update={"pool_tolerance": 0.2})
    assert [row for row in marks(lower, layout.POOL, settings=settings) if row[1] == -1] == []


def test_premium_and_discount_are_the_place_between_the_last_swings_widened_by_what_came_since() -> None:
    said = plain(closes([*UP_DOWN_UP, 102.5, 103, 103.5]), TWO).rows[:, layout.PREMIUM]
    assert np.isnan(said[:10]).all()  # the high is confirmed by bar 10, the low was by bar 7
    assert said[10:].tolist() == pytest.approx([3 / 5, 2 / 5, 4 / 5, 2.5 / 3, 1.0, 1.0])
    anything = plain(random_walk(2_000, 2)).rows[:, layout.PREMIUM]
    assert np.nanmin(anything) >= 0.0
    assert np.nanmax(anything) <= 1.0


def _hours(prices: list[float], start_ns: int, settings: PriceAction) -> np.ndarray:
    bars = closes(prices)
    times = start_ns + HOUR_NS * np.arange(len(prices), dtype=np.int64)
    return plain(bars._replace(open_ns=times), settings).rows


def test_the_previous_day_is_right_from_the_first_bar_and_unknown_where_it_was_not_seen_whole() -> None:
    prices = [float(100 + hour) for hour in range(24 * 3)]
    whole = _hours(prices, START_NS, TWO)[:, [layout.DAY_HIGH, layout.DAY_LOW]]
    assert np.isnan(whole[:24]).all()
    assert whole[24:48].tolist() == [[123.0, 100.0]] * 24
    assert whole[48:].tolist() == [[147.0, 123.0]] * 24
    begun_late = _hours(prices, START_NS + HOUR_NS, TWO)[:, [layout.DAY_HIGH, layout.DAY_LOW]]
    assert np.isnan(begun_late[:47]).all()
    assert begun_late[47].tolist() == [146.0, 122.0]
    shifted = _hours(prices, START_NS + HOUR_NS, TWO.model_copy(update={"day_start_utc_hour": 1}))
    assert np.array_equal(shifted[:, [layout.DAY_HIGH, layout.DAY_LOW]], whole, equal_nan=True)


def test_the_previous_week_begins_on_monday_and_is_not_stale() -> None:
    rows = _hours([float(100 + hour) for hour in range(24 * 15)], START_NS, TWO)
    weeks = rows[:, [layout.WEEK_HIGH, layout.WEEK_LOW]]
    assert np.isnan(weeks[: 24 * 7]).all()
    assert weeks[24 * 7].tolist() == [267.0, 100.0]
    assert weeks[24 * 14].tolist() == [435.0, 267.0]


def test_a_session_may_cross_midnight_and_has_its_own_high_and_low() -> None:
    settings = TWO.model_copy(update={"sessions": ("night 22:00-02:00", "day 08:00-10:00")})
    rows = _hours([float(100 + hour) for hour in range(30)], START_NS, settings)
    night, day = rows[:, 7:10], rows[:, 10:13]
    assert night[:3].tolist()[2][0] == 0.0
    assert night[:2, 0].tolist() == [1.0, 1.0]
    assert np.isnan(night[:22, 1:]).all()  # the first one was not seen from its beginning
    assert night[22:27].tolist() == [[1, 122, 121], [1, 123, 121], [1, 124, 121], [1, 125, 121], [0, 125, 121]]
    assert [[nan if isnan(x) else x for x in row] for row in day[8:11].tolist()] == [
        [1, 108, 107],
        [1, 109, 107],
        [0, 109, 107],
    ]


@pytest.mark.parametrize("lookback", [0, -1])
def test_a_look_back_of_no_bars_is_refused(lookback: int) -> None:
    with pytest.raises(ValueError, match="at least 1 bar"):
        parameters(TWO, lookback)


def test_the_frames_of_these_bars_are_five_minutes() -> None:
    assert FRAME_NS * 12 == HOUR_NS


def test_a_trend_beyond_all_numbers_is_unknown() -> None:
    said = plain(by_hand([(5e-324,) * 4] * TREND_BARS + [(1e308,) * 4])).rows[:, layout.TREND]
    assert np.isnan(said).all()
    assert trend_score([5e-324, 1e308], 1) is None
