"""The last row: the keys, and a note of what the last key did."""

from __future__ import annotations

from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.text import Row, Span, clean, row, spread


def draw(paint: Paint, width: int) -> Row:
    """Key hints on the left, the note on the right."""
    hints: list[Span] = [Span(" ")]
    for key, what in paint.keys:
        hints += [Span(key, "key"), Span(f" {what}  ", "label")]
    counts = paint.view.counts
    note = clean(paint.note)
    if not note and counts.malformed:
        note = f"{counts.malformed} malformed: {clean(counts.last_problem)}"
    end = Span(f" {note[: width * 2 // 3]} ", "warn") if note else Span(" ^K HALT ", "key")
    return spread(tuple(hints), row(end), width)
