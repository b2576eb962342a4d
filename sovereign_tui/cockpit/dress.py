"""A palette as a theme of Textual's own, so that its palette, toasts and scroll bars have our colours too."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

from sovereign_tui.cockpit.theme import Palette

_PREFIX: Final = "sv-"
_LIGHT: Final = frozenset({"light"})
_VARIABLES: Final = {
    "scrollbar": "meter", "scrollbar-hover": "frame.on", "scrollbar-active": "frame.on",
    "scrollbar-background": "meter.off", "scrollbar-background-hover": "meter.off",
    "scrollbar-background-active": "meter.off", "scrollbar-corner-color": "meter.off", "border": "frame.on",
    "border-blurred": "frame", "block-cursor-background": "cursor.on", "block-cursor-foreground": "strong",
    "block-cursor-blurred-background": "cursor.on", "block-cursor-blurred-foreground": "strong",
    "block-hover-background": "cursor.on", "input-cursor-background": "text", "input-cursor-foreground": "background",
    "input-selection-background": "cursor.on", "text-success": "up", "text-warning": "warn", "text-error": "error",
}  # fmt: skip
"""Textual's variable -> our role."""


def name_of(palette: Palette) -> str:
    """Under which it is registered."""
    return f"{_PREFIX}{palette.name}"


def dressed(palette: Palette) -> Theme:
    """The theme; one of the terminal's own colours stays one."""
    css = palette.css
    own = {"ansi-background": css("background"), "ansi-foreground": css("text")} if palette.is_native else {}
    return Theme(
        name=name_of(palette), ansi=palette.is_native, dark=palette.name not in _LIGHT,
        primary=css("frame.on"), secondary=css("meter"), accent=css("accent"), foreground=css("text"),
        background=css("background"), surface=css("panel"), panel=css("panel"), boost=css("panel"),
        success=css("up"), warning=css("warn"), error=css("error"),
        variables={name: css(role) for name, role in _VARIABLES.items()} | own,
    )  # fmt: skip
