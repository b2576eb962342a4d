"""The panes by their name. A new pane is a module here, a line below, and a place on a screen (`screens`)."""

from __future__ import annotations

from typing import Final, NamedTuple

from sovereign_tui.cockpit.frame import Draw
from sovereign_tui.cockpit.panes import (
    account,
    audit,
    book,
    chart,
    counters,
    decisions,
    flow,
    heatmap,
    holdings,
    layers,
    legs,
    log,
    orders,
    positions,
    processes,
    replay,
    settings,
    signals,
    telemetry,
)


class Pane(NamedTuple):
    """One pane. `every_ms`: how often it is drawn anew at most, where that costs much; 0: with each frame."""

    name: str
    draw: Draw
    every_ms: float = 0.0


PANES: Final[dict[str, Pane]] = {
    "book": Pane("Book", book.draw),
    "heatmap": Pane("Heatmap", heatmap.draw, 500.0),
    "flow": Pane("Order flow", flow.draw, 250.0),
    "chart": Pane("Chart", chart.draw, 500.0),
    "signals": Pane("Signals", signals.draw, 200.0),
    "layers": Pane("Layers", layers.draw, 500.0),
    "decisions": Pane("Decisions", decisions.draw, 500.0),
    "positions": Pane("Positions and orders", positions.draw, 200.0),
    "holdings": Pane("Positions", holdings.draw),
    "orders": Pane("Orders", orders.draw),
    "account": Pane("Account", account.draw),
    "telemetry": Pane("Telemetry", telemetry.draw, 250.0),
    "legs": Pane("Latency", legs.draw),
    "counters": Pane("Counters", counters.draw),
    "processes": Pane("Processes", processes.draw),
    "log": Pane("Log", log.draw, 250.0),
    "audit": Pane("Audit", audit.draw),
    "replay": Pane("Replay", replay.draw),
    "settings": Pane("Settings", settings.draw),
}
