"""The panes by the key that chooses them. A new pane is a line here and a rectangle in `layout`."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit.frame import Draw
from sovereign_tui.cockpit.panes import book, log, positions, processes, signals, telemetry

PANES: Final[dict[str, tuple[str, Draw]]] = {
    "1": ("Book", book.draw),
    "2": ("Signals", signals.draw),
    "3": ("Positions and orders", positions.draw),
    "4": ("Telemetry", telemetry.draw),
    "5": ("Processes", processes.draw),
    "6": ("Log", log.draw),
}
