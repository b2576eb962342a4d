"""The account and its day: equity, result, what of the daily loss is used; and the gauges of risk."""

from __future__ import annotations

from decimal import Decimal

from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.panes.header import day_result
from sovereign_tui.cockpit.spark import spark
from sovereign_tui.cockpit.text import Row, Span, bar, clean, left, number, right, row, signed


def draw(paint: Paint, width: int, height: int) -> Body:
    """What state.account says, the day's result, and how much of the limits is used."""
    heard = paint.view.account
    age_ms = heard.age_ms(paint.now_ns)
    account = heard.value
    if account is None:
        return Body(rows=nothing_heard("the engine", "state.account"), age_ms=age_ms)
    fees, realised = account.fees_today, account.realised_today
    rows: list[Row] = [
        _line("equity", Span(number(account.equity, 2), "strong" if account.equity is not None else "unknown")),
        _line("available", Span(number(account.available, 2))),
        _line("day, all", signed(day_result(paint), 2)),
        _line("  realised", signed(realised, 2)),
        _line("  unrealised", signed(_unrealised(paint), 2)),
        _line("  fees", signed(fees, 2)),
        _gauge(paint, width),
    ]
    points = [point.value for point in paint.view.equity]
    if len(points) > 1:
        rows.append(row(Span(" equity ", "label"), Span(spark(points, max(4, width - 10)), "accent")))
    return Body(rows=tuple(rows[:height]), age_ms=age_ms, extra=row(Span(clean(account.currency), "label")))


def _line(name: str, value: Span) -> Row:
    return row(left(Span(f" {name}", "label"), 14), right(value, 16))


def _unrealised(paint: Paint) -> Decimal | None:
    state = paint.view.positions.value
    if state is None or any(each.unrealised is None for each in state.positions):
        return None
    return sum((each.unrealised for each in state.positions if each.unrealised is not None), Decimal(0))


def _gauge(paint: Paint, width: int) -> Row:
    """How much of the daily loss limit is used."""
    metrics = paint.view.metrics.value
    loss = limit = None
    if metrics is not None:
        loss, limit = (metrics.values.get(f"engine.daily_loss{what}_pct") for what in ("", "_limit"))
    label = left(Span(" loss used", "label"), 14)
    if loss is None or not limit:
        return row(label, Span("?", "unknown"))
    share = max(0.0, min(1.0, loss / limit))
    role = "error" if share >= 0.8 else "warn" if share >= 0.5 else "meter"
    return row(label, Span(bar(share, max(4, min(16, width - 34))), role), Span(f" {loss:.2f} of {limit:g} %", "label"))
