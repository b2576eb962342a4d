"""Where each pane is, for a size of the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FULL: Final = (110, 32)
"""Columns and rows from which on all panes of a screen are shown; below, the chosen one alone."""
SINGLE: Final = (72, 18)
"""Below it: header, position and kill line only."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the screen, cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a split: a fixed number of cells, or a share of what is left; never less than `least`."""

    node: Node
    share: float = 1.0
    fixed: int = 0
    least: int = 4


@dataclass(frozen=True, slots=True)
class Split:
    """Parts beside each other (`across`), or one above the other."""

    across: bool
    parts: tuple[Part, ...]


Node = str | Split
"""A pane by its name, or a split."""


def beside(*parts: Part) -> Split:
    """From left to right."""
    return Split(True, parts)


def stacked(*parts: Part) -> Split:
    """From top to bottom."""
    return Split(False, parts)


def place(node: Node, rect: Rect) -> dict[str, Rect]:
    """Each pane's rectangle; together they fill `rect`."""
    if isinstance(node, str):
        return {node: rect}
    sizes = _sizes(node.parts, rect.width if node.across else rect.height)
    places: dict[str, Rect] = {}
    at = rect.x if node.across else rect.y
    for part, size in zip(node.parts, sizes, strict=True):
        inner = Rect(at, rect.y, size, rect.height) if node.across else Rect(rect.x, at, rect.width, size)
        places |= place(part.node, inner)
        at += size
    return places


def panes_of(node: Node) -> tuple[str, ...]:
    """The panes of a layout, in reading order."""
    return (node,) if isinstance(node, str) else tuple(name for part in node.parts for name in panes_of(part.node))


def _sizes(parts: tuple[Part, ...], room: int) -> list[int]:
    """Cells of each part; the sum is `room`. What is missing is taken from the largest, at last below the least."""
    shares = sum(part.share for part in parts if not part.fixed) or 1.0
    free = room - sum(part.fixed for part in parts)
    sizes = [part.fixed or max(part.least, round(free * part.share / shares)) for part in parts]
    excess = sum(sizes) - room
    by_share = sorted(range(len(parts)), key=lambda index: (bool(parts[index].fixed), -parts[index].share))
    if excess < 0:
        sizes[by_share[0]] -= excess
        return sizes
    for floors in ([part.fixed or part.least for part in parts], [0] * len(parts)):
        for index in by_share:
            cut = min(excess, max(0, sizes[index] - floors[index]))
            sizes[index] -= cut
            excess -= cut
    return sizes
