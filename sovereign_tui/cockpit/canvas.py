"""The widget that paints rows: it keeps what it shows, and repaints the cells that changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.filter import LineFilter
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sovereign_tui.cockpit.layout import Rect
from sovereign_tui.cockpit.text import Row, fit, plain
from sovereign_tui.cockpit.theme import Palette
from sovereign_tui.cockpit.tty.changes import changed
from sovereign_tui.cockpit.tty.sequence import Run


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
        self._strips: dict[int, Strip] = {}
        """By row, of those that Textual has asked for since they changed."""
        self._looks: dict[str, Style] = {}
        self._place: Rect | None = None
        self._filters: tuple[LineFilter, ...] = ()

    @property
    def text(self) -> str:
        """What it shows, without colours."""
        return "\n".join(plain(cells) for cells in self._rows)

    def place(self, rect: Rect | None) -> bool:
        """Where it is from now on; None: nowhere. Returns whether that is another place."""
        if rect == self._place:
            return False
        self._place = rect
        self._strips = {}
        self.display = rect is not None
        if rect is not None:
            self.styles.offset = (rect.x, rect.y)
            self.styles.width = rect.width
            self.styles.height = rect.height
        return True

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
        self._looks, self._strips = {}, {}
        self.refresh()

    def show(self, rows: Sequence[Row], strokes: list[Run] | None = None) -> bool:
        """Shows these rows; the same rows again cost a comparison.

        What changed is added to `strokes`, for whoever writes them at once; None: Textual is asked to repaint it.
        Returns whether something was added.
        """
        known, place = self._rows, self._place
        if strokes is None or place is None:
            changes = [each for y, old, new in _differing(known, rows) for each in self._changes(y, old, new)]
            self._rows = tuple(rows)
            if changes:
                self.refresh(*changes)
            return False
        before = len(strokes)
        for y, old, new in _differing(known, rows):
            self._strips.pop(y, None)
            if y < place.height:
                strokes += self._strokes(place, y, old, new)
        self._rows = tuple(rows)
        return len(strokes) > before

    def _changes(self, y: int, old: Row, new: Row) -> list[Region]:
        """Where row `y` is another one now: the cells that changed, or all of it."""
        self._strips.pop(y, None)
        stretches = changed(old, new)
        if stretches is None:
            return [Region(0, y, self.size.width, 1)]
        return [Region(x, y, end - x, 1) for x, end in stretches]

    def _strokes(self, place: Rect, y: int, old: Row, new: Row) -> Iterator[Run]:
        """The pieces of row `y` that changed, where they stand on the screen."""
        stretches = changed(old, new)
        cells = new if stretches is not None else fit(new, place.width)
        left = deque(((0, place.width),) if stretches is None else stretches)
        x = 0
        for text, role in cells:
            begin, x = x, x + len(text)
            while left and left[0][0] < x:
                first, end = left[0]
                start = max(begin, first)
                yield place.x + start, place.y + y, text[start - begin : end - begin], self._look(role)
                if end > x:
                    break  # the rest of it is in the next piece
                left.popleft()
            if not left:
                return

    # Textual styles, filters and caches each line of a widget; these come styled, and are kept
    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of `crop`."""
        filters = tuple(self.get_line_filters())
        if filters != self._filters:  # another theme, or NO_COLOR
            self._filters, self._looks, self._strips = filters, {}, {}
        lines = [self.render_line(y) for y in crop.line_range]
        x1, x2 = crop.column_span
        return lines if (x1, x2) == (0, self.size.width) else [line.crop(x1, x2) for line in lines]

    def render_line(self, y: int) -> Strip:
        """The row at `y`, as it was shown last."""
        strip = self._strips.get(y)
        if strip is None:
            cells = self._rows[y] if 0 <= y < len(self._rows) else ()
            width = sum(len(span.text) for span in cells)
            strip = self._strips[y] = Strip([Segment(span.text, self._look(span.role)) for span in cells], width)
        return strip.adjust_cell_length(self.size.width, self._look("text"))

    def _look(self, role: str) -> Style:
        style = self._looks.get(role)
        if style is None:
            style = self._looks[role] = self._palette.look(role, self._filters) or Style.null()
        return style


def _differing(old: Sequence[Row], new: Sequence[Row]) -> list[tuple[int, Row, Row]]:
    """The rows that are other ones now: number, before and after; a row that is gone is empty."""
    both = zip_longest(old, new, fillvalue=())
    return [(y, before, after) for y, (before, after) in enumerate(both) if before is not after and before != after]
