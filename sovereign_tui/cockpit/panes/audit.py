"""What operators did, from whatever screen or shell: who, what, what came of it, and after how long."""

from __future__ import annotations

from typing import Final

from schemas.messages import AuditEntry
from sovereign_tui.cockpit.frame import Body, Paint, matches, pointed
from sovereign_tui.cockpit.text import Row, Span, clean, clock_text, left, person, plain, right, row

_HINTS: Final = (("/", "filter"), ("y", "copy"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """Newest at the bottom; the cursor counts back from it. A tape is silent, not old."""
    trail = paint.view.audit.value
    if trail is None:
        rows = ((), row(Span("  UNKNOWN  nothing heard from ops yet (ops.audit)", "unknown")))
        return Body(rows=rows, age_ms=None, ageless=True)
    query = paint.state.query
    found = [each for each in trail.entries if matches(query, each.issuer, each.action, each.detail, each.outcome)]
    if not found:
        what = f"  nothing matches {query!r}" if query else "  nobody has done anything yet"
        return Body(rows=((), row(Span(clean(what), "dim"))), age_ms=None, ageless=True, hints=_HINTS)
    back = min(paint.state.cursor, len(found) - 1)
    chosen = found[len(found) - 1 - back]
    end = max(len(found) - back, min(height, len(found)))
    shown = found[max(0, end - height) : end]
    lines = [pointed(entry(each), width) if back and each is chosen else entry(each) for each in shown]
    return Body(
        rows=tuple(lines), age_ms=None, ageless=True, items=len(found), backwards=True,
        copied=plain(entry(chosen)).strip(), extra=row(Span("UTC", "dim")), hints=_HINTS,
    )  # fmt: skip


def entry(each: AuditEntry) -> Row:
    """One deed."""
    took = "" if each.took_ms is None else f"{each.took_ms:,.0f} ms"
    outcome = each.outcome or "under way"
    role = "warn" if each.ok is None else "up" if each.ok else "error"
    detail = f" {clean(each.detail)}" if each.detail else ""
    return row(
        Span(f" {clock_text(each.timestamp_ns)} ", "dim"), right(Span(took, "dim"), 10), "  ",
        left(Span(person(each.issuer), "label"), 16), " ", Span(f"{clean(each.action).upper()}{detail} ", "strong"),
        Span(clean(outcome), role),
    )  # fmt: skip
