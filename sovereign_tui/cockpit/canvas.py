"""The widget that paints rows: it keeps what it shows, and repaints the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.text import Row, plain
from sovereign_tui.cockpit.theme import style
from sovereign_tui.cockpit.tty.changes import changed


class Canvas(Widget):
    """Shows rows of text. Decides nothing: what they say comes ready from the panes."""

    DEFAULT_CSS = "Canvas { position: absolute; }"

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.display = False
        self._rows: tuple[Row, ...] = ()
        self._strips: list[Strip] = []
        self._place: Rect | None = None

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

    def show(self, rows: Sequence[Row]) -> None:
        """Shows these rows; the same rows again cost a comparison."""
        known, strips = self._rows, self._strips
        changes: list[Region] = []
        fresh: list[Strip] = []
        for y, cells in enumerate(rows):
            if y < len(known) and known[y] == cells:
                fresh.append(strips[y])
            else:
                fresh.append(_strip(cells))
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

    def render_line(self, y: int) -> Strip:
        """The row at `y`, as it was shown last."""
        if 0 <= y < len(self._strips):
            return self._strips[y].adjust_cell_length(self.size.width, style("text"))
        return Strip.blank(self.size.width, style("text"))


def _strip(cells: Row) -> Strip:
    return Strip([Segment(span.text, style(span.role)) for span in cells], sum(len(span.text) for span in cells))
