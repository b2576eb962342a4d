"""The event log, newest at the bottom; filtered, and held where the operator has scrolled to."""

from __future__ import annotations

from typing import Final

from schemas.messages import LogLine
from sovereign_tui.cockpit.frame import Body, Paint, matches, pointed
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, plain, row

_LEVELS: Final = {
    "debug": Span("·", "debug"),
    "info": Span("i", "label"),
    "warning": Span("!", "warn"),
    "error": Span("✗", "error"),
}
_TEXTS: Final = {"debug": "debug", "info": "text", "warning": "warn", "error": "error"}
_HINTS: Final = (("/", "filter"), ("↑", "back in time"), ("end", "follow"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """As many of the lines as fit; a log does not grow stale, it is silent.

    The cursor counts lines back from the newest: 0 follows.
    """
    query = paint.state.query
    lines = [line for line in paint.view.log if matches(query, line.process, line.level, line.text)]
    back = min(paint.state.cursor, max(0, len(lines) - 1))
    extra = row(Span("UTC", "dim"), *((Span(f" {back} back ", "badge.note"),) if back else ()))
    if not lines:
        what = f"  nothing matches {query!r}" if query else "  no event yet"
        return Body(rows=((), row(Span(clean(what), "dim"))), age_ms=None, extra=extra, ageless=True, hints=_HINTS)
    end = len(lines) - back
    end = max(end, min(height, len(lines)))
    shown = lines[max(0, end - height) : end]
    rows = [_line(line) for line in shown]
    chosen = lines[len(lines) - 1 - back]
    if back:
        rows = [pointed(cells, width) if line is chosen else cells for cells, line in zip(rows, shown, strict=True)]
    return Body(
        rows=tuple(rows), age_ms=None, extra=extra, ageless=True, items=len(lines), backwards=True,
        copied=plain(_line(chosen)).strip(), hints=_HINTS,
    )  # fmt: skip


def _line(line: LogLine) -> Row:
    return row(
        Span(f" {clock_text(line.timestamp_ns)} ", "dim"), _LEVELS.get(line.level, Span("?", "dim")), " ",
        left(Span(clean(line.process), "label"), 9), Span(clean(line.text), _TEXTS.get(line.level, "text")),
    )  # fmt: skip
