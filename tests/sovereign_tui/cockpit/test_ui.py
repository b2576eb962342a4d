from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from schemas.settings import Home
from sovereign_tui.cockpit import memory, ui
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.panes.chart import BELOW
from sovereign_tui.cockpit.panes.legs import WINDOWS
from sovereign_tui.cockpit.screens import SCREENS, arrange, selected
from sovereign_tui.cockpit.text import clean, person
from sovereign_tui.cockpit.turning import turned
from sovereign_tui.cockpit.ui import PaneState, Ui
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.desk import desk, run
from tests.sovereign_tui.cockpit.test_panes import _paint, _view

NAMES = st.sampled_from(["1", "2", "3", "7", "book", "chart", "legs", "nothing"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
SAVED = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("screen", "focus", "preset", "choices", "theme", "more"), ANYTHING)
)  # fmt: skip
CHOICES = st.dictionaries(st.sampled_from(["frame", "back", "below", "window"]), st.text(max_size=6), max_size=3)
LOOKS = st.builds(
    lambda screen, focus, preset, panes: Ui(
        screen=screen, focus=MappingProxyType(focus), preset=MappingProxyType(preset),
        panes=MappingProxyType({name: PaneState(choices=MappingProxyType(each)) for name, each in panes.items()}),
    ),
    st.sampled_from(list(SCREENS)), st.dictionaries(NAMES, NAMES), st.dictionaries(NAMES, st.integers(0, 9)),
    st.dictionaries(NAMES, CHOICES.filter(bool)),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(["side", "kind", "view"]), st.sampled_from([-1, 1])), max_size=12)


@given(LOOKS)
def test_what_was_remembered_is_what_was_looked_at(look: Ui) -> None:
    saved = json.loads(json.dumps(ui.remembered(look)))
    assert ui.recalled(saved, list(SCREENS)) == look


@given(SAVED | ANYTHING)
def test_whatever_was_saved_can_be_looked_at(saved: object) -> None:
    look = ui.recalled(saved, list(SCREENS))
    assert look.screen in SCREENS
    assert selected(look) in PANES
    assert sum(r.width * r.height for r in arrange(look, 120, 40, 2, 2).values()) == 120 * 36
    paint = _paint(_view())
    for name in ("chart", "legs"):
        PANES[name].draw(_with(paint, look.pane(name)), 80, 20)


def _with(paint: Paint, state: PaneState) -> Paint:
    return replace(paint, state=state)


@given(LOOKS, STEPS)
def test_however_it_is_turned_it_can_be_drawn_and_stays_within(look: Ui, steps: list[tuple[str, int]]) -> None:
    for pane in ("chart", "legs", "book"):
        for what, step in steps:
            look = turned(look, pane, _with(_paint(_view()), look.pane(pane)), what, step)
    assert 0 <= look.pane("chart").count("back") < 81 or not steps
    assert look.pane("chart").one_of("below", BELOW) in BELOW
    assert look.pane("legs").one_of("window", WINDOWS) in WINDOWS
    PANES["chart"].draw(_with(_paint(_view()), look.pane("chart")), 80, 20)


@given(st.integers(0, 9), st.lists(st.integers(-12, 12)))
def test_a_cursor_stays_among_the_items(items: int, steps: list[int]) -> None:
    look = Ui()
    for step in steps:
        look = ui.moved(look, "log", step, items)
    assert 0 <= look.pane("log").cursor <= max(0, items - 1)


@pytest.mark.parametrize("way", [1, -1])
def test_the_panes_are_gone_through_around_the_corner(way: int) -> None:
    look, seen = Ui(), []
    for _ in range(3):
        look = ui.next_pane(look, look.focus.get("1", "a"), ["a", "b", "c"], way)
        seen.append(look.focus["1"])
    assert seen == (["b", "c", "a"] if way > 0 else ["c", "b", "a"])
    assert ui.next_pane(look, "a", [], way) is look


@given(st.integers(1, 250), st.integers(1, 90), st.sampled_from(list(SCREENS)), st.booleans(), st.integers(0, 2))
def test_the_panes_of_any_window_lie_in_it_and_not_on_each_other(
    width: int, height: int, screen: str, zoomed: bool, preset: int
) -> None:
    look = ui.with_preset(ui.on_screen(Ui(), screen), preset)
    places = arrange(ui.zoomed(look) if zoomed else look, width, height, 2, 2)
    cells = [(x, y) for rect in places.values() for x in _columns(rect) for y in range(rect.y, rect.y + rect.height)]
    assert len(cells) == len(set(cells)) == width * max(0, height - 4)


def _columns(rect: Rect) -> range:
    return range(rect.x, rect.x + rect.width)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"screen": "9"' + b" " * 70_000 + b"}"]
)
def test_a_damaged_file_is_no_memory(tmp_path: Path, content: bytes) -> None:
    assert memory.recall(tmp_path) == {}
    (tmp_path / memory.FILE).write_bytes(content)
    assert memory.recall(tmp_path) == {}
    memory.remember(tmp_path, {"screen": "3"})
    assert memory.recall(tmp_path) == {"screen": "3"}


def test_the_next_start_looks_as_the_last_one_did(home: Home) -> None:
    async def first() -> None:
        async with desk(home) as at:
            await at.pilot.press("p", "tab", "7", "o", "t")

    async def second() -> None:
        async with desk(home) as at:
            assert (at.app.ui.screen, at.app.palette.name) == ("7", "light")
            assert at.app.ui.pane("chart").choice("below") == "cvd"
            await at.pilot.press("1")
            assert "processes" in at.shown()

    run(first)
    run(second)


def test_a_memory_that_somebody_wrote_does_not_keep_a_screen_from_starting(home: Home) -> None:
    saved = {"screen": "7", "theme": ["dark"], "choices": {"chart": {"back": "-3x", "below": "\ud800", "frame": "1"}}}
    (home.data / memory.FILE).write_text(json.dumps(saved))

    async def test() -> None:
        async with desk(home) as at:
            at.hear(make.history(), make.candle())
            assert "volume" in at.text("chart")
            assert "bars back" not in at.text("chart")

    run(test)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("op@/dev/pts/2", "op@pts/2"), ("ann@notty", "ann@notty"), ("\x1b[31mop@x", "?[31mop@x"), ("op\n@a", "op @a"),
        ("\u6b63@x", "?@x"), ("e\u0301@x", "e?@x"), ("\U0001f600", "?"), ("", ""),
    ],
)  # fmt: skip
def test_who_did_something_is_told_in_cells_of_one_column(said: str, shown: str) -> None:
    assert person(said) == shown


@given(st.text())
def test_clean_text_has_one_cell_a_character_and_no_control(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text) == cell_len(cleaned)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned
