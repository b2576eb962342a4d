from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from sovereign_tui.cockpit.tty.sequence import sequence

WIDTH, HEIGHT = 12, 3
STYLES = [
    Style.parse(text) for text in ("#102030 on #0b0f14", "bold #ff0000 on #0b0f14", "#ff0000 on #ffffff", "#00ff00")
]
CONSOLE = Console(force_terminal=True, color_system="truecolor")
lines = st.lists(st.tuples(st.sampled_from("ab "), st.sampled_from(STYLES)), min_size=WIDTH, max_size=WIDTH)
screens = st.lists(lines, min_size=HEIGHT, max_size=HEIGHT)
Line = list[tuple[str, Style]]


def strip(line: Line) -> Strip:
    return Strip([Segment(letter, style) for letter, style in line], len(line))


def shown(text: str, screen: pyte.Screen | None = None) -> pyte.Screen:
    screen = screen or pyte.Screen(WIDTH, HEIGHT)
    pyte.Stream(screen).feed(text)
    return screen


def cells(screen: pyte.Screen) -> list[list[tuple[str, ...]]]:
    """What is seen: a blank has no colour but that of its background."""
    return [
        [(c.data, c.bg, *(() if c.data == " " else (c.fg, str(c.bold)))) for c in (row[x] for x in range(WIDTH))]
        for row in (screen.buffer[y] for y in range(HEIGHT))
    ]


def whole(screen: list[Line]) -> LayoutUpdate:
    return LayoutUpdate([[strip(line)] for line in screen], Region(0, 0, WIDTH, HEIGHT))


@given(screens)
def test_a_whole_screen_looks_as_textual_would_draw_it_for_fewer_bytes(screen: list[Line]) -> None:
    ours, theirs = sequence(whole(screen), CONSOLE), whole(screen).render_segments(CONSOLE)
    assert cells(shown(ours)) == cells(shown(theirs.replace("\n", "\r\n")))
    assert len(ours) <= len(theirs) + 10


@given(screens, screens, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(1, 12)), max_size=4),
       st.integers(1, WIDTH - 1))  # fmt: skip
def test_a_partial_update_touches_its_stretches_and_nothing_else(
    old: list[Line], new: list[Line], wanted: list[tuple[int, int, int]], cut: int
) -> None:
    spans = [(y, x, min(WIDTH, x + width)) for y, x, width in wanted]
    chops = [{0: strip(line[:cut]), cut: strip(line[cut:])} for line in new]
    update = ChopsUpdate(chops, spans, [[cut, WIDTH]] * HEIGHT)
    screen = shown(sequence(whole(old), CONSOLE))
    shown(sequence(update, CONSOLE), screen)
    mixed = [list(line) for line in old]
    for y, first, end in spans:
        mixed[y][first:end] = new[y][first:end]
    assert cells(screen) == cells(shown(sequence(whole(mixed), CONSOLE)))


def test_nothing_to_change_is_nothing_to_write() -> None:
    assert sequence(ChopsUpdate([{0: None}], [(0, 0, 5)], [[5]]), CONSOLE) == ""
    assert sequence(ChopsUpdate([], [], []), CONSOLE) == ""


def test_a_piece_is_cut_on_both_sides_and_says_a_colour_once() -> None:
    line = strip([(letter, STYLES[0]) for letter in "abcdefghijkl"])
    text = sequence(ChopsUpdate([{0: line}], [(0, 4, 6)], [[12]]), CONSOLE)
    assert text == "\x1b[1;5H\x1b[0m\x1b[38;2;16;32;48;48;2;11;15;20mef\x1b[0m"


def test_characters_of_two_cells_are_cut_by_cells() -> None:
    line = Strip([Segment("日本語", STYLES[3]), Segment("abc", STYLES[3])], 9)
    text = sequence(ChopsUpdate([{0: line}], [(0, 2, 7)], [[9]]), CONSOLE)
    assert "\x1b[1;3H" in text
    assert "本語a" in text
    assert "b" not in text.replace("\x1b", "")
