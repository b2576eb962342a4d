"""Roles -> styles, by theme. Colour never says what the text does not say too (NO_COLOR, colour-blind eyes)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_DARK: Final[dict[str, str]] = {
    "background": "#0b0f14", "panel": "#121a24", "scrim": "#0b0f14",
    "text": "#c6d0da", "strong": "bold #eef3f8", "dim": "#727e8b", "label": "#7f8c99",
    "frame": "#2b3744", "frame.on": "#4c8fd6", "title": "bold #9fb2c6", "key": "bold #6fb1f5",
    "unknown": "#b58a3a", "stale": "#a07f38", "warn": "#e3b341", "error": "bold #f2666c", "debug": "#65717d",
    "up": "#3ecf8e", "down": "#f2666c", "up.on": "#10302a", "down.on": "#36191f",
    "meter": "#4c8fd6", "meter.off": "#22303d", "cursor.on": "#1c3350", "accent": "#56b6c2", "mark": "#c792ea",
    "heat": "#12202d #163347 #1c4a5f #256a73 #3c8f74 #77b255 #c9b24a #e8843c #f05a4b",
}  # fmt: skip
_LIGHT: Final[dict[str, str]] = {
    "background": "#f7f8fa", "panel": "#e6eaef", "scrim": "#f7f8fa",
    "text": "#26303a", "strong": "bold #0b1118", "dim": "#6a7680", "label": "#5c6872",
    "frame": "#c4ccd4", "frame.on": "#1f6fc2", "title": "bold #3b4a59", "key": "bold #1559a6",
    "unknown": "#8a5a00", "stale": "#866520", "warn": "#8f5b00", "error": "bold #b3202c", "debug": "#7f8a94",
    "up": "#0a7a4b", "down": "#b3202c", "up.on": "#d3efe2", "down.on": "#f8dadc",
    "meter": "#1f6fc2", "meter.off": "#d5dce3", "cursor.on": "#cfe2f7", "accent": "#0b7285", "mark": "#7b2fb5",
    "heat": "#eef2f5 #dbe9ee #bfdfe0 #97cfc4 #6fbf9b #9cbf5a #d5b03c #e0772c #c93a2e",
}  # fmt: skip
_COLOUR_BLIND: Final[dict[str, str]] = {
    **_DARK,  # blue and orange keep apart for every common kind of colour blindness (Okabe and Ito, 2008)
    "up": "#56b4e9", "down": "#e69f00", "up.on": "#0d2c40", "down.on": "#3d2a00", "warn": "#f0e442",
    "error": "bold #f0e442", "accent": "#cc79a7", "mark": "#cc79a7",
    "heat": "#10161d #17232f #1f3347 #2a4762 #3a6289 #5a86b0 #8fb0cf #c9d8e6 #ffffff",
}  # fmt: skip
_CONTRAST: Final[dict[str, str]] = {
    **_DARK, "background": "#000000", "panel": "#1a1a1a", "scrim": "#000000", "text": "#ffffff",
    "strong": "bold #ffffff", "dim": "#b0b0b0", "label": "#d0d0d0", "frame": "#808080", "frame.on": "#ffff00",
    "title": "bold #ffffff", "key": "bold #ffff00", "up": "bold #00ff87", "down": "bold #ff8080",
    "error": "bold #ff8080", "unknown": "bold #ffd75f", "stale": "#d7af5f", "warn": "bold #ffff00",
    "cursor.on": "#003a80",
}  # fmt: skip
_ANSI: Final[dict[str, str]] = {
    "background": "default", "panel": "default", "scrim": "black",
    "text": "default", "strong": "bold", "dim": "bright_black", "label": "default", "frame": "bright_black",
    "frame.on": "blue", "title": "bold", "key": "bold cyan", "unknown": "yellow", "stale": "yellow",
    "warn": "yellow", "error": "bold red", "debug": "bright_black", "up": "green", "down": "red",
    "up.on": "default", "down.on": "default", "meter": "blue", "meter.off": "bright_black", "cursor.on": "blue",
    "accent": "cyan", "mark": "magenta",
    "heat": "black bright_black blue cyan green bright_green yellow bright_yellow red",
}  # fmt: skip
_MONO: Final[dict[str, str]] = {
    "background": "default", "panel": "default", "scrim": "default",
    "text": "", "strong": "bold", "dim": "", "label": "", "frame": "", "frame.on": "bold", "title": "bold",
    "key": "bold", "unknown": "italic", "stale": "italic", "warn": "bold", "error": "bold", "debug": "", "up": "",
    "down": "", "up.on": "", "down.on": "", "meter": "", "meter.off": "", "cursor.on": "reverse", "accent": "",
    "mark": "bold", "heat": "default default default default default default default default default",
}  # fmt: skip
_COLOURS: Final = {
    "dark": _DARK, "light": _LIGHT, "colour-blind": _COLOUR_BLIND, "contrast": _CONTRAST, "ansi": _ANSI,
    "mono": _MONO,
}  # fmt: skip
THEMES: Final = tuple(_COLOURS)
_INK: Final = "#0b0f14"
_BADGES: Final = {
    "badge.sim": ("#56b6c2", _INK), "badge.paper": ("#b48ead", _INK), "badge.demo": ("#b48ead", _INK),
    "badge.live": ("#d7263d", "#ffffff"), "badge.active": ("#3ecf8e", _INK), "badge.reducing": ("#e3b341", _INK),
    "badge.halted": ("#c93c46", "#ffffff"), "badge.unknown": ("#8a8f98", _INK), "badge.note": ("#e3b341", _INK),
    "badge.kill": ("#7d2029", "#ffffff"), "badge.replay": ("#c792ea", _INK),
}  # fmt: skip
"""A badge means the same in every theme: background and ink."""
_ANSI_BADGES: Final = {
    "badge.sim": "black on cyan", "badge.paper": "black on magenta", "badge.demo": "black on magenta",
    "badge.live": "bold bright_white on red", "badge.active": "black on green", "badge.reducing": "black on yellow",
    "badge.halted": "bold bright_white on red", "badge.unknown": "black on white", "badge.note": "black on yellow",
    "badge.kill": "bold bright_white on red", "badge.replay": "black on magenta",
    "alarm": "bold bright_white on red", "alarm.calm": "bright_white on red",
    "alarm.strong": "bold bright_white on red", "alarm.ok": "bold bright_green on red",
}  # fmt: skip
_ALARMS: Final = {
    "alarm": "bold #ffffff on #b3202c", "alarm.calm": "#ffd9dc on #4a1319", "alarm.strong": "bold #ffffff on #4a1319",
    "alarm.ok": "bold #7ee2b8 on #4a1319",
}  # fmt: skip
_BANDED: Final = ("dim", "strong", "up", "down", "warn", "unknown")
HEATS: Final = 9


@dataclass(slots=True)
class Palette:
    """The styles of one theme. `style(role)` of an unknown role is a mistake of ours, and raises KeyError."""

    name: str
    _styles: dict[str, Style] = field(default_factory=dict)
    _looks: dict[tuple[str, tuple[LineFilter, ...], tuple[bool, ...]], Style | None] = field(default_factory=dict)

    @property
    def colours(self) -> dict[str, str]:
        """Role -> colour or style, of the roles that the theme itself names."""
        return _COLOURS[self.name]

    def style(self, role: str) -> Style:
        """The style of a role."""
        known = self._styles.get(role)
        if known is None:
            known = self._styles[role] = self._made(role)
        return known

    @property
    def is_native(self) -> bool:
        """Whether its colours are the terminal's own, or none: they must not be turned into others."""
        return self.name in {"ansi", "mono"}

    def look(self, role: str, filters: tuple[LineFilter, ...]) -> Style | None:
        """The style of a role, as the filters leave it."""
        key = (role, filters, tuple(each.enabled for each in filters))
        if key not in self._looks:
            segments = [Segment(" ", self.style(role))]
            for each in filters:
                if each.enabled:
                    segments = each.apply(segments, Color.parse(self.css("background")))
            self._looks[key] = segments[0].style
        return self._looks[key]

    def css(self, role: str) -> str:
        """A colour as Textual's CSS has it; the terminal's own where the role has none."""
        colour = Style.parse(self.colours[role] or "none").color
        name = "default" if colour is None else colour.name
        return name if name.startswith("#") else f"ansi_{name}"

    def _made(self, role: str) -> Style:
        text = self._text(role)
        if self.name == "mono" or " on " in f" {text}":
            return Style.parse(text or "none")
        return Style.parse(f"{text} on {self.colours['background']}".strip())

    def _text(self, role: str) -> str:
        colours = self.colours
        if role in colours and not role.endswith(".on"):
            return colours[role]
        if self.name == "mono":
            return self._mono(role)
        ink, _, ground = role.partition("@")
        if ground:
            return f"{colours[ink]} on {colours[ground]}"
        kind, _, rest = role.partition(".")
        if role in _BADGES:
            return _ANSI_BADGES[role] if self.name == "ansi" else "bold {1} on {0}".format(*_BADGES[role])
        if role in _ALARMS:
            return _ANSI_BADGES[role] if self.name == "ansi" else _ALARMS[role]
        match kind:
            case "bid" | "ask":
                colour = {"bid": "up", "ask": "down"}[kind]
                ink = colours["text"] if rest == "heat" else colours[colour]
                return f"{ink} on {colours[f'{colour}.on']}" if rest else colours[colour]
            case "band":
                return f"{colours[rest or 'text']} on {colours['panel']}"
            case "cursor":
                return f"{colours[rest or 'strong']} on {colours['cursor.on']}"
            case "heat":
                heats = colours["heat"].split()
                return f"{colours['text']} on {heats[int(rest)]}"
            case "shade":
                lower, _, upper = rest.partition(".")
                heats = colours["heat"].split()
                return f"{heats[int(lower)]} on {heats[int(upper)]}"
        return colours[role]

    def _mono(self, role: str) -> str:
        """Without colours: what must be seen is reversed or bold."""
        if role.startswith(("badge.", "alarm")):
            return "bold reverse"
        if role.startswith("cursor"):
            return "reverse"
        ink, _, ground = role.partition("@")
        if ground:
            return self._text(ink)
        kind, _, rest = role.partition(".")
        if kind in {"bid", "ask", "heat", "shade"}:
            return "bold" if rest == "lit" else ""
        if kind == "band" and rest in {"", *_BANDED}:
            return self.colours[rest or "text"]
        return self.colours[role]
