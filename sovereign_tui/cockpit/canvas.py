"""The widget that paints rows: it keeps what it shows, and repaints the rows that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.text import Row, plain
from sovereign_tui.cockpit.theme import Palette


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

    def recolour(self, palette: Palette) -> None:
        """Other colours from now on."""
        self._palette = palette
        self._strips = [_strip(cells, palette) for cells in self._rows]
        self.refresh()

    def show(self, rows: Sequence[Row]) -> None:
        """Shows these rows; the same rows again cost a comparison."""
        known, strips = self._rows, self._strips
        changed = []
        fresh: list[Strip] = []
        for y, cells in enumerate(rows):
            if y < len(known) and known[y] == cells:
                fresh.append(strips[y])
            else:
                fresh.append(_strip(cells, self._palette))
                changed.append(Region(0, y, self.size.width, 1))
        changed += [Region(0, y, self.size.width, 1) for y in range(len(rows), len(known))]
        self._rows, self._strips = tuple(rows), fresh
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """The row at `y`, as it was shown last."""
        if 0 <= y < len(self._strips):
            return self._strips[y].adjust_cell_length(self.size.width, self._palette.style("text"))
        return Strip.blank(self.size.width, self._palette.style("text"))


def _strip(cells: Row, palette: Palette) -> Strip:
    return Strip([Segment(span.text, palette.style(span.role)) for span in cells], sum(len(s.text) for s in cells))
