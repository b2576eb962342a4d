"""The live layer: one confirmed bar after the other, a frozen view, and UNKNOWN from the first bad bar on."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.price_action import layout
from brain.price_action.live import PriceAction
from brain.price_action.view import Break, MarkKind, Pool, PriceActionView, Session, Swing, Zone
from schemas.settings.price_action import PriceAction as Settings
from tests.brain.price_action.bars import FRAME_NS, START_NS, closes, plain, random_walk
from tests.brain.price_action.test_signals import TURNS, TWO, UP_DOWN_UP

GOOD = (100.0, 101.0, 99.0, 100.5)


def fed(prices: list[float], choice: Settings = TWO) -> PriceAction:
    """A layer that took bars without wicks."""
    layer = PriceAction(choice, frame_ns=FRAME_NS, trend_bars=3)
    for open_ns, *bar in zip(*(column.tolist() for column in closes(prices)), strict=True):
        assert layer.on_bar(open_ns, *bar) == ""
    return layer


def at(bar: int) -> int:
    return START_NS + bar * FRAME_NS


def test_the_view_tells_everything_by_time_and_what_is_not_known_yet_is_none() -> None:
    layer = fed([*UP_DOWN_UP, 102.5, 103, 103.5])
    down = Zone(-1, 106.0, 104.0, at(1), at(2))
    first, second, third = (
        Zone(1, top, bottom, at(bar), at(bar + 1))
        for top, bottom, bar in ((102.0, 101.0, 12), (102.5, 102.0, 13), (103.0, 102.5, 14))
    )
    expected = PriceActionView(
        unknown="", bars=16, open_ns=at(15), close=103.5, trend_pct=(103.5 / 102 - 1) * 100, structure=1,
        last_break=Break(MarkKind.BOS, 1, 103.0, at(8), at(15)),
        swing_high=Swing(103.0, at(8), at(10)), swing_low=Swing(100.0, at(11), at(13)),
        blocks=(Zone(1, 102.0, 100.0, at(12), at(15)),), gaps=(third, down, second, first),
        joined_gaps=(Zone(1, 103.0, 101.0, at(14), at(15)),), premium_discount=1.0,
        sessions=(Session("asia", True, 106.0, 98.0), Session("london", False, None, None),
                  Session("new_york", False, None, None)),
    )  # fmt: skip
    assert layer.view == expected
    assert [(mark.kind, mark.direction, mark.open_ns, mark.confirmed_ns) for mark in layer.marks] == [
        (MarkKind.BOS, 1, at(8), at(15)), (MarkKind.BLOCK, 1, at(12), at(15)),
        (MarkKind.GAP, 1, at(14), at(15)), (MarkKind.JOINED, 1, at(14), at(15)),
    ]  # fmt: skip
    assert layer.view is layer.view


def test_before_the_first_bar_nothing_is_known() -> None:
    layer = PriceAction(TWO, frame_ns=FRAME_NS)
    assert layer.view == PriceActionView("no bars yet")
    assert layer.marks == ()


def test_a_view_that_was_taken_stays_as_it_was() -> None:
    layer = fed(UP_DOWN_UP)
    before = layer.view
    kept = repr(before)
    for k in range(5):
        assert layer.on_bar(at(13 + k), *GOOD) == ""
    assert repr(before) == kept
    assert layer.view != before


@pytest.mark.parametrize(
    ("bar", "why"),
    [
        ((math.nan, 101, 99, 100), "open is nan"), ((100, math.inf, 99, 100), "high is inf"),
        ((100, 101, -math.inf, 100), "low is -inf"), ((100, 101, 99, math.nan), "close is nan"),
        ((100, 101, 0.0, 100), "low is 0"), ((100, 101, -1.0, 100), "low is -1"),
        ((100, 98, 99, 98.5), "high 98 is below low 99"),
        ((102, 101, 99, 100), "open 102 or close 100 is outside of [99, 101]"),
        ((100, 101, 99, 98), "open 100 or close 98 is outside of [99, 101]"),
        ((100, 101, 99, 100, -1.0), "volume is -1"), ((100, 101, 99, 100, math.nan), "volume is nan"),
        ((100, 101, 99, 100, math.inf), "volume is inf"),
    ],
)  # fmt: skip
def test_a_bad_bar_is_refused_and_all_is_unknown_until_a_whole_history(bar: tuple[float, ...], why: str) -> None:
    layer = fed(UP_DOWN_UP)
    reason = f"bar {at(13)}: {why}; a whole history is needed"
    assert layer.on_bar(at(13), *bar) == reason
    assert layer.view == PriceActionView(reason)
    assert layer.marks == ()
    assert layer.on_bar(at(13), *GOOD) == reason
    assert layer.on_bar(at(14), *GOOD) == reason
    layer.reset()
    assert layer.on_bar(at(40), *GOOD) == ""
    assert (layer.unknown, layer.view.bars, layer.view.swing_high) == ("", 1, None)


@pytest.mark.parametrize(("step", "said"), [(0, "0 s after"), (2, "600 s after"), (-1, "-300 s after")])
def test_a_bar_that_is_not_the_next_is_refused(step: int, said: str) -> None:
    layer = fed(UP_DOWN_UP)
    assert f"{said} the bar before, 300 s expected" in layer.on_bar(at(12 + step), *GOOD)
    assert layer.view.unknown


def test_a_pool_that_is_too_old_is_not_shown() -> None:
    choice = TWO.model_copy(update={"pool_tolerance": 0.2, "pool_bars": 10})
    shown = [fed([*TURNS[:-1], *[103.0] * more], choice).view.pools for more in (1, 7, 8)]
    pool = Pool(1, 105.0, 104.8, 2, at(10), at(12))
    assert [pool in each for each in shown] == [True, True, False]


def test_after_a_reset_the_same_bars_give_the_same_view() -> None:
    layer = fed(UP_DOWN_UP)
    first = layer.view
    assert layer.marks
    layer.reset()
    assert layer.marks == ()
    for open_ns, *bar in zip(*(column.tolist() for column in closes(UP_DOWN_UP)), strict=True):
        layer.on_bar(open_ns, *bar)
    assert layer.view == first


def test_the_view_and_the_marks_are_those_of_the_kernels() -> None:
    """Blocks and gaps of the view: formed and not mitigated, by the marks; the nearest of them."""
    bars = random_walk(600, 4)
    choice = Settings(nearest=3)
    layer = PriceAction(choice, frame_ns=FRAME_NS)
    told: list[tuple[Any, ...]] = []
    for open_ns, *bar in zip(*(column.tolist() for column in bars), strict=True):
        layer.on_bar(open_ns, *bar)
        told += [(mark.kind.value, mark.direction, mark.open_ns, mark.confirmed_ns) for mark in layer.marks]
    said, view = plain(bars, choice), layer.view
    assert told == [(int(k), int(d), at(int(b)), at(int(t))) for k, d, b, t, *_ in said.marks.tolist()]
    assert view.close is not None
    for shown, kind, gone in (
        (view.blocks, layout.BLOCK, layout.BLOCK_MITIGATED), (view.gaps, layout.GAP, layout.GAP_MITIGATED),
    ):  # fmt: skip
        over = {(row[1], row[2]) for row in said.marks.tolist() if row[0] == gone}
        open_zones = [
            Zone(int(side), top, bottom, at(int(bar)), at(int(when)))
            for found, side, bar, when, top, bottom, _ in said.marks.tolist()
            if found == kind and (side, bar) not in over
        ]
        close = view.close
        open_zones.sort(key=lambda zone: (max(zone.bottom - close, close - zone.top, 0.0), -zone.confirmed_ns))
        assert shown == tuple(open_zones[:3])
        assert len(shown) == 3
    assert 0 < len(view.levels) <= 3
    assert all(level.touches >= 2 and level.bottom <= level.top for level in view.levels)
    assert all(pool.swings >= 2 for pool in view.pools)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats()] * 5), max_size=30))
def test_no_numbers_at_all_make_it_raise_or_speak_nonsense(rows: list[tuple[float, ...]]) -> None:
    layer = PriceAction(Settings(swing_bars=1), frame_ns=FRAME_NS)
    for k, (bar_open, high, low, close, volume) in enumerate(rows):
        layer.on_bar(at(k), bar_open, high, low, close, volume)
        view = layer.view
        assert bool(view.unknown) == (view.close is None)
        assert view.premium_discount is None or 0.0 <= view.premium_discount <= 1.0


@pytest.mark.parametrize("frame_ns", [0, -1])
def test_a_frame_without_length_is_refused(frame_ns: int) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        PriceAction(TWO, frame_ns=frame_ns)
