"""The recorded sessions to choose from; of the chosen one the scrubber, the time, and what happened around it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from schemas.clock import NS_PER_MS, NS_PER_S
from sovereign_tui.cockpit.frame import Body, Paint
from sovereign_tui.cockpit.text import Row, Span, age, bar, clean, clock_text, fit, left, right, row, spread
from sovereign_tui.replay.events import Event, EventKind
from sovereign_tui.replay.sessions import Ending, Session
from sovereign_tui.replay.state import ReplayView

_GLYPHS: Final[dict[EventKind, tuple[str, str]]] = {
    EventKind.HALT: ("■", "error"),
    EventKind.ALERT: ("▲", "warn"),
    EventKind.PROCESS: ("◆", "key"),
    EventKind.ORDER: ("●", "up"),
    EventKind.DECISION: ("○", "strong"),
}
"""By weight: where several fall on one cell of the scrubber, the first stands there."""
_WEIGHT: Final = {kind: number for number, kind in enumerate(_GLYPHS)}
_ENDINGS: Final = {Ending.IN_ORDER: "dim", Ending.RUNNING: "up", Ending.BROKEN_OFF: "warn"}
_CHOOSING: Final = (("↑↓", "choose"), ("enter", "open"), ("esc", "back"))
_PLAYING: Final = (
    ("space", "play"), ("←→", "5 s"), ("⇧←→", "1 min"), ("[ ]", "event"), ("- +", "speed"), ("g G", "ends"),
    ("esc", "sessions"),
)  # fmt: skip
_WIDE: Final = 100
_SECONDS_OF_DAY: Final = 86_400


def draw(paint: Paint, width: int, height: int) -> Body:
    """As a pane of the cockpit."""
    return draw_replay(paint.player, width, height)


def draw_replay(state: ReplayView, width: int, height: int) -> Body:
    """The inside of the pane. It has no age: a record does not grow old."""
    if state.chosen is None:
        rows = _list(state, width, height)
    elif state.loading is not None:
        rows = _loading(state.chosen, *state.loading, width)
    else:
        rows = _played(state, width, height)
    extra = () if state.chosen is None else row(Span(state.chosen.id, "strong"))
    items = len(state.sessions) if state.chosen is None else 0
    return Body(
        rows=tuple(fit(cells, width) for cells in rows[:height]), age_ms=None, extra=extra, ageless=True, items=items,
        chosen="session" if items else "",
    )  # fmt: skip


def _list(state: ReplayView, width: int, height: int) -> list[Row]:
    told = _problems(state, 2)
    if not state.sessions:
        return [(), row(Span("  no session is recorded", "unknown")), *told]
    room = max(1, height - 2 - len(told))
    first = max(0, min(state.cursor - room // 2, len(state.sessions) - room))
    shown = list(enumerate(state.sessions))[first : first + room]
    heads = f"   {'session':<18}{'start (UTC)':<21}{'lasted':>10}{'size':>11}  ended"
    rows: list[Row] = [row(Span(f"{heads:<77}{'processes' if width >= _WIDE else ''}", "dim"))]
    rows += [_session(session, chosen=number == state.cursor, width=width) for number, session in shown]
    rows += [()] * (height - len(rows) - len(told) - 1)
    return [*rows, *told, _hints(_CHOOSING)]


def _session(session: Session, *, chosen: bool, width: int) -> Row:
    lasted = _length(session.last_ns - session.first_ns)
    cells = row(
        Span(" ▶ " if chosen else "   ", "key"), left(Span(session.id, "strong" if chosen else "text"), 18),
        left(f"{datetime.fromtimestamp(session.since_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M:%S}", 21),
        right(lasted, 10), right(f"{session.size / 2**20:,.1f} MiB", 11),
        left(Span(f"  {session.ending}", _ENDINGS[session.ending]), 14),
    )  # fmt: skip
    return (*cells, Span(" ".join(map(clean, session.processes)), "dim")) if width >= _WIDE else cells


def _loading(session: Session, done: int, total: int, width: int) -> list[Row]:
    share = done / total if total else 0.0
    size = f"  {done / 2**20:,.1f} of {total / 2**20:,.1f} MiB"
    room = max(4, width - 12)
    return [
        (),
        row(Span(f"  reading {session.id}", "strong"), Span(size, "dim")),
        (),
        row("  ", Span(bar(share, room), "meter"), Span(f" {share:>4.0%}", "label")),
        (),
        _hints((("esc", "back"),)),
    ]


def _played(state: ReplayView, width: int, height: int) -> list[Row]:
    told = _problems(state, 2)
    rows = [_times(state, width), *_scrubber(state, width), ()]
    rows += _events(state, width, max(0, height - len(rows) - len(told) - 1))
    rows += [()] * (height - len(rows) - len(told) - 1)
    return [*rows, *told, _hints(_PLAYING)]


def _times(state: ReplayView, width: int) -> Row:
    mode = Span(" ▶ PLAYING " if state.playing else " ‖ PAUSED  ", "badge.active" if state.playing else "badge.note")
    gone, whole = _length(state.at_ns - state.first_ns), _length(state.last_ns - state.first_ns)
    at_end = state.at_ns >= state.last_ns
    end = (" live end" if state.live else " end") if at_end else ""
    day = f"{datetime.fromtimestamp(state.wall_ns // NS_PER_S, UTC):%Y-%m-%d}"
    moment = f"{clock_text(state.wall_ns)}.{state.wall_ns % NS_PER_S // (100 * NS_PER_MS)}"
    return spread(
        row(" ", mode, Span(f" {state.speed:g}×", "strong"), "  ", Span(f"{day} ", "dim"), Span(moment, "strong"),
            Span(" UTC", "dim")),
        row(Span(gone, "text"), Span(f" of {whole}", "dim"), Span(end, "warn"), " "), width,
    )  # fmt: skip


def _scrubber(state: ReplayView, width: int) -> list[Row]:
    """The marks above the line, and the line with its cursor."""
    cells = max(1, width - 2)
    length_ns = max(1, state.last_ns - state.first_ns)

    def cell(at_ns: int) -> int:
        return max(0, min(cells - 1, (at_ns - state.first_ns) * cells // length_ns))

    marks: dict[int, EventKind] = {}
    for event in state.marks:
        number = cell(event.at_ns)
        if number not in marks or _WEIGHT[event.kind] < _WEIGHT[marks[number]]:
            marks[number] = event.kind
    here = cell(state.at_ns)
    above = [Span(*_GLYPHS[marks[number]]) if number in marks else Span(" ") for number in range(cells)]
    line = (Span("━" * here, "meter"), Span("┃", "strong"), Span("─" * (cells - here - 1), "meter.off"))
    return [row(" ", *_joined(above), " "), row(" ", *line, " ")]


def _joined(cells: list[Span]) -> Row:
    """Neighbours of one role in one span: a row of a hundred spans costs as much as all the others."""
    out: list[Span] = []
    for span in cells:
        if out and out[-1].role == span.role:
            out[-1] = Span(out[-1].text + span.text, span.role)
        else:
            out.append(span)
    return tuple(out)


def _events(state: ReplayView, width: int, room: int) -> list[Row]:
    if room <= 0:
        return []
    if not state.events:
        return [row(Span("  nothing happened in this session: no order, halt or alert", "dim"))]
    past = sum(event.at_ns <= state.at_ns for event in state.events)
    first = max(0, min(past - (room + 1) // 2, len(state.events) - room))
    shown = state.events[first : first + room]
    return [_event(event, state, last=first + number == past - 1, width=width) for number, event in enumerate(shown)]


def _event(event: Event, state: ReplayView, *, last: bool, width: int) -> Row:
    glyph, role = _GLYPHS[event.kind]
    ahead = event.at_ns > state.at_ns
    away_ms = abs(event.at_ns - state.at_ns) / NS_PER_MS
    away = Span(f"{'+' if ahead else '-'}{age(away_ms)}", "dim")
    pointer = Span(" ▸ " if last else "   ", "key")
    text = clean(event.text)
    room = max(1, width - 35)
    return row(
        pointer, Span(clock_text(event.wall_ns), "label"), " ", right(away, 8), "  ",
        Span(glyph, "dim" if ahead else role), Span(f" {event.kind:<9}", "dim" if ahead else role),
        Span(text if len(text) <= room else text[: room - 1] + "…", "dim" if ahead else "text"),
    )  # fmt: skip


def _problems(state: ReplayView, most: int) -> list[Row]:
    told = [row(Span(f" ! {clean(text)}", "warn")) for text in state.problems[:most]]
    if len(state.problems) > most:
        told[-1] = row(*told[-1], Span(f"  and {len(state.problems) - most} more", "dim"))
    return told


def _hints(hints: tuple[tuple[str, str], ...]) -> Row:
    return row(" ", *(span for key, text in hints for span in (Span(key, "key"), Span(f" {text}  ", "dim"))))


def _length(length_ns: int) -> str:
    """`1:02:03`, or `12:03` under an hour; with days in front."""
    seconds = max(0, length_ns) // NS_PER_S
    days, rest = divmod(seconds, _SECONDS_OF_DAY)
    hours, rest = divmod(rest, 3_600)
    text = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours or days else f"{rest // 60}:{rest % 60:02d}"
    return f"{days} d {text}" if days else text
