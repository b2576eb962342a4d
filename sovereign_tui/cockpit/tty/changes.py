"""Which cells of a row changed. Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import Final

from sovereign_tui.cockpit.text import Row

MERGE_CELLS: Final = 5
"""Two changes nearer than this are one: to move the cursor costs as much as the cells between them."""

Stretch = tuple[int, int]
"""First cell, and the one after the last."""


def changed(old: Row, new: Row) -> tuple[Stretch, ...] | None:
    """The stretches of cells in which `new` differs from `old`, left to right; None where the widths differ."""
    stretches: list[Stretch] = []
    x = 0
    for before, after in zip_longest(old, new):
        if before is None or after is None or len(before.text) != len(after.text):
            return _by_cell(old, new)  # pieces of other lengths: a text that grew, or a row that is another one
        if before.role != after.role:
            _add(stretches, x, x + len(after.text))
        elif before.text != after.text:
            for offset, (a, b) in enumerate(zip(before.text, after.text, strict=True), x):
                if a != b:
                    _add(stretches, offset, offset + 1)
        x += len(after.text)
    return tuple(stretches)


def _by_cell(old: Row, new: Row) -> tuple[Stretch, ...] | None:
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return None
    stretches: list[Stretch] = []
    for x, (a, b) in enumerate(zip(before, after, strict=True)):
        if a != b:
            _add(stretches, x, x + 1)
    return tuple(stretches)


def _add(stretches: list[Stretch], first: int, end: int) -> None:
    """To the last one, if it is near."""
    if stretches and first - stretches[-1][1] < MERGE_CELLS:
        stretches[-1] = (stretches[-1][0], end)
    else:
        stretches.append((first, end))


def _cells(row: Row) -> list[tuple[str, str]]:
    return [(letter, span.role) for span in row for letter in span.text]
