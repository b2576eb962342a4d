"""Every theme has every role, and can be read on its own ground."""

from __future__ import annotations

import pytest
from textual.color import Color

from sovereign_tui.cockpit.dress import dressed
from sovereign_tui.cockpit.theme import THEMES, Palette

_WELL: tuple[str, ...] = ("text", "strong", "label", "title", "key", "up", "down", "warn", "error", "unknown", "stale")
_DIM: tuple[str, ...] = ("dim", "frame.on", "accent", "mark")


def _luminance(colour: Color) -> float:
    """Of WCAG 2.1, in [0, 1]."""
    shares = [part / 255 for part in colour.rgb]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_a_colour_of_each_role_is_one_that_textual_knows(name: str) -> None:
    palette = Palette(name)
    assert all(Color.parse(palette.css(role)) for role in palette.colours if role != "heat")


@pytest.mark.parametrize("name", THEMES)
def test_a_theme_is_one_of_textuals_own(name: str) -> None:
    palette = Palette(name)
    variables = dressed(palette).to_color_system().generate()
    assert variables["scrollbar"].lower() == palette.css("meter").lower()
    assert dressed(palette).ansi == palette.is_native


@pytest.mark.parametrize("name", ["dark", "light", "colour-blind", "contrast"])
def test_what_is_written_can_be_read(name: str) -> None:
    palette = Palette(name)
    grounds = [Color.parse(palette.css(ground)) for ground in ("background", "panel")]
    for least, roles in ((4.0, _WELL), (3.0, _DIM)):
        for role in roles:
            for ground in grounds:
                ratio = _contrast(Color.parse(palette.css(role)), ground)
                assert ratio >= least, f"{name}: {role} on {ground.hex}: {ratio:.1f}"
