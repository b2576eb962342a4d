"""What the view knows that belongs on a chart: prices of the position, fills, zones of layer 1."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final

from sovereign_tui.cockpit.chart.plot import Mark, Price, Zone
from sovereign_tui.cockpit.frame import Paint

_FILLED: Final = "filled"


def prices_of(paint: Paint) -> list[Price]:
    """The last price, and entry, TP, SL and liquidation of the position."""
    found: list[Price] = []
    tick, state = paint.view.tick.value, paint.view.positions.value
    for position in state.positions if state is not None else ():
        if position.instrument == paint.instrument:
            named: tuple[tuple[str, Decimal | None, str], ...] = (
                ("LQ", position.liquidation_price, "error"), ("SL", position.sl_price, "down"),
                ("TP", position.tp_price, "up"), ("en", position.average_price, "key"),
            )  # fmt: skip
            known = [(name, float(price), role) for name, price, role in named if price]
            found += [Price(name=name, price=price, role=role) for name, price, role in known if isfinite(price)]
    if tick is not None and isfinite(tick.last_price):
        found.append(Price(name="", price=tick.last_price, role="strong"))
    return found


def marks_of(paint: Paint, frame: str) -> list[Mark]:
    """Where orders were filled."""
    state = paint.view.orders.value
    orders = (*state.working, *state.recent) if state is not None else ()
    return [
        Mark(
            at_ns=order.updated_ns, price=float(order.average_price),
            text="▲" if order.side.lower() == "buy" else "▼", role="key",
        )
        for order in orders
        if order.filled_contracts and order.average_price is not None and order.instrument == paint.instrument
    ]  # fmt: skip


def zones_of(paint: Paint, frame: str) -> list[Zone]:
    """Order blocks and gaps that are not mitigated."""
    return []
