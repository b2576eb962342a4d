"""What left, right, [, ] and the key for another view do, pane by pane. Pure."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit import ui as looks
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.panes import chart, legs
from sovereign_tui.cockpit.ui import Ui

_BARS: Final = 8
"""Bars that one press scrolls a chart."""


def turned(ui: Ui, pane: str, paint: Paint, what: str, step: int) -> Ui:
    """`what`: side (left and right), kind ([ and ]), or view (the other one). The same Ui where that means nothing."""
    if pane == "chart":
        return _chart(ui, paint, what, step)
    if pane == "legs" and what == "view":
        window = next_of(legs.WINDOWS, ui.pane(pane).one_of("window", legs.WINDOWS), step)
        return looks.chosen(ui, pane, "window", window)
    return ui


def next_of(options: tuple[str, ...], current: str, step: int) -> str:
    """The next one, around the corner."""
    at = options.index(current) if current in options else 0
    return options[(at + step) % len(options)]


def _chart(ui: Ui, paint: Paint, what: str, step: int) -> Ui:
    state = ui.pane("chart")
    match what:
        case "side":
            bars = len(paint.view.candles.get(chart.frame_of(paint), ()))
            back = max(0, min(bars - 1, state.count("back") - step * _BARS))
            return looks.chosen(ui, "chart", "back", str(back) if back else "")
        case "kind" if frames := chart.frames_of(paint):
            moved = looks.chosen(ui, "chart", "frame", next_of(frames, chart.frame_of(paint), step))
            return looks.chosen(moved, "chart", "back", "")
        case "view":
            below = next_of(chart.BELOW, state.one_of("below", chart.BELOW), step)
            return looks.chosen(ui, "chart", "below", below)
        case _:
            return ui
