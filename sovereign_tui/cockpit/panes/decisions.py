"""What the brain decided before: a line a second and reason, the newest first; an order can be explained."""

from __future__ import annotations

from typing import Final

from schemas.messages import Decision
from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard, pointed, window
from sovereign_tui.cockpit.panes.signals import direction
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, number, plain, right, row

_HINTS: Final = (("enter", "explain"), ("/", "filter"))
_MARKS: Final = {1: Span("▲", "up"), 0: Span("·", "dim"), -1: Span("▼", "down")}


def draw(paint: Paint, width: int, height: int) -> Body:
    """As many as fit."""
    age_ms = paint.view.decision.age_ms(paint.now_ns)
    if not paint.view.decisions:
        return Body(rows=nothing_heard("the brain", "state.decision"), age_ms=age_ms)
    query = paint.state.query
    found = [
        point.value
        for point in reversed(paint.view.decisions)
        if matches(query, point.value.why_not, point.value.why_not_text, point.value.intent_id)
    ]
    heads = f" {'time UTC':<10}{'direction':<11}{'price':>10}  {'votes':<12}why not, or the order"
    rows: list[Row] = [row(Span(heads, "dim"))]
    cursor = min(paint.state.cursor, max(0, len(found) - 1))
    for index in window(len(found), cursor, height - 1):
        cells = _line(found[index])
        rows.append(pointed(cells, width) if index == cursor and paint.selected == "decisions" else cells)
    if not found:
        return Body(rows=(*rows, row(Span(clean(f"  nothing matches {query!r}"), "dim"))), age_ms=age_ms, hints=_HINTS)
    return Body(
        rows=tuple(rows), age_ms=age_ms, items=len(found), chosen=found[cursor].intent_id,
        copied=plain(_line(found[cursor])).strip(), hints=_HINTS,
    )  # fmt: skip


def _line(decision: Decision) -> Row:
    votes: list[Span] = []
    for frame in decision.frames:
        votes += [
            _MARKS.get(vote, Span("?", "unknown")) for vote in (frame.trend_vote, frame.book_vote, frame.flow_vote)
        ]
        votes.append(Span(" "))
    if decision.why_not:
        why = Span(clean(f"{decision.why_not}: {decision.why_not_text}".removesuffix(": ")), "text")
    else:
        why = Span(clean(f"ORDER {decision.intent_id}"), "key")
    room = max(0, 12 - sum(len(span.text) for span in votes))
    return row(
        Span(f" {clock_text(decision.timestamp_ns):<10}", "dim"), left(direction(decision.direction), 11),
        right(number(decision.price or None, 1), 10), "  ", *votes, Span(" " * room), why,
    )  # fmt: skip
