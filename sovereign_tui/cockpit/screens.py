"""The screens by their number: which panes each has, and how they lie.

A new pane is a line in `catalogue` and a place here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sovereign_tui.cockpit.layout import FULL, SINGLE, Node, Part, Rect, beside, panes_of, place, stacked
from sovereign_tui.cockpit.ui import Ui


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen; the presets are its layouts, the first is what is shown at first."""

    name: str
    presets: tuple[tuple[str, Node], ...]

    def preset(self, number: int) -> tuple[str, Node]:
        """One layout, by any number."""
        return self.presets[number % len(self.presets)]


_LOG: Final = Part("log", share=0.2, least=6)

_TRADE: Final = stacked(
    Part(beside(Part("book", 0.37), Part("chart", 0.27), Part("signals", 0.36)), share=0.47, least=12),
    Part(beside(Part("positions", 0.58), Part("telemetry", 0.42)), share=0.33, least=9),
    _LOG,
)
_WATCH: Final = stacked(
    Part(
        beside(
            Part(stacked(Part("book", 0.55), Part("telemetry", 0.45, least=8)), 0.46),
            Part(stacked(Part("signals", 0.36), Part("positions", 0.38), Part("processes", 0.26, least=7)), 0.54),
        ),
        share=0.8,
    ),
    _LOG,
)
_MARKET: Final = stacked(
    Part(beside(Part("chart", 0.62), Part("book", 0.38)), share=0.65),
    Part(beside(Part("positions", 0.58), Part("signals", 0.42)), share=0.35, least=9),
)

_BOOK: Final = beside(
    Part("book", 0.42), Part(stacked(Part("heatmap", 0.6), Part("flow", 0.4, least=9)), 0.58)
)  # fmt: skip
_SIGNALS: Final = stacked(
    Part(beside(Part("signals", 0.5), Part("layers", 0.5)), 0.62), Part("decisions", 0.38, least=7)
)  # fmt: skip
_ORDERS: Final = stacked(
    Part(beside(Part("holdings", 0.62), Part("account", 0.38)), 0.32, least=11), Part("orders", 0.68)
)  # fmt: skip

_SYSTEM: Final = stacked(
    Part("processes", 0.26, least=8), Part("log", 0.48), Part("audit", 0.26, least=6)
)  # fmt: skip

_REPLAYED: Final = beside(Part("chart", 0.36), Part("signals", 0.34), Part("positions", 0.3))

SCREENS: Final[dict[str, Screen]] = {
    "1": Screen("Cockpit", (("trade", _TRADE), ("watch", _WATCH), ("market", _MARKET))),
    "2": Screen("Book", (("book", _BOOK),)),
    "3": Screen("Signals", (("signals", _SIGNALS),)),
    "4": Screen("Orders", (("orders", _ORDERS),)),
    "5": Screen("Telemetry", (("telemetry", stacked(Part("legs", 0.42, least=8), Part("counters", 0.58))),)),
    "6": Screen("System", (("system", _SYSTEM),)),
    "7": Screen("Chart", (("chart", "chart"),)),
    "8": Screen("Settings", (("settings", "settings"),)),
    "9": Screen("Replay", (("replay", stacked(Part("replay", 0.5), Part(_REPLAYED, 0.5))), ("scrubber", "replay"))),
}


def layout_of(ui: Ui) -> Node:
    """The layout that is chosen."""
    return SCREENS[ui.screen].preset(ui.preset.get(ui.screen, 0))[1]


def selected(ui: Ui) -> str:
    """The chosen pane of the screen."""
    panes = panes_of(layout_of(ui))
    chosen = ui.focus.get(ui.screen, "")
    return chosen if chosen in panes else panes[0]


def place_of(ui: Ui, shown: Iterable[str]) -> tuple[int, int] | None:
    """Of the pane that is shown alone, which of how many it is; None where all are, or where tab leads to no other."""
    panes, alone = panes_of(layout_of(ui)), list(shown)
    if len(alone) != 1 or len(panes) < 2 or alone[0] not in panes or alone[0] != selected(ui):
        return None
    return panes.index(alone[0]) + 1, len(panes)


def arrange(ui: Ui, width: int, height: int, top: int, bottom: int) -> dict[str, Rect]:
    """The panes that are shown, by name. `top`, `bottom`: rows that header and banner, and the last lines, take."""
    whole = Rect(0, top, width, max(0, height - top - bottom))
    if width < SINGLE[0] or height < SINGLE[1]:
        return {"positions": whole}
    if ui.zoomed or width < FULL[0] or height < FULL[1]:
        return {selected(ui): whole}
    return place(layout_of(ui), whole)
