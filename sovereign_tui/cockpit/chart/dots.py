"""A grid of cells, each of 2 x 4 dots, a role and a ground; texts stand over the dots."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit.text import Row, Span

_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Of a braille character (U+2800): by row and column of the dot."""
_BRAILLE: Final = 0x2800
ACROSS: Final = 2
DOWN: Final = 4
_ASCII: Final = " .:|#"
"""By how many dots of a cell are set: none, then a quarter each."""


class Dots:
    """`width` x `height` cells. Dots outside are left out; the last role of a cell is its role."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._roles = [["text"] * width for _ in range(height)]
        self._grounds = [[""] * width for _ in range(height)]
        self._texts: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, role: str) -> None:
        """One dot; x in dots from the left, y from the top."""
        column, row = x // ACROSS, y // DOWN
        if 0 <= column < self.width and 0 <= row < self.height:
            self._dots[row][column] |= _BITS[y % DOWN][x % ACROSS]
            self._roles[row][column] = role

    def upright(self, x: int, top: int, bottom: int, role: str, step: int = 1) -> None:
        """A vertical line of dots, both ends in it; every `step`-th dot."""
        for y in range(max(0, top), min(self.height * DOWN - 1, bottom) + 1, step):
            self.dot(x, y, role)

    def level(self, y: int, left: int, right: int, role: str, step: int = 1) -> None:
        """A horizontal line of dots, both ends in it."""
        for x in range(max(0, left), min(self.width * ACROSS - 1, right) + 1, step):
            self.dot(x, y, role)

    def line(self, x0: int, y0: int, x1: int, y1: int, role: str) -> None:
        """From one dot to another."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), role)

    def ground(self, top: int, bottom: int, left: int, right: int, role: str) -> None:
        """A ground under the cells that these dots touch, ends included."""
        for row in range(max(0, top // DOWN), min(self.height - 1, bottom // DOWN) + 1):
            for column in range(max(0, left // ACROSS), min(self.width - 1, right // ACROSS) + 1):
                self._grounds[row][column] = role

    def text(self, column: int, row: int, text: str, role: str) -> None:
        """Characters over the dots, by cells."""
        for index, character in enumerate(text):
            if 0 <= column + index < self.width and 0 <= row < self.height:
                self._texts[column + index, row] = character
                self._roles[row][column + index] = role

    def rows(self, *, ascii_only: bool = False) -> list[Row]:
        """The cells, in spans of one role."""
        return [self._row(row, ascii_only) for row in range(self.height)]

    def _row(self, row: int, ascii_only: bool) -> Row:
        spans: list[Span] = []
        text, role = "", ""
        for column in range(self.width):
            ground = self._grounds[row][column]
            here = f"{self._roles[row][column]}@{ground}" if ground else self._roles[row][column]
            if here != role and text:
                spans.append(Span(text, role))
                text = ""
            text, role = text + self._character(column, row, ascii_only), here
        return (*spans, Span(text, role)) if text else tuple(spans)

    def _character(self, column: int, row: int, ascii_only: bool) -> str:
        written = self._texts.get((column, row))
        dots = self._dots[row][column]
        if written is not None:
            return written
        if ascii_only:
            return _ASCII[(dots.bit_count() + 1) // 2]
        return chr(_BRAILLE + dots) if dots else " "
