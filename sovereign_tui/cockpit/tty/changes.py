"""Which cells of a row changed. Pure."""

from __future__ import annotations

from typing import Final

from sovereign_tui.cockpit.text import Row, plain

MERGE_CELLS: Final = 10
"""Two changes nearer than this are one: to move the cursor costs as much as the cells between them."""

Stretch = tuple[int, int]
"""First cell, and the one after the last."""


def changed(old: Row, new: Row) -> tuple[Stretch, ...] | None:
    """The stretches of cells in which `new` differs from `old`, left to right; None where the widths differ."""
    before, after = plain(old), plain(new)
    if len(before) != len(after):
        return None
    stretches: list[Stretch] = []
    for x, (a, b, role_a, role_b) in enumerate(zip(before, after, _roles(old), _roles(new), strict=True)):
        if a == b and role_a == role_b:
            continue
        if stretches and x - stretches[-1][1] < MERGE_CELLS:
            stretches[-1] = (stretches[-1][0], x + 1)
        else:
            stretches.append((x, x + 1))
    return tuple(stretches)


def _roles(cells: Row) -> list[str]:
    return [role for span in cells for role in [span.role] * len(span.text)]
