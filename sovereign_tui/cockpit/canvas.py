"""The widget that paints rows: it keeps what it shows, and repaints the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.filter import LineFilter
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.text import Row, plain
from sovereign_tui.cockpit.theme import Palette
from sovereign_tui.cockpit.tty.changes import changed


class PaneChosen(Message):
    """The mouse was over a pane: clicked (`step` 0), or its wheel turned."""

    def __init__(self, pane: str, step: int) -> None:
        super().__init__()
        self.pane, self.step = pane, step


class Canvas(Widget):
    """Shows rows of text. Decides nothing: what they say comes ready from the panes."""

    DEFAULT_CSS = "Canvas { position: absolute; }"

    def __init__(self, name: str, palette: Palette) -> None:
        super().__init__(id=name)
        self._palette = palette
        self.display = False
        self._rows: tuple[Row, ...] = ()
        self._strips: list[Strip] = []
        self._place: Rect | None = None
        self._filters: tuple[LineFilter, ...] = ()

    @property
    def text(self) -> str:
        """What it shows, without colours."""
        return "\n".join(plain(cells) for cells in self._rows)

    def place(self, rect: Rect | None) -> None:
        """Where it is from now on; None: nowhere."""
        if rect == self._place:
            return
        self._place = rect
        self.display = rect is not None
        if rect is not None:
            self.styles.offset = (rect.x, rect.y)
            self.styles.width = rect.width
            self.styles.height = rect.height

    def on_click(self, event: Click) -> None:
        """The app knows what a pane is."""
        self.post_message(PaneChosen(self.id or "", 0))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """As the key."""
        self.post_message(PaneChosen(self.id or "", 1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """As the key."""
        self.post_message(PaneChosen(self.id or "", -1))

    def recolour(self, palette: Palette) -> None:
        """Other colours from now on."""
        self._palette = palette
        self._filters = tuple(self.get_line_filters())
        self._strips = [self._strip(cells) for cells in self._rows]
        self.refresh()

    def show(self, rows: Sequence[Row]) -> None:
        """Shows these rows; the same rows again cost a comparison."""
        known, strips = self._rows, self._strips
        changes: list[Region] = []
        fresh: list[Strip] = []
        for y, cells in enumerate(rows):
            if y < len(known) and known[y] == cells:
                fresh.append(strips[y])
            else:
                fresh.append(self._strip(cells))
                changes += self._changes(y, known[y] if y < len(known) else (), cells)
        changes += [Region(0, y, self.size.width, 1) for y in range(len(rows), len(known))]
        self._rows, self._strips = tuple(rows), fresh
        if changes:
            self.refresh(*changes)

    def _changes(self, y: int, old: Row, new: Row) -> list[Region]:
        """Where row `y` is another one now: the cells that changed, or all of it."""
        stretches = changed(old, new)
        if stretches is None:
            return [Region(0, y, self.size.width, 1)]
        return [Region(x, y, end - x, 1) for x, end in stretches]

    # Textual styles, filters and caches each line of a widget; these come styled, and are kept
    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`."""
        filters = tuple(self.get_line_filters())
        if filters != self._filters:  # another theme, or NO_COLOR
            self._filters = filters
            self._strips = [self._strip(cells) for cells in self._rows]
        lines = [self.render_line(y) for y in crop.line_range]
        x1, x2 = crop.column_span
        return lines if (x1, x2) == (0, self.size.width) else [line.crop(x1, x2) for line in lines]

    def render_line(self, y: int) -> Strip:
        """The row at `y`, as it was shown last."""
        if 0 <= y < len(self._strips):
            return self._strips[y].adjust_cell_length(self.size.width, self._palette.look("text", self._filters))
        return Strip.blank(self.size.width, self._palette.look("text", self._filters))

    def _strip(self, cells: Row) -> Strip:
        width = sum(len(span.text) for span in cells)
        return Strip([Segment(span.text, self._palette.look(span.role, self._filters)) for span in cells], width)
