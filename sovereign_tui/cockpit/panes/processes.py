"""The supervised processes, and why the engine does not let everything through."""

from __future__ import annotations

from typing import Final

from schemas.messages import Cause, ProcessView
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, age, clean, left, number, right, row

_ROLES: Final = {
    "RUNNING": "up",
    "STARTING": "warn",
    "HUNG": "error",
    "BACKOFF": "error",
    "FATAL": "error",
    "STOPPING": "warn",
}
_GLYPHS: Final = {"RUNNING": "●", "STARTING": "◌", "HUNG": "✗", "BACKOFF": "✗", "FATAL": "✗", "STOPPING": "◌"}


_ROOM_FOR_USE: Final = 62
_ROOM_FOR_ALL: Final = 90
_FILES_WARN: Final = 0.8
_LATE_MS: Final = 100.0


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
    rows: list[Row] = [row(Span(_heads(width), "dim"))]
    for process in system.value.processes:
        rows.append(_process(process, (age_ms or 0.0), width))
        if process.reason:
            rows.append(row(Span(f"   {clean(process.reason)}", "warn")))
        elif process.last_exit and width >= _ROOM_FOR_USE:
            rows.append(row(Span(f"   the run before: {clean(process.last_exit)}", "dim")))
    rows += _causes(paint)
    return Body(rows=tuple(rows[:height]), age_ms=age_ms)


def _heads(width: int) -> str:
    heads = f" {'process':<9}{'state':<12}{'pid':>7}{'restarts':>9}{'heartbeat':>10}"
    if width < _ROOM_FOR_USE:
        return heads
    heads += f"{'cpu':>8}{'memory':>8}"
    return f"{heads}{'files':>7}{'loop p99':>10}{'max':>9}" if width >= _ROOM_FOR_ALL else heads


def _process(process: ProcessView, since_ms: float, width: int) -> Row:
    beat = None if process.heartbeat_age_ms is None else process.heartbeat_age_ms + since_ms
    cells = row(
        Span(f" {clean(process.name):<9}", "strong"), left(state_span(process.state), 12),
        right(str(process.pid) if process.pid else "-", 7),
        right(Span(str(process.restarts), "warn" if process.restarts else "dim"), 9),
        right(Span("-", "dim") if beat is None else Span(age(beat), "text" if beat < 3_000 else "error"), 10),
    )  # fmt: skip
    if width >= _ROOM_FOR_ALL:
        return (*cells, *_uses(process))
    if width < _ROOM_FOR_USE:
        return cells
    return (*cells, *_load(process))


def _load(process: ProcessView) -> Row:
    """Processor and memory; each may be unknown by itself."""
    values = ((process.cpu_pct, "%"), (process.memory_mb, " MB"))
    return row(*(right("?" if value is None else f"{number(value, 0)}{unit}", 8) for value, unit in values))


def _uses(process: ProcessView) -> Row:
    """What there is room for in a wide pane: also descriptors, and how late the loop wakes, of the last 10 s."""
    used, limit = process.open_files, process.open_files_limit
    files = "warn" if used is not None and limit is not None and used > _FILES_WARN * limit else "text"
    late = process.loop_lag_max_ms
    return row(
        *_load(process),
        right(Span(number(used, 0), files), 7),
        right(_late(process.loop_lag_p99_ms, "text"), 10),
        right(_late(late, "warn" if late is not None and late >= _LATE_MS else "text"), 9),
    )  # fmt: skip


def _late(value_ms: float | None, role: str) -> Span:
    return Span("-", "dim") if value_ms is None else Span(age(value_ms), role)


def _causes(paint: Paint) -> list[Row]:
    engine = paint.view.engine.value
    if engine is None or not engine.causes:
        return []
    return [(), *(_cause(cause) for cause in engine.causes)]


def _cause(cause: Cause) -> Row:
    return row(Span(f" {cause.forces} ", "warn"), Span(f"{clean(cause.name)}: {clean(cause.detail)}"))
