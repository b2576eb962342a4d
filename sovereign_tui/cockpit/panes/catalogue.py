"""The panes by their name. A new pane is a module here, a line below, and a place on a screen (`screens`)."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit.frame import Draw
from sovereign_tui.cockpit.panes import book, log, orders, positions, processes, signals, telemetry

PANES: Final[dict[str, tuple[str, Draw]]] = {
    "book": ("Book", book.draw),
    "signals": ("Signals", signals.draw),
    "positions": ("Positions and orders", positions.draw),
    "orders": ("Orders", orders.draw),
    "telemetry": ("Telemetry", telemetry.draw),
    "processes": ("Processes", processes.draw),
    "log": ("Log", log.draw),
}
