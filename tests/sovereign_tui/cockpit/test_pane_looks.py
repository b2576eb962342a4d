"""What panes say at the widths that they really have, and with numbers that are large, missing or foreign."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import SizeStep
from sovereign_tui.cockpit import ui
from sovereign_tui.cockpit.frame import Paint, framed
from sovereign_tui.cockpit.panes.book import average_price
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.panes.holdings import share_away
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.text import number, plain
from sovereign_tui.cockpit.ui import Ui
from sovereign_tui.cockpit.view import View
from tests.sovereign_tui.cockpit import messages as make

NOW = 10_000_000_000
SIZES = ((28, 10), (34, 16), (44, 18), (68, 12), (78, 20), (118, 36), (198, 56))


def _paint(*heard: object, **changes: Any) -> Paint:
    view = View()
    for message in heard:
        view = reduce(view, message, NOW)
    return Paint(view=view, now_ns=NOW, stale_ms=2_000, instrument=make.INSTRUMENT, **changes)


def _rows(pane: str, paint: Paint, width: int, height: int) -> list[str]:
    rows, _ = framed(paint, pane, PANES[pane].name, PANES[pane].draw, width + 2, height + 2)
    return [plain(cells)[1:-1] for cells in rows[1:-1]]


def _text(pane: str, paint: Paint, width: int = 66, height: int = 18) -> str:
    return "\n".join(_rows(pane, paint, width, height))


@pytest.mark.parametrize("width", [34, 40, 55, 66, 116])
def test_a_position_is_whole_at_any_width_that_a_screen_gives_it(width: int) -> None:
    text = _text("positions", _paint(make.positions(), make.orders()), width)
    assert "…" not in text
    position = make.positions().positions[0]
    named = (position.average_price, position.mark_price, position.tp_price, position.sl_price)
    prices = [number(price, 1) for price in named]
    assert all(price in text for price in prices)
    assert "UNKNOWN" not in text


def test_large_numbers_of_a_position_push_and_do_not_hide() -> None:
    held = make.positions("123456.78", unrealised=Decimal("12345678.90"))
    for width in (40, 66, 116):
        text = _text("positions", _paint(held, make.orders()), width)
        assert "123,456.78 " in text
        assert "+12,345,678.90 " in text


def test_the_positions_at_length_say_distances_and_what_they_tie_up() -> None:
    paint = _paint(make.positions(), make.engine())
    for width in (40, 72):
        text = _text("holdings", paint, width)
        assert "+0.60%" in text
        assert "-0.40%" in text
        assert "notional" in text
    flat = msgspec.structs.replace(make.positions(), positions=())
    assert "no position" in _text("holdings", _paint(flat))
    assert "UNKNOWN" in _text("holdings", _paint())


def test_a_distance_needs_both_prices() -> None:
    assert share_away(Decimal(101), Decimal(100)) == 1
    assert share_away(None, Decimal(100)) is None
    assert share_away(Decimal(101), None) is None
    assert share_away(Decimal(101), Decimal(0)) is None


@pytest.mark.parametrize("width", [38, 41, 50])
def test_the_narrow_signals_are_cut_nowhere(width: int) -> None:
    steps = (SizeStep(name="equity_usdt", value=99_999.75, text="as state.account says"),)
    rows = _rows("signals", _paint(make.decision(size=steps)), width, 18)
    assert not any("…" in each for each in rows)
    assert rows[0].split() == ["frame", "trend", "book", "flow", "way"]


def test_words_of_a_step_are_wrapped_and_a_long_reason_says_that_it_goes_on() -> None:
    words = "the largest order that the engine takes, with its authority in it, rounded down to the lot of the venue"
    steps = (SizeStep(name="engine_contracts", value=15.5, text=words),)
    text = _text("signals", _paint(make.decision(size=steps, why_not="COOLDOWN", why_not_text="word " * 80)), 70, 24)
    assert "the largest order that the engine" in text
    assert "takes, with" in text
    assert text.count(" …") == 2


def test_what_went_wrong_comes_first_and_the_rest_by_process() -> None:
    told = make.metrics(**{
        "engine.rejects": 3, "engine.rejects_order_ttl": 2, "engine.rejects_venue_51008": 1, "engine.ticks": 50,
        "brain.gaps": 0, "engine.rest_errors_no_answer": 0,
    })  # fmt: skip
    rows = [each.strip() for each in _rows("counters", _paint(told), 49, 30)]
    assert rows[0] == "! went wrong since the start"
    assert [each.split()[:-1] for each in rows[1:4]] == [
        ["engine", "rejects"], ["engine", "rejects", "order", "ttl"], ["engine", "rejects", "venue", "51008"],
    ]  # fmt: skip
    assert rows.index("brain") < rows.index("engine") < rows.index("screen")
    assert "rest errors no answer" in "\n".join(rows[5:])


def test_the_telemetry_names_what_went_wrong_where_there_is_room() -> None:
    told = make.metrics(**{"engine.rejects_order_ttl": 2, "brain.gaps": 7, "engine.ticks": 50, "engine.rejects": 0})
    rows = [each.split() for each in _rows("telemetry", _paint(told, make.engine()), 48, 16) if " ! " in each]
    assert rows == [["!", "brain", "gaps", "7"], ["!", "engine", "rejects", "order", "ttl", "2"]]
    assert "order ttl" not in _text("telemetry", _paint(told, make.engine()), 48, 10)


def test_counters_that_do_not_fit_can_be_scrolled() -> None:
    told = make.metrics(**{f"engine.ticks_{number:02d}": 1 for number in range(30)})
    last = [
        _text("counters", _paint(told, state=ui.PaneState(cursor=cursor)), 49, 10) for cursor in (0, 5, 100)
    ]  # fmt: skip
    assert "ticks 00" in last[0] and "ticks 00" not in last[1]
    assert "screen" in last[2] and "screen" not in last[0]


def test_that_nothing_went_wrong_is_said() -> None:
    paint = _paint(make.metrics(**{"engine.ticks": 5, "engine.rejects": 0}))
    assert "√ nothing went wrong since the start" in _text("counters", paint)


def test_rows_that_are_left_below_the_levels_say_what_a_market_order_costs() -> None:
    tick = make.tick()
    text = _text("book", _paint(tick), 47, 31)
    assert "sell   average    bp" in text
    assert "beyond levels" in text
    assert "average" not in _text("book", _paint(tick), 47, 23)  # no room


@given(
    st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20), st.floats(0.01, 1e7), st.floats(1, 1e6)
)  # fmt: skip
def test_an_average_lies_between_the_touch_and_the_last_level(sizes: list[float], asked: float, touch: float) -> None:
    prices = tuple(touch + index for index in range(len(sizes)))
    mean = average_price(prices, tuple(sizes), asked)
    if mean is None:
        assert sum(sizes) < asked * (1 + 1e-9)
    else:
        assert touch * (1 - 1e-9) <= mean <= prices[-1] * (1 + 1e-9)


FOREIGN = "宽\x1b[31m\t\u202eé\u0301\n" + "x" * 300


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_foreign_text_and_huge_numbers_leave_every_row_its_width(width: int, height: int) -> None:
    decision = make.decision(why_not=FOREIGN, why_not_text=FOREIGN, intent_id=FOREIGN)
    order = msgspec.structs.replace(make.order(1, "buy", FOREIGN, 7, FOREIGN), contracts=Decimal("123456789.01"))
    orders = msgspec.structs.replace(make.orders(), working=(order,) * 40)
    account = msgspec.structs.replace(make.account(), equity=Decimal("12345678.90"), currency=FOREIGN)
    paint = _paint(
        make.tick(), make.positions("123456", unrealised=None), orders, account, decision, make.system(),
        make.metrics(**{FOREIGN: 1e15, f"{FOREIGN}.gaps": 1e300}), make.log(FOREIGN), make.engine(venue=FOREIGN),
        make.audit(), make.flow(), make.heatmap(), make.history(), make.structure(), place=(2, 6),
    )  # fmt: skip
    for pane in PANES:
        rows = _rows(pane, paint, width, height)
        assert {len(each) for each in rows} == {width}, pane
        assert all(each.isprintable() for each in rows), pane


def test_a_one_sided_book_says_unknown_and_draws_its_side() -> None:
    tick = make.tick(ask_prices=(), ask_sizes=(), ask_price=float("nan"))
    text = _text("book", _paint(tick), 60, 20)
    assert "spread ?" in text
    assert "64,000.0" in text


def test_a_chart_can_be_of_ascii_by_setting_and_by_choice() -> None:
    heard = (make.tick(), make.history())
    assert _text("chart", _paint(*heard)).isascii() is False
    assert not any("\u2800" < each <= "\u28ff" for each in _text("chart", _paint(*heard, letters="ascii")))
    state = ui.chosen(Ui(), "chart", "letters", "braille").pane("chart")
    assert any("\u2800" < each <= "\u28ff" for each in _text("chart", _paint(*heard, letters="ascii", state=state)))
