"""Rates and counts of all processes, as they tell them; what went wrong comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.clock import NS_PER_S
from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard
from sovereign_tui.cockpit.series import Series
from sovereign_tui.cockpit.text import Row, Span, clean, left, number, right, row

_COLUMN: Final = 49
_NAME: Final = 32
_BAD: Final = ("gaps", "lost", "errors", "rejects", "malformed", "dropped", "refused", "missed", "unknown", "failed")
_HINTS: Final = (("/", "filter"), ("↑ ↓", "scroll"))


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
    lines = [*_wrong(found, paint.view.metrics_past), *_by_process(found, paint.view.metrics_past)]
    columns = max(1, width // _COLUMN)
    hidden = max(0, -(-len(lines) // columns) - height)
    lines = lines[min(paint.state.cursor, hidden) :]
    deep = max(1, min(height, -(-len(lines) // columns)))
    rows = [
        tuple(span for column in range(columns) for span in _at(lines, column * deep + index)) for index in range(deep)
    ]
    return Body(rows=tuple(rows), age_ms=age_ms, hints=_HINTS, items=hidden + 1 if hidden else 0)


def is_bad(name: str, value: float) -> bool:
    """Whether it counts what went wrong, and something did."""
    return value > 0 and any(word in name for word in _BAD)


def _wrong(found: list[tuple[str, float]], past: Series[Mapping[str, float]]) -> list[Row]:
    """What went wrong since the start, of all processes: what still does first, then the most."""
    bad = [(name, value, _rate(name, value, past)) for name, value in found if is_bad(name, value)]
    bad.sort(key=lambda each: (-(each[2] or 0.0), -each[1], each[0]))
    if not bad:
        return [row(Span(" √ nothing went wrong since the start", "up")), ()]
    return [
        row(Span(" ! went wrong since the start", "warn")),
        *(_cell(name, value, rate) for name, value, rate in bad),
        (),
    ]


def _by_process(found: list[tuple[str, float]], past: Series[Mapping[str, float]]) -> list[Row]:
    """Everything else, under the name of the process that counts it."""
    rows: list[Row] = []
    process = ""
    for name, value in found:
        if is_bad(name, value):
            continue
        group, _, rest = name.partition(".")
        if group != process:
            process = group
            rows.append(row(Span(f" {clean(group)}", "title")))
        rows.append(_cell(rest, value, _rate(name, value, past)))
    return rows


def _cell(name: str, value: float, rate: float | None) -> Row:
    bad = is_bad(name, value)
    decimals = 0 if float(value).is_integer() else 2
    said = clean(name.replace(".", " ").replace("_", " "))
    return row(
        left(Span(f"  {said}", "label"), _NAME),
        right(Span(number(value, decimals), "warn" if bad else "text"), 9),
        right(Span("" if rate is None else f"{rate:,.0f}/s", "error" if bad and rate else "dim"), 7),
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
