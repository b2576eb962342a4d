"""What a pane is given to draw with, and what it gives back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sovereign_tui.cockpit.settings_desk import SettingRow
from sovereign_tui.cockpit.text import Row, Span, age, clean, fit, plain, row, width_of
from sovereign_tui.cockpit.tty.pacer import LinkState
from sovereign_tui.cockpit.ui import PaneState
from sovereign_tui.cockpit.view import Heard, View
from sovereign_tui.replay.state import ReplayView


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """One moment of the screen: the view and the clock to judge it by, and what the screen itself is up to."""

    view: View
    now_ns: int
    stale_ms: float
    started_ns: int = 0
    readonly: bool = False
    frozen: bool = False
    screen: str = ""
    """Number and name of the screen that is shown."""
    place: tuple[int, int] | None = None
    """Of a pane that is shown alone: which of how many of its screen it is; None: all are shown."""
    selected: str = ""
    venue: str = ""
    instrument: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    note: str = ""
    state: PaneState = field(default_factory=PaneState)
    """Of the pane that is being drawn."""
    link: LinkState | None = None
    settings: tuple[SettingRow, ...] = ()
    """Read when their screen is looked at; empty before."""
    player: ReplayView = field(default_factory=ReplayView)
    replay: str = ""
    """What is replayed, and how; "": this is the present."""
    alone: bool = False
    """Only the past is shown: that nothing runs is no news."""
    letters: str = "braille"
    """What charts are made of, where nothing else is chosen."""
    colours: bool = True
    """False: what is told by a colour has to be told by a character."""
    halts: bool = True
    """Whether the kill key of this screen does something."""

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
    items: int = 0
    """How many things the cursor can choose from."""
    backwards: bool = False
    """The cursor counts from the last item."""
    chosen: str = ""
    """The one that it stands on, by an id that the pane's owner understands."""
    copied: str = ""
    """What is put into the clipboard when asked; "": the text of the pane."""
    hints: tuple[tuple[str, str], ...] = ()
    mistake: Exception | None = None
    """Why there is nothing in it: what its drawing raised."""
    """Keys that do something in this pane: name and what."""


_MISTAKES: Final = (ArithmeticError, ValueError, LookupError, TypeError, AttributeError)

Draw = Callable[[Paint, int, int], Body]
"""(paint, width, height) of the inside -> what is inside."""


def framed(
    paint: Paint, pane: str, name: str, draw: Draw, width: int, height: int
) -> tuple[tuple[Row, ...], Body]:  # fmt: skip
    """A pane with its border: `height` rows of `width` cells; and what is inside."""
    inner, rows = width - 2, height - 2
    if inner < 1 or rows < 1:
        return tuple(fit((), width) for _ in range(height)), Body(rows=(), age_ms=None)
    try:
        body = draw(paint, inner, rows)
    except _MISTAKES as error:  # one pane that cannot be drawn is no reason to lose the others
        body = _undrawn(error)
    stale = not body.ageless and body.age_ms is not None and body.age_ms > paint.stale_ms
    edge = "frame.on" if paint.selected == pane else "frame"
    inside = [fit(cells, inner) for cells in body.rows[:rows]]
    inside += [fit((), inner)] * (rows - len(inside))
    if stale:
        inside = [cells if cells[0].role == "cursor" else (Span(plain(cells), "stale"),) for cells in inside]
    side = Span("│", edge)
    top = _top(paint, name, body, stale, edge, width)
    return (top, *((side, *cells, side) for cells in inside), (Span("╰" + "─" * inner + "╯", edge),)), body


def _undrawn(error: Exception) -> Body:
    said = clean(f"{type(error).__name__}: {error}")
    told = row(Span(f"  cannot be drawn ({said}); the other panes go on", "error"))
    return Body(rows=((), row(Span("  UNKNOWN", "unknown")), told), age_ms=None, mistake=error)


def _top(paint: Paint, name: str, body: Body, stale: bool, edge: str, width: int) -> Row:
    query = paint.state.query
    asked = (Span(f"/{clean(query)} ", "key"),) if query else ()
    head = row(Span("╭ ", edge), Span(f"{name} ", "title"), *_place(paint), *asked)
    tail = row(*_freshness(body, stale), Span("╮", edge))
    extra = (Span("─ ", edge), *body.extra, Span(" ")) if body.extra else ()
    room = width - width_of(head) - width_of(tail)
    if room < 0:
        return fit(row(*head), width)
    middle: Row = extra if width_of(extra) <= room else ()
    return (*head, *middle, Span("─" * (room - width_of(middle)), edge), *tail)


def _place(paint: Paint) -> Row:
    """That there are more panes than the one that is shown."""
    return () if paint.place is None else row(Span("{}/{} ".format(*paint.place), "key"), Span("tab ", "label"))


def _freshness(body: Body, stale: bool) -> Row:
    if body.ageless:
        return ()
    if body.age_ms is None:
        return row(" ", Span(" UNKNOWN ", "badge.unknown"), " ")
    if stale:
        return row(" ", Span(f" STALE {age(body.age_ms)} ", "badge.note"), " ")
    return row(Span(f" {age(body.age_ms):>6} ", "label"))


def window(count: int, cursor: int, height: int) -> range:
    """Which of `count` items are shown in `height` rows, so that the one under the cursor is among them."""
    if count <= height:
        return range(count)
    first = min(max(0, cursor - height // 2), count - height)
    return range(first, first + height)


def pointed(cells: Row, width: int) -> Row:
    """The row under the cursor."""
    return tuple(Span(span.text, "cursor") for span in fit(cells, width))


def matches(query: str, *texts: str) -> bool:
    """Whether every word of the query is in one of the texts; a word that begins with ! must not be."""
    joined = " ".join(texts).casefold()
    words = query.casefold().split()
    return all((word[1:] not in joined) if word.startswith("!") and len(word) > 1 else word in joined for word in words)


def nothing_heard(who: str, topic: str) -> tuple[Row, ...]:
    """The inside of a pane whose part was never heard."""
    told = row(Span(f"  nothing from {who} yet", "dim"))
    return (), row(Span("  UNKNOWN", "unknown")), told, row(Span(f"  {clean(topic)}", "dim"))
