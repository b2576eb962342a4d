"""The event log, newest at the bottom."""

from __future__ import annotations

from typing import Final

from schemas.messages import LogLine
from sovereign_tui.cockpit.frame import Body, Paint
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, row

_LEVELS: Final = {
    "debug": Span("·", "debug"),
    "info": Span("i", "label"),
    "warning": Span("!", "warn"),
    "error": Span("✗", "error"),
}
_TEXTS: Final = {"debug": "debug", "info": "text", "warning": "warn", "error": "error"}


def draw(paint: Paint, width: int, height: int) -> Body:
    """As many of the last lines as fit; a log does not grow stale, it is silent."""
    lines = paint.view.log[-height:]
    extra = row(Span("UTC", "dim"))
    if not lines:
        return Body(rows=((), row(Span("  no event yet", "dim"))), age_ms=None, extra=extra, ageless=True)
    return Body(rows=tuple(_line(line) for line in lines), age_ms=None, extra=extra, ageless=True)


def _line(line: LogLine) -> Row:
    return row(
        Span(f" {clock_text(line.timestamp_ns)} ", "dim"), _LEVELS.get(line.level, Span("?", "dim")), " ",
        left(Span(clean(line.process), "label"), 9), Span(clean(line.text), _TEXTS.get(line.level, "text")),
    )  # fmt: skip
