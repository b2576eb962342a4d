"""Every number that the last decision was made of, by the layer or frame that it comes from."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, clean, left, right, row, signed

_COLUMN: Final = 29
_UNITS: Final = {"_pct": "%", "_bps": " bp"}
_HINTS: Final = (("/", "filter"),)


def draw(paint: Paint, width: int, height: int) -> Body:
    """One line a number, in as many columns as fit; each group begins with its name."""
    decision = paint.view.decision
    age_ms = decision.age_ms(paint.now_ns)
    if decision.value is None:
        return Body(rows=nothing_heard("the brain", "state.decision"), age_ms=age_ms)
    lines: list[Row] = []
    for group, named in _groups(decision.value.features, paint.state.query).items():
        lines.append(row(Span(f" {clean(group)}", "title")))
        lines += [_line(name, value) for name, value in named]
    if not lines:
        lines = [row(Span("  no number matches", "dim"))]
    columns = max(1, width // _COLUMN)
    deep = max(1, min(height, -(-len(lines) // columns)))
    rows = [
        tuple(span for column in range(columns) for span in _cell(lines, column * deep + index))
        for index in range(deep)
    ]
    return Body(rows=tuple(rows), age_ms=age_ms, hints=_HINTS)


def _groups(features: dict[str, float], query: str) -> dict[str, list[tuple[str, float]]]:
    groups: dict[str, list[tuple[str, float]]] = {}
    for name, value in sorted(features.items()):
        group, _, rest = name.rpartition(".")
        if matches(query, name):
            groups.setdefault(group or "other", []).append((rest, value))
    return groups


def _line(name: str, value: float) -> Row:
    unit = next((sign for suffix, sign in _UNITS.items() if name.endswith(suffix)), "")
    plain_name = clean(name.removesuffix("_pct").removesuffix("_bps")).replace("_", " ")
    decimals = 0 if value.is_integer() and abs(value) < 1e9 else 3 if abs(value) < 100 else 1
    return row(left(Span(f" {plain_name}", "label"), 18), right(signed(value, decimals, unit), 10), " ")


def _cell(lines: list[Row], index: int) -> Row:
    cells = lines[index] if index < len(lines) else ()
    used = sum(len(span.text) for span in cells)
    return (*cells, Span(" " * max(0, _COLUMN - used)))
