"""What the view knows that belongs on a chart: prices of the position, fills, zones of layer 1."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final

from schemas.messages import FrameStructure
from sovereign_tui.cockpit.chart.plot import Mark, Price, Zone
from sovereign_tui.cockpit.frame import Paint

_BREAKS: Final = {"bos": "B", "choch": "C"}
"""The letter that stands at the swing whose level was broken."""


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
    """Breaks of structure, and where orders were filled."""
    known = _structure(paint, frame)
    breaks = [
        Mark(at_ns=mark.open_ns, price=mark.price, text=_BREAKS[mark.kind], role="mark")
        for mark in (known.marks if known is not None else ())
        if mark.kind in _BREAKS
    ]
    state = paint.view.orders.value
    orders = (*state.working, *state.recent) if state is not None else ()
    fills = [
        Mark(
            at_ns=order.updated_ns, price=float(order.average_price),
            text="▲" if order.side.lower() == "buy" else "▼", role="key",
        )
        for order in orders
        if order.filled_contracts and order.average_price is not None and order.instrument == paint.instrument
    ]  # fmt: skip
    return [*breaks, *fills]


def zones_of(paint: Paint, frame: str) -> list[Zone]:
    """Order blocks and fair value gaps that are not mitigated."""
    known = _structure(paint, frame)
    if known is None:
        return []
    blocks = [(zone, "OB") for zone in known.blocks]
    return [
        Zone(top=zone.top, bottom=zone.bottom, since_ns=zone.open_ns, direction=zone.direction, name=name)
        for zone, name in (*((gap, "FVG") for gap in known.gaps), *blocks)
    ]


def levels_of(paint: Paint, frame: str) -> list[Price]:
    """The middle of each support or resistance."""
    known = _structure(paint, frame)
    return [
        Price(name="", price=(level.top + level.bottom) / 2, role="mark")
        for level in (known.levels if known is not None else ())
    ]


def _structure(paint: Paint, frame: str) -> FrameStructure | None:
    told = paint.view.structure.value
    return next((each for each in told.frames if each.frame == frame), None) if told is not None else None
