"""Roles -> styles. Colour never says anything that the text does not say too (NO_COLOR, colour-blind eyes)."""

from __future__ import annotations

from functools import cache
from typing import Final

from rich.style import Style

BACKGROUND: Final = "#0b0f14"
_BAND: Final = "#121a24"

_STYLES: Final[dict[str, str]] = {
    "text": "#c6d0da",
    "strong": "bold #eef3f8",
    "dim": "#66727f",
    "label": "#7f8c99",
    "frame": "#2b3744",
    "frame.on": "#4c8fd6",
    "title": "bold #9fb2c6",
    "key": "bold #6fb1f5",
    "unknown": "#b58a3a",
    "stale": "#8a6d2f",
    "up": "#3ecf8e",
    "down": "#f2666c",
    "warn": "#e3b341",
    "error": "bold #f2666c",
    "debug": "#56616d",
    "bid": "#3ecf8e",
    "ask": "#f2666c",
    "bid.heat": "#c6d0da on #10302a",
    "ask.heat": "#c6d0da on #36191f",
    "bid.lit": "#3ecf8e on #10302a",
    "ask.lit": "#f2666c on #36191f",
    "meter": "#4c8fd6",
    "meter.off": "#22303d",
    "band": f"#c6d0da on {_BAND}",
    "band.dim": f"#7f8c99 on {_BAND}",
    "band.strong": f"bold #eef3f8 on {_BAND}",
    "band.up": f"#3ecf8e on {_BAND}",
    "band.down": f"#f2666c on {_BAND}",
    "band.warn": f"#e3b341 on {_BAND}",
    "band.unknown": f"#b58a3a on {_BAND}",
    "badge.sim": "bold #0b0f14 on #56b6c2",
    "badge.paper": "bold #0b0f14 on #b48ead",
    "badge.demo": "bold #0b0f14 on #b48ead",
    "badge.live": "bold #ffffff on #d7263d",
    "badge.active": "bold #0b0f14 on #3ecf8e",
    "badge.reducing": "bold #0b0f14 on #e3b341",
    "badge.halted": "bold #ffffff on #c93c46",
    "badge.unknown": "bold #0b0f14 on #8a8f98",
    "badge.note": "bold #0b0f14 on #e3b341",
    "badge.kill": "bold #ffffff on #7d2029",
    "alarm": "bold #ffffff on #b3202c",
    "alarm.calm": "#ffd9dc on #4a1319",
    "alarm.strong": "bold #ffffff on #4a1319",
    "alarm.ok": "bold #7ee2b8 on #4a1319",
}


@cache
def style(role: str) -> Style:
    """The style of a role; an unknown role is a mistake of ours, and raises KeyError."""
    return Style.parse(f"on {BACKGROUND}") + Style.parse(_STYLES[role])
