"""The supervised processes, and why the engine does not let everything through."""

from __future__ import annotations

from typing import Final

from schemas.messages import Cause, ProcessView
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, age, clean, left, number, right, row

_ROLES: Final = {"RUNNING": "up", "STARTING": "warn", "BACKOFF": "error", "FATAL": "error", "STOPPING": "warn"}
_GLYPHS: Final = {"RUNNING": "●", "STARTING": "◌", "BACKOFF": "✗", "FATAL": "✗", "STOPPING": "◌"}


def state_span(state: str) -> Span:
    """A process state as glyph, word and colour."""
    known = state.upper()
    return Span(f"{_GLYPHS.get(known, '○')} {clean(state)}", _ROLES.get(known, "dim"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """One row a process; under it the reason, if it has one."""
    system = paint.view.system
    age_ms = system.age_ms(paint.now_ns)
    if system.value is None:
        return Body(rows=nothing_heard("ops", "ops.system"), age_ms=age_ms)
    heads = f" {'process':<9}{'state':<12}{'pid':>7}{'restarts':>9}{'heartbeat':>10}"
    rows: list[Row] = [row(Span(heads, "dim"))]
    for process in system.value.processes:
        rows.append(_process(process, (age_ms or 0.0), width))
        if process.reason:
            rows.append(row(Span(f"   {clean(process.reason)}", "warn")))
    rows += _causes(paint)
    return Body(rows=tuple(rows[:height]), age_ms=age_ms)


def _process(process: ProcessView, since_ms: float, width: int) -> Row:
    beat = None if process.heartbeat_age_ms is None else process.heartbeat_age_ms + since_ms
    cells = row(
        Span(f" {clean(process.name):<9}", "strong"), left(state_span(process.state), 12),
        right(str(process.pid) if process.pid else "-", 7),
        right(Span(str(process.restarts), "warn" if process.restarts else "dim"), 9),
        right(Span("-", "dim") if beat is None else Span(age(beat), "text" if beat < 3_000 else "error"), 10),
    )  # fmt: skip
    if width < 62 or process.cpu_pct is None:
        return cells
    return (*cells, right(f"{number(process.cpu_pct, 0)}% cpu", 8), right(f"{number(process.memory_mb, 0)} MB", 8))


def _causes(paint: Paint) -> list[Row]:
    engine = paint.view.engine.value
    if engine is None or not engine.causes:
        return []
    return [(), *(_cause(cause) for cause in engine.causes)]


def _cause(cause: Cause) -> Row:
    return row(Span(f" {cause.forces} ", "warn"), Span(f"{clean(cause.name)}: {clean(cause.detail)}"))
