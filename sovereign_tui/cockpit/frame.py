"""What a pane is given to draw with, and what it gives back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sovereign_tui.cockpit.text import Row, Span, age, fit, plain, row, width_of
from sovereign_tui.cockpit.view import Heard, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """One moment of the screen: the view and the clock to judge it by, and what the screen itself is up to."""

    view: View
    now_ns: int
    stale_ms: float
    started_ns: int = 0
    readonly: bool = False
    frozen: bool = False
    selected: str = ""
    venue: str = ""
    instrument: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def is_stale(self, heard: Heard[object]) -> bool:
        """Whether it was heard, but too long ago to be taken for the present."""
        age_ms = heard.age_ms(self.now_ns)
        return age_ms is not None and age_ms > self.stale_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The inside of a pane, and what its title says besides its name. `age_ms` None: never heard."""

    rows: tuple[Row, ...]
    age_ms: float | None
    extra: Row = ()
    ageless: bool = field(default=False)
    """Nothing to grow old in it: no age is shown, and it is never STALE."""


Draw = Callable[[Paint, int, int], Body]
"""(paint, width, height) of the inside -> what is inside."""


def framed(paint: Paint, key: str, name: str, draw: Draw, width: int, height: int) -> tuple[Row, ...]:
    """A pane with its border: `height` rows of `width` cells."""
    inner, rows = width - 2, height - 2
    if inner < 1 or rows < 1:
        return tuple(fit((), width) for _ in range(height))
    body = draw(paint, inner, rows)
    stale = not body.ageless and body.age_ms is not None and body.age_ms > paint.stale_ms
    edge = "frame.on" if paint.selected == key else "frame"
    inside = [fit(cells, inner) for cells in body.rows[:rows]]
    inside += [fit((), inner)] * (rows - len(inside))
    if stale:
        inside = [(Span(plain(cells), "stale"),) for cells in inside]
    side = Span("│", edge)
    return (
        _top(key, name, body, stale, edge, width),
        *((side, *cells, side) for cells in inside),
        (Span("╰" + "─" * inner + "╯", edge),),
    )


def _top(key: str, name: str, body: Body, stale: bool, edge: str, width: int) -> Row:
    head = row(Span("╭ ", edge), Span(key, "key"), Span(f" {name} ", "title"))
    tail = row(*_freshness(body, stale), Span("╮", edge))
    extra = (Span("─ ", edge), *body.extra, Span(" ")) if body.extra else ()
    room = width - width_of(head) - width_of(tail)
    if room < 0:
        return fit(row(*head), width)
    middle: Row = extra if width_of(extra) <= room else ()
    return (*head, *middle, Span("─" * (room - width_of(middle)), edge), *tail)


def _freshness(body: Body, stale: bool) -> Row:
    if body.ageless:
        return ()
    if body.age_ms is None:
        return row(" ", Span(" UNKNOWN ", "badge.unknown"), " ")
    if stale:
        return row(" ", Span(f" STALE {age(body.age_ms)} ", "badge.note"), " ")
    return row(Span(f" {age(body.age_ms):>6} ", "label"))


def nothing_heard(who: str, topic: str) -> tuple[Row, ...]:
    """The inside of a pane whose part was never heard."""
    return (), row(Span("  UNKNOWN", "unknown")), row(Span(f"  nothing heard from {who} yet ({topic})", "dim"))
