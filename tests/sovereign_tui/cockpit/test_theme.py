from __future__ import annotations

from itertools import combinations

import pytest
from rich.style import Style
from textual.color import Color

from sovereign_tui.cockpit import navigation
from sovereign_tui.cockpit.theme import HEATS, THEMES, Palette

COLOURED = tuple(name for name in THEMES if name not in {"ansi", "mono"})
READ = ("text", "strong", "label", "title", "key", "unknown", "warn", "error", "up", "down", "accent", "mark")
"""Roles of what has to be read."""


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2 has it: 1 (the same) to 21."""
    return _ratio(_luminance(one), _luminance(other))


def _luminance(colour: Color) -> float:
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _colours(style: Style) -> tuple[Color, Color]:
    assert style.color is not None
    assert style.bgcolor is not None
    return Color.parse(style.color.name), Color.parse(style.bgcolor.name)


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_that_the_dialogs_take_is_one_that_textual_knows(theme: str) -> None:
    palette = Palette(theme)
    for role in (*navigation._CSS_ROLES, *(role for role in palette.colours if role != "heat")):
        Color.parse(palette.css(role))


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_the_same_roles_and_as_many_heats(theme: str) -> None:
    colours = Palette(theme).colours
    assert set(colours) == set(Palette("dark").colours)
    assert len(colours["heat"].split()) == HEATS


@pytest.mark.parametrize("theme", COLOURED)
def test_what_is_read_stands_out_from_its_ground(theme: str) -> None:
    palette = Palette(theme)
    least = 7.0 if theme == "contrast" else 3.9
    found = {role: contrast(*_colours(palette.style(role))) for role in READ}
    assert {role: round(value, 1) for role, value in found.items() if value < least} == {}


@pytest.mark.parametrize("theme", [name for name in THEMES if name != "mono"])
def test_up_down_and_text_are_three_colours(theme: str) -> None:
    palette = Palette(theme)
    for one, other in combinations(("up", "down", "text"), 2):
        assert palette.style(one).color != palette.style(other).color
    assert palette.style("badge.active") != palette.style("badge.halted")


def test_up_and_down_keep_apart_for_who_sees_no_red_or_no_green() -> None:
    up, down = (Color.parse(Palette("colour-blind").css(role)) for role in ("up", "down"))
    assert abs(up.rgb[2] - down.rgb[2]) > 150  # blue is what both can see


def test_without_colours_nothing_has_one() -> None:
    palette = Palette("mono")
    grounds = {"background", "panel", "scrim", "heat"}
    drawn = {"badge.live", "badge.halted", "alarm", "alarm.ok", "cursor", "band.up", "bid.lit", "heat.3", "up@panel"}
    for role in (drawn | set(palette.colours)) - grounds:
        assert (palette.style(role).color, palette.style(role).bgcolor) == (None, None), role
    assert palette.style("badge.halted").reverse
    assert palette.style("cursor").reverse
