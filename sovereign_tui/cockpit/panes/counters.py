"""Rates and counts of all processes, as they tell them; what went wrong stands out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.clock import NS_PER_S
from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard
from sovereign_tui.cockpit.series import Series
from sovereign_tui.cockpit.text import Row, Span, clean, left, number, right, row

_COLUMN: Final = 44
_BAD: Final = ("gaps", "lost", "errors", "rejects", "malformed", "dropped", "refused", "missed", "unknown", "failed")
_HINTS: Final = (("/", "filter"),)


def draw(paint: Paint, width: int, height: int) -> Body:
    """Name, value, and how much a second of what is counted; in as many columns as fit."""
    heard = paint.view.metrics
    age_ms = heard.age_ms(paint.now_ns)
    if heard.value is None:
        return Body(rows=nothing_heard("ops", "ops.metrics"), age_ms=age_ms)
    values: dict[str, float] = {
        name: value for name, value in heard.value.values.items() if not name.endswith(("_us", "_count"))
    }
    counts = paint.view.counts
    values |= {"screen.received": counts.received, "screen.gaps": counts.gaps, "screen.lost": counts.lost,
               "screen.malformed": counts.malformed}  # fmt: skip
    found = sorted((name, value) for name, value in values.items() if matches(paint.state.query, name))
    columns = max(1, width // _COLUMN)
    deep = max(1, min(height, -(-len(found) // columns)))
    cells = [_cell(name, value, paint.view.metrics_past) for name, value in found]
    rows = [
        tuple(span for column in range(columns) for span in _at(cells, column * deep + index)) for index in range(deep)
    ]
    return Body(rows=tuple(rows), age_ms=age_ms, hints=_HINTS)


def _cell(name: str, value: float, past: Series[Mapping[str, float]]) -> Row:
    bad = any(word in name for word in _BAD) and value > 0
    decimals = 0 if float(value).is_integer() else 2
    rate = _rate(name, value, past)
    return row(
        left(Span(f" {clean(name).replace('_', ' ')}", "label"), 25),
        right(Span(number(value, decimals), "warn" if bad else "text"), 10),
        right(Span("" if rate is None else f"{rate:,.0f}/s", "dim"), 9),
    )  # fmt: skip


def _rate(name: str, value: float, past: Series[Mapping[str, float]]) -> float | None:
    """Of what only grows, how much a second over what the screen remembers; None where it does not grow."""
    if len(past) < 2 or name.endswith(("_ms", "_pct")):
        return None
    before = past[-min(len(past), 20)]
    was, seconds = before.value.get(name), (past[-1].stamp[0] - before.stamp[0]) / NS_PER_S
    if was is None or seconds <= 0 or value <= was:
        return None
    return (value - was) / seconds


def _at(cells: list[Row], index: int) -> Row:
    found = cells[index] if index < len(cells) else ()
    return (*found, Span(" " * max(0, _COLUMN - sum(len(span.text) for span in found))))
