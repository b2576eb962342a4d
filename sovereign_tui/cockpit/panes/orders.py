"""Orders, the working ones first, with a cursor: what it stands on can be explained."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.messages import OrderView
from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard, pointed, window
from sovereign_tui.cockpit.panes.positions import kind_of, order_state, side_of_order
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, number, plain, right, row, signed, size

_WIDE: Final = 108
_HINTS: Final = (("enter", "explain"), ("/", "filter"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """A row an order; the newest of those that are over first."""
    state = paint.view.orders
    age_ms = state.age_ms(paint.now_ns)
    if state.value is None:
        return Body(rows=nothing_heard("the engine", "state.orders"), age_ms=age_ms)
    found = [(order, True) for order in state.value.working] + [(order, False) for order in state.value.recent]
    query = paint.state.query
    found = [each for each in found if matches(query, *_texts(each[0]))]
    extra = row(Span("working ", "label"), Span(str(len(state.value.working)), "strong"))
    if not found:
        what = f"nothing matches {query!r}" if query else "no orders yet"
        return Body(rows=((), row(Span(clean(f"  {what}"), "dim"))), age_ms=age_ms, extra=extra, hints=_HINTS)
    cursor = min(paint.state.cursor, len(found) - 1)
    rows: list[Row] = [row(Span(_heads(width), "dim"))]
    for index in window(len(found), cursor, height - 1):
        order, working = found[index]
        cells = _order(order, working, width)
        rows.append(pointed(cells, width) if index == cursor and paint.selected == "orders" else cells)
    chosen = found[cursor][0]
    return Body(
        rows=tuple(rows), age_ms=age_ms, extra=extra, items=len(found),
        chosen=chosen.intent_id or chosen.client_order_id, copied=plain(_order(chosen, True, 200)).strip(),
        hints=_HINTS,
    )  # fmt: skip


def _texts(order: OrderView) -> tuple[str, ...]:
    return order.intent_id, order.client_order_id, order.venue_order_id, order.state, order.kind, order.side


def _heads(width: int) -> str:
    heads = f" {'time':<9}{'side':<7}{'filled/size':>12}{'price':>11}  {'kind':<9}{'state':<17}"
    return heads + (f"{'TP':>10}{'SL':>10}{'fee':>9}  intent" if width >= _WIDE else "intent")


def _order(order: OrderView, working: bool, width: int) -> Row:
    price = order.average_price if order.average_price is not None else order.limit_price
    intent = Span(clean(order.intent_id or order.client_order_id), "dim")
    cells = row(
        Span(f" {clock_text(order.updated_ns)} ", "text" if working else "dim"), left(side_of_order(order.side), 7),
        right(f"{size(order.filled_contracts)}/{size(order.contracts)}", 12),
        right("market" if price is None else number(price, 1), 11), "  ",
        left(kind_of(order), 9),
        left(order_state(order.state, working), 17),
    )  # fmt: skip
    if width < _WIDE:
        return (*cells, intent)
    fee = signed(order.fee, 2) if order.fee else Span("-", "dim")
    return (*cells, _price(order.tp_price), _price(order.sl_price), right(fee, 9), Span("  "), intent)


def _price(value: Decimal | None) -> Span:
    return right(Span("-", "dim"), 10) if value is None else right(number(value, 1), 10)
