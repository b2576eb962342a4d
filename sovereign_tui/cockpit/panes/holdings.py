"""Each position at length: what it is worth, how far its protection is, what it ties up."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.messages import PositionView
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.panes.positions import side_of
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, number, right, row, signed, size

_LABEL: Final = 11
_VALUE: Final = 14
_SIDE_BY_SIDE: Final = 2 * (_LABEL + _VALUE + 9)


def draw(paint: Paint, width: int, height: int) -> Body:
    """Positions alone: the orders have a pane of their own beside it."""
    heard = paint.view.positions
    age_ms = heard.age_ms(paint.now_ns)
    if heard.value is None:
        return Body(rows=nothing_heard("the engine", "state.positions"), age_ms=age_ms)
    if not heard.value.positions:
        return Body(rows=((), row(Span("  FLAT", "strong"), Span("  no position", "dim"))), age_ms=age_ms)
    rows: list[Row] = []
    for position in heard.value.positions:
        rows += [*_position(paint, position, width), ()]
    return Body(rows=tuple(rows[:height]), age_ms=age_ms)


def share_away(price: Decimal | None, mark: Decimal | None) -> Decimal | None:
    """How far a price is from the mark, percent; None: one of the two is not known."""
    return None if price is None or not mark else (price / mark - 1) * 100


def _position(paint: Paint, position: PositionView, width: int) -> list[Row]:
    head = row(
        " ", side_of(position), " ", Span(size(abs(position.contracts)), "strong"),
        Span(f" {clean(position.instrument)}", "label"),
        *((Span(f"  {size(position.leverage)}x", "dim"),) if position.leverage is not None else ()),
    )  # fmt: skip
    mark = position.mark_price
    cells = [
        _cell("entry", _price(position.average_price)),
        _cell("mark", _price(mark)),
        _cell("uPnL", signed(position.unrealised, 2)),
        _cell("notional", _price(_notional(paint, position), 2)),
        _cell("TP", _protection(position.tp_price), share_away(position.tp_price, mark)),
        _cell("SL", _protection(position.sl_price), share_away(position.sl_price, mark)),
        _cell("liquidation", _price(position.liquidation_price), share_away(position.liquidation_price, mark)),
        _cell("margin", _price(position.margin, 2)),
    ]
    if width >= _SIDE_BY_SIDE:
        lines = [(*cells[index], *cells[index + 1]) for index in range(0, len(cells), 2)]
    else:
        lines = cells
    return [head, *lines, row(Span(f" changed {clock_text(position.updated_ns)} UTC", "dim"))]


def _cell(name: str, value: Span, away: Decimal | None = None) -> Row:
    distance = "" if away is None else f" {away:+.2f}%"
    return row(left(Span(f" {name}", "label"), _LABEL + 1), right(value, _VALUE), left(Span(distance, "dim"), 9))


def _price(value: Decimal | None, decimals: int = 1) -> Span:
    return Span("?", "unknown") if value is None else Span(number(value, decimals))


def _protection(value: Decimal | None) -> Span:
    return Span("none", "warn") if value is None else Span(number(value, 1))


def _notional(paint: Paint, position: PositionView) -> Decimal | None:
    """Contracts x what one is worth x the mark; None while one of them is not known."""
    engine = paint.view.engine.value
    value = None if engine is None else engine.contract_value
    mark = position.mark_price
    return None if value is None or mark is None else abs(position.contracts) * value * mark
