from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovereign_tui.cockpit.chart.dots import ACROSS, DOWN, Dots
from sovereign_tui.cockpit.chart.plot import (
    Mark,
    Price,
    Zone,
    draw_candles,
    draw_line,
    draw_marks,
    draw_prices,
    draw_volume,
    draw_zones,
    fitting,
)
from sovereign_tui.cockpit.chart.scale import Scale, scale_of, ticks
from sovereign_tui.cockpit.text import plain, width_of
from tests.sovereign_tui.cockpit import messages as make

_FINITE = st.floats(-1e9, 1e9)


def _lines(dots: Dots, *, ascii_only: bool = False) -> list[str]:
    return [plain(cells) for cells in dots.rows(ascii_only=ascii_only)]


@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.tuples(st.integers(-9, 20), st.integers(-9, 20))))
def test_each_dot_within_is_one_bit_of_its_cell_and_none_outside(
    width: int, height: int, spots: list[tuple[int, int]]
) -> None:
    dots = Dots(width, height)
    for x, y in spots:
        dots.dot(x, y, "up")
    within = {(x, y) for x, y in spots if 0 <= x < width * ACROSS and 0 <= y < height * DOWN}
    bits = sum((ord(char) - 0x2800).bit_count() for line in _lines(dots) for char in line if char != " ")
    assert bits == len(within)
    assert [width_of(cells) for cells in dots.rows()] == [width] * height


def test_a_dot_has_the_place_that_braille_gives_it() -> None:
    dots = Dots(2, 1)
    dots.dot(0, 0, "up")
    dots.dot(3, 3, "down")
    assert _lines(dots) == ["\u2801\u2880"]
    assert [(span.text, span.role) for span in dots.rows()[0]] == [("\u2801", "up"), ("\u2880", "down")]


def test_in_ascii_a_cell_tells_how_full_it_is() -> None:
    dots = Dots(3, 1)
    dots.dot(0, 0, "up")
    for x in (2, 3):
        dots.upright(x, 0, 3, "up")
    assert _lines(dots, ascii_only=True) == [".# "]


@given(_FINITE, st.floats(1e-3, 1e9), st.integers(2, 500))
def test_a_scale_puts_its_ends_on_the_first_and_the_last_row(low: float, span: float, dots: int) -> None:
    scale = Scale(low, low + span, dots)
    assert scale.row(low + span) == 0
    assert scale.row(low) == dots - 1
    assert scale.value(0) == pytest.approx(low + span)


@given(st.lists(_FINITE, min_size=1, max_size=9), st.integers(1, 90))
def test_a_scale_holds_all_its_values(values: list[float], dots: int) -> None:
    scale = scale_of(values, dots)
    assert scale is not None
    assert all(scale.holds(value) for value in values)
    assert scale_of([float("nan")], dots) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-2, 1e6), st.integers(1, 12))
def test_ticks_are_few_ordered_and_within(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert len(found) <= most
    assert found == sorted(set(found))
    assert all(low <= value <= low + span or value == pytest.approx(low) for value in found)


def test_the_newest_bars_that_fit_are_shown_and_a_missing_one_leaves_its_place() -> None:
    candles = [make.candle(number, confirmed=True) for number in range(10) if number != 7]
    bars = fitting(candles, make.BAR_NS, columns=8, cells=2, back=0)
    assert bars is not None
    assert [each.open_ns for each in bars.candles] == [make.candle(number).open_ns for number in (6, 8, 9)]
    assert [bars.column(each.open_ns) for each in bars.candles] == [0, 8, 12]
    assert fitting([], make.BAR_NS, 8, 1, 0) is None
    earlier = fitting(candles, make.BAR_NS, columns=3, cells=1, back=2)
    assert earlier is not None
    assert earlier.candles[-1].open_ns == make.candle(6).open_ns


@given(st.integers(1, 60), st.integers(1, 12), st.sampled_from((1, 2, 3, 5)), st.integers(0, 400))
def test_anything_can_be_drawn_at_any_size(width: int, height: int, cells: int, back: int) -> None:
    candles = [make.candle(number, confirmed=True) for number in range(50)]
    bars = fitting(candles, make.BAR_NS, width, cells, back)
    assert bars is not None
    dots, scale = Dots(width, height), Scale(63_980.0, 64_030.0, height * DOWN)
    draw_zones(dots, bars, scale, [Zone(top=64_010, bottom=63_000, since_ns=0, direction=1, name="OB")])
    draw_prices(dots, scale, [Price(name="TP", price=64_020.0, role="up"), Price(name="SL", price=1.0, role="down")])
    draw_candles(dots, bars, scale)
    draw_marks(dots, bars, scale, [Mark(at_ns=candles[-1].open_ns, price=64_000.0, text="▲", role="key")])
    draw_line(dots, [(0, 1.0), (5, float("nan")), (9, 3.0)], "accent")
    draw_volume(dots, bars)
    assert [width_of(row) for row in dots.rows()] == [width] * height


def test_a_rising_bar_is_full_and_a_falling_one_is_not() -> None:
    rising, falling = make.candle(0), make.candle(1)
    assert rising.close > rising.open and falling.close < falling.open
    bars = fitting([rising, falling], make.BAR_NS, 2, 1, 0)
    assert bars is not None
    dots = Dots(2, 3)
    draw_candles(dots, bars, Scale(63_970.0, 64_030.0, 3 * DOWN))
    roles = {span.role for row in dots.rows() for span in row if span.text.strip()}
    assert roles == {"up", "down"}
