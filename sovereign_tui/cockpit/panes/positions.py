"""Positions with the protection that the venue holds for them, then the working and the recent orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.messages import OrderView, PositionView
from sovereign_tui.cockpit.frame import Body, Paint
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, number, right, row, signed, size

_WIDE: Final = 66
"""Columns from which on a position takes two rows; below, four short ones."""
_SHORT: Final = {"PARTIALLY_FILLED": "PARTIAL", "PENDING_CANCEL": "CANCELING"}
_ALL_OF_AN_ORDER: Final = 56
_SIDES: Final = {"buy": Span("▲ buy ", "up"), "sell": Span("▼ sell", "down")}


def draw(paint: Paint, width: int, height: int) -> Body:
    """Positions above, orders below; the age is that of the older of the two."""
    view = paint.view
    ages = [view.positions.age_ms(paint.now_ns), view.orders.age_ms(paint.now_ns)]
    known = [age for age in ages if age is not None]
    rows: list[Row] = [*_positions(paint, width), _rule(" orders", width), *_orders(paint, width, height)]
    return Body(
        rows=tuple(rows[:height]), age_ms=max(known) if len(known) == len(ages) else None, extra=_summary(paint)
    )


def side_of(position: PositionView) -> Span:
    """Direction as glyph, word and colour."""
    return Span("▲ LONG", "up") if position.contracts > 0 else Span("▼ SHORT", "down")


def side_of_order(side: str) -> Span:
    """Buy or sell as glyph, word and colour."""
    return _SIDES.get(side.lower(), Span(clean(side)))


def _summary(paint: Paint) -> Row:
    orders = paint.view.orders.value
    if orders is None:
        return ()
    return row(Span("working ", "label"), Span(str(len(orders.working)), "strong"))


def _positions(paint: Paint, width: int) -> list[Row]:
    state = paint.view.positions.value
    if state is None:
        return [row(Span(" position ", "label"), Span("UNKNOWN", "unknown"), Span("  not heard yet", "dim"))]
    if not state.positions:
        return [row(Span(" FLAT", "strong"), Span("  no position", "dim"))]
    draw_one = _position if width >= _WIDE else _narrow
    return [line for position in state.positions for line in draw_one(position)]


def _position(position: PositionView) -> tuple[Row, Row]:
    first = row(
        " ", left(side_of(position), 8), _held(position),
        left(Span(clean(position.instrument), "label"), 14),
        Span("entry ", "label"), right(number(position.average_price, 1), 9),
        Span(" mark ", "label"), right(number(position.mark_price, 1), 9),
    )  # fmt: skip
    second = row(
        Span(" uPnL ", "label"), _result(position),
        Span("TP ", "label"), _protection(position.tp_price),
        Span("  SL ", "label"), _protection(position.sl_price),
        Span("  liq ", "label"), right(number(position.liquidation_price, 1), 9),
        *((Span(f"  {size(position.leverage)}x", "dim"),) if position.leverage is not None else ()),
    )  # fmt: skip
    return first, second


def _narrow(position: PositionView) -> tuple[Row, ...]:
    """The same, where two rows are not wide enough."""
    return (
        row(" ", side_of(position), " ", _held(position), Span(clean(position.instrument), "label")),
        row(Span(" uPnL  ", "label"), _result(position), Span("liq ", "label"), _price(position.liquidation_price)),
        row(Span(" entry ", "label"), left(_price(position.average_price), 12),
            Span("mark ", "label"), _price(position.mark_price)),
        row(Span(" TP    ", "label"), left(_protection(position.tp_price).text.strip(), 12),
            Span("SL   ", "label"), Span(_protection(position.sl_price).text.strip())),
    )  # fmt: skip


def _held(position: PositionView) -> Span:
    text = size(abs(position.contracts))
    return left(Span(text, "strong"), max(8, len(text) + 1))


def _result(position: PositionView) -> Span:
    result = signed(position.unrealised, 2)
    return left(result, max(12, len(result.text) + 1))


def _price(value: Decimal | None) -> Span:
    return Span("?", "unknown") if value is None else Span(number(value, 1))


def _protection(price: Decimal | None) -> Span:
    return Span("   none  ", "warn") if price is None else right(number(price, 1), 9)


def _rule(name: str, width: int) -> Row:
    return row(Span(name + " ", "label"), Span("─" * max(0, width - len(name) - 2), "frame"))


def _orders(paint: Paint, width: int, height: int) -> list[Row]:
    state = paint.view.orders.value
    if state is None:
        return [row(Span(" UNKNOWN", "unknown"), Span("  not heard yet (state.orders)", "dim"))]
    if not state.working and not state.recent:
        return [row(Span(" no orders yet", "dim"))]
    wide = width >= _ALL_OF_AN_ORDER
    heads = f" {'time':<9}{'side':<6}{'filled/size':>12}{'price':>10}  {'kind':<8}state"
    rows: list[Row] = [row(Span(heads if wide else f" {'time':<6}{'side':<6}{'price':>10}  state", "dim"))]
    rows += [_order(order, working=True, wide=wide) for order in state.working]
    rows += [_order(order, working=False, wide=wide) for order in state.recent[:height]]
    return rows


def _order(order: OrderView, *, working: bool, wide: bool) -> Row:
    price = order.average_price if order.average_price is not None else order.limit_price
    filled = f"{size(order.filled_contracts)}/{size(order.contracts)}"
    shown = "market" if price is None else number(price, 1)
    state = order_state(order.state, working)
    if not wide:
        state = Span(_SHORT.get(state.text.upper(), state.text), state.role)
    return row(
        Span(f" {clock_text(order.updated_ns)[: 8 if wide else 5]} ", "text" if working else "dim"),
        left(side_of_order(order.side), 6),
        *((right(filled, 12),) if wide else ()), right(shown, 10), "  ",
        *((left(kind_of(order), 8),) if wide else ()), state,
    )  # fmt: skip


def kind_of(order: OrderView) -> Span:
    """What an order is for, in a word that fits into its column."""
    kind = {"protection": "protect"}.get(order.kind, clean(order.kind))
    return Span(kind, "label")


def order_state(state: str, working: bool) -> Span:
    """The state of an order, and what to think of it."""
    text = clean(state)
    lowered = state.lower()
    if "reject" in lowered or "unknown" in lowered:
        return Span(text, "error")
    if lowered == "filled":
        return Span(text, "up")
    return Span(text, "warn" if working else "dim")
