"""Whatever a message holds, the screen is drawn: no pane raises, no row is of another width or has a foreign cell."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from math import inf, nan
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.screen import ModalScreen
from textual.widgets import Input

from sovereign_tui.cockpit import ui
from sovereign_tui.cockpit.alarm import MOST_TOASTS, Alarm
from sovereign_tui.cockpit.dialogs import FilterDialog, TypedDialog
from sovereign_tui.cockpit.editing import EditDialog
from sovereign_tui.cockpit.frame import Body, Paint, framed
from sovereign_tui.cockpit.panes import banner, footer, header
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.settings_desk import SettingRow
from sovereign_tui.cockpit.text import Row, clean, plain
from sovereign_tui.cockpit.turning import turned
from sovereign_tui.cockpit.ui import PaneState
from sovereign_tui.cockpit.view import ALERTS, Kill, TickRate, View
from tests.sovereign_tui.cockpit import messages as make

TEXTS = ("", "\x1b]0;title\x07\x1b[2J", "漢字", "a\u0301\u202e\u200b", "x" * 100_000, "\x00\x9b31m\n\t", "[red]x[/]")
FLOATS = (nan, inf, -inf, 1e308, -1e308, 0.0, -0.0, 5e-324, -1.0, 1e18)
SIZES = ((120, 40), (80, 24), (30, 8), (3, 3), (1, 1), (400, 120))
HEARD_NS = 10**13


def _changed(value: Any, chance: random.Random, share: float) -> Any:
    """The same message, some of its texts and numbers replaced."""
    if isinstance(value, msgspec.Struct):
        fields = {name: _changed(getattr(value, name), chance, share) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(_changed(each, chance, share) for each in value)
    if isinstance(value, dict):
        return {name: _changed(each, chance, share) for name, each in value.items()}
    if chance.random() > share:
        return value
    if type(value) is str:
        return chance.choice(TEXTS)
    return chance.choice(FLOATS) if type(value) is float else value


def _view(seed: int) -> View:
    chance = random.Random(seed)
    view = View()
    messages = (
        make.engine(), make.tick(), make.decision(), make.positions(), make.orders(), make.account(), make.system(),
        make.metrics(), make.pulse(), make.log("hello"), make.history(), make.candle(), make.flow(), make.heatmap(),
        make.structure(), make.audit(), make.alert(), make.receipt(HEARD_NS, 3), TickRate(per_s=chance.choice(FLOATS)),
        Kill(number=1, pressed_ns=HEARD_NS, problem=chance.choice(TEXTS)),
    )  # fmt: skip
    for message in messages:
        view = reduce(view, _changed(message, chance, chance.choice((0.02, 0.2, 0.6))), HEARD_NS)
    return view


def _demand_clean(rows: tuple[Row, ...], width: int) -> None:
    for cells in rows:
        text = plain(cells)
        assert len(text) == cell_len(text) == width
        assert text.isprintable()


@pytest.mark.parametrize("seed", range(25))
def test_no_message_crashes_or_breaks_the_screen(seed: int) -> None:
    paint = Paint(view=_view(seed), now_ns=HEARD_NS + 5_000_000_000, stale_ms=2_000.0, instrument=TEXTS[seed % 7],
                  note=TEXTS[seed % 5], selected="log")  # fmt: skip
    for width, height in SIZES:
        _demand_clean(header.draw(paint, width), width)
        _demand_clean((*banner.draw(paint, width), footer.draw(paint, width), footer.tape(paint, width)), width)
        for name, pane in PANES.items():
            rows, body = framed(paint, name, pane.name, pane.draw, width, height)
            assert body.mistake is None, (name, body.mistake)
            assert len(rows) == height
            _demand_clean(rows, width)


def test_a_pane_that_cannot_be_drawn_says_so_and_takes_no_other_with_it() -> None:
    def draw(paint: Paint, width: int, height: int) -> Body:
        raise ZeroDivisionError("\x1b[2Jby nothing")

    rows, body = framed(Paint(view=View(), now_ns=0, stale_ms=1.0), "book", "Book", draw, 80, 6)
    assert isinstance(body.mistake, ZeroDivisionError)
    assert "UNKNOWN" in plain(rows[2])
    assert "cannot be drawn (ZeroDivisionError: ?[2Jby nothing)" in plain(rows[3])


@pytest.mark.parametrize("back", ["abc", "-3", "²", "9" * 5_000, "1e9"])
def test_what_was_remembered_of_the_chart_may_be_anything(back: str) -> None:
    saved = {"screen": "7", "preset": {"7": 10**30}, "choices": {"chart": {"back": back, "frame": "9y"}}}
    remembered = ui.recalled(saved, ["1", "7"])
    paint = Paint(view=_view(0), now_ns=HEARD_NS, stale_ms=2_000.0, state=remembered.pane("chart"))
    assert framed(paint, "chart", "Chart", PANES["chart"].draw, 100, 30)[1].mistake is None
    for what in ("side", "kind", "view"):
        turned(remembered, "chart", paint, what, 1)


def test_candles_of_a_frame_that_is_not_known_are_no_chart() -> None:
    view = reduce(View(), make.candle(frame="9y"), HEARD_NS)
    paint = Paint(view=view, now_ns=HEARD_NS, stale_ms=2_000.0, state=PaneState(choices={"frame": "9y"}))
    _, body = framed(paint, "chart", "Chart", PANES["chart"].draw, 100, 30)
    assert body.mistake is None
    assert any("nothing from the engine yet" in plain(cells) for cells in body.rows)


def test_a_text_longer_than_any_row_is_not_looked_at_to_its_end() -> None:
    assert len(clean("é" * 1_000_000)) == 2_000


def test_the_price_is_marked_where_it_is_in_the_heatmap_and_nowhere_else() -> None:
    view = reduce(_view(0), make.heatmap(), HEARD_NS + 1)
    inside, below = (reduce(view, make.tick(9, last=price), HEARD_NS + 1) for price in (64_000.1, 63_000.0))
    paint = Paint(view=inside, now_ns=HEARD_NS + 1, stale_ms=2_000.0)
    drawn = [framed(replace(paint, view=each), "heatmap", "", PANES["heatmap"].draw, 60, 30)[0]
             for each in (inside, below)]  # fmt: skip
    assert ["<" in "".join(map(plain, rows)) for rows in drawn] == [True, False]


@pytest.mark.parametrize(
    "dialog",
    [
        FilterDialog("", lambda query: None),
        TypedDialog("Flatten?", "", "FLATTEN"),
        EditDialog(SettingRow(key="a.b", value="1", default="1", text="", variable=""), lambda key, value: None, ""),  # type: ignore[arg-type,return-value]
    ],
    ids=lambda dialog: type(dialog).__name__,
)
def test_a_field_takes_no_more_than_it_can_mean(dialog: ModalScreen[Any]) -> None:
    async def scenario() -> None:
        app = App[None]()
        async with app.run_test() as pilot:
            await app.push_screen(dialog)
            await pilot.pause()
            field = dialog.query_one(Input)
            field.post_message(events.Paste("9" * 1_000_000))
            await pilot.pause()
            assert len(field.value) < 2

    asyncio.run(scenario())


def test_a_flood_of_alerts_rings_and_shows_a_few_toasts_and_remembers_no_more_than_the_screen() -> None:
    alarm, view, toasts = Alarm(), View(), 0
    for second in range(40):
        for number in range(50):
            view = reduce(view, make.alert(f"kind{number}", since_s=second), HEARD_NS)
        now_ns = HEARD_NS + second * 100_000_000
        news = alarm.news(Paint(view=view, now_ns=now_ns, stale_ms=2_000.0))
        assert news.rings
        toasts += len(news.alerts)
    assert toasts == MOST_TOASTS
    assert len(alarm._known) <= len(view.alerts) == ALERTS
    view = reduce(view, make.alert("late", since_s=99), HEARD_NS)
    assert [each.kind for each in alarm.news(Paint(view=view, now_ns=HEARD_NS * 2, stale_ms=1.0)).alerts] == ["late"]
