"""The last rows: the tape of what happened last, the keys, and a note of what the last key did."""

from __future__ import annotations

from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, number, person, row, size, spread, width_of


def draw(paint: Paint, width: int) -> Row:
    """Key hints on the left, as many as fit; the note on the right."""
    counts = paint.view.counts
    note = clean(paint.note)
    if not note and counts.malformed:
        note = f"{counts.malformed} malformed: {clean(counts.last_problem)}"
    end = Span(f" {note[: width * 2 // 3]} ", "warn") if note else Span(" ^K HALT " if paint.halts else " ", "key")
    hints: list[Span] = [Span(" ")]
    for key, what in paint.keys:
        if width_of(tuple(hints)) + len(key) + len(what) + 3 + len(end.text) > width:
            break
        hints += [Span(key, "key"), Span(f" {what}  ", "label")]
    return spread(tuple(hints), row(end), width)


def tape(paint: Paint, width: int) -> Row:
    """The last fill, and what an operator did last."""
    return spread(row(" ", *_fill(paint)), row(*_deed(paint), " "), width)


def _fill(paint: Paint) -> Row:
    orders = paint.view.orders.value
    filled = [order for order in (orders.recent if orders is not None else ()) if order.filled_contracts]
    if orders is None:
        return (Span("last fill ", "label"), Span("?", "unknown"))
    if not filled:
        return (Span("last fill ", "label"), Span("none since the engine's start", "dim"))
    last = max(filled, key=lambda order: order.updated_ns)
    bought = last.side.lower() == "buy"
    return (
        Span("last fill ", "label"), Span("▲ buy " if bought else "▼ sell ", "up" if bought else "down"),
        Span(f"{size(last.filled_contracts)} @ {number(last.average_price, 1)} "),
        Span(clock_text(last.updated_ns), "dim"),
    )  # fmt: skip


def _deed(paint: Paint) -> Row:
    """What an operator did last, and what came of it."""
    trail = paint.view.audit.value
    if trail is None or not trail.entries:
        return ()
    last = trail.entries[-1]
    took = "" if last.took_ms is None else f" in {last.took_ms:,.0f} ms"
    role = "warn" if last.ok is None else "up" if last.ok else "error"
    return (
        Span(f"{person(last.issuer)} {clean(last.action).upper()} ", "label"),
        Span(f"{clean(last.outcome or 'under way')}{took}", role),
    )
