"""Where each pane is, for a size of the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FULL: Final = (110, 34)
"""Columns and rows from which on all panes are shown."""
SINGLE: Final = (72, 18)
"""Below it: header, position and kill line only."""

_LEFT: Final = 54
_POSITION: Final = "3"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the screen, cells."""

    x: int
    y: int
    width: int
    height: int


def arrange(width: int, height: int, top: int, selected: str, *, zoomed: bool) -> dict[str, Rect]:
    """The panes that are shown, by key. `top`: rows that header and banner take; the last row is the footer's."""
    room = max(0, height - top - 1)
    whole = Rect(0, top, width, room)
    if width < SINGLE[0] or height < SINGLE[1]:
        return {_POSITION: whole}
    if zoomed or width < FULL[0] or height < FULL[1]:
        return {selected: whole}
    return _full(width, top, room)


def _full(width: int, top: int, room: int) -> dict[str, Rect]:
    left = max(_LEFT, round(width * 0.44))
    right = width - left
    bottom = max(6, round(room * 0.22))
    upper = room - bottom
    telemetry, processes = 12, 7
    signals = max(9, round((upper - processes) * 0.47))
    return {
        "1": Rect(0, top, left, upper - telemetry),
        "4": Rect(0, top + upper - telemetry, left, telemetry),
        "2": Rect(left, top, right, signals),
        "3": Rect(left, top + signals, right, upper - signals - processes),
        "5": Rect(left, top + upper - processes, right, processes),
        "6": Rect(0, top + upper, width, bottom),
    }
