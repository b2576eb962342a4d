"""What the compositor wants to change, as the bytes that a terminal needs for it, and no more.

Textual crops a partial update on the right only, ends each piece with a reset and each row with a line feed; and a
colour costs more than the characters that it colours. So what stays the same from one piece to the next is not said.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_RESET: Final = "\x1b[0m"
_PROBE: Final = "x"
_PLAIN: Final = Style.null()

Piece = tuple[int, int, Strip, int, int]
"""Column and row of the strip's first cell, the strip, and which of its cells: the first, and the one after the last.

Every character of ours takes one cell. Where somebody has typed one that takes two, Textual does the cutting.
"""


def sequence(update: CompositorUpdate, console: Console) -> str:
    """The escape sequences of `update`; empty where it changes nothing."""
    if isinstance(update, ChopsUpdate):
        pieces = _of_chops(update)
    elif isinstance(update, LayoutUpdate):
        pieces = _of_layout(update)
    else:
        return update.render_segments(console)
    return _written(pieces, getattr(console, "_color_system", None) or ColorSystem.TRUECOLOR)


def _of_chops(update: ChopsUpdate) -> Iterator[Piece]:
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < x2 and end > x1:
                yield x, y, strip, max(x, x1) - x, min(end, x2) - x


def _of_layout(update: LayoutUpdate) -> Iterator[Piece]:
    for y, line in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in line:
            yield x, y, strip, 0, strip.cell_length
            x += strip.cell_length


def _written(pieces: Iterator[Piece], colours: ColorSystem) -> str:
    out: list[str] = []
    at: tuple[int, int] | None = None
    known: Style | None = None
    for x, y, strip, first, end in pieces:
        if sum(len(text) for text, _, _ in strip) != strip.cell_length:
            x, strip, first, end = x + first, strip.crop(first, end), 0, end - first  # noqa: PLW2901
        if at != (x + first, y):
            out.append(f"\x1b[{y + 1};{x + first + 1}H")
        cell = 0
        for text, style, _ in strip:
            begun, cell = cell, cell + len(text)
            if cell <= first or not text:
                continue
            if begun >= end:
                break
            wanted = style or _PLAIN
            if wanted is not known and wanted != known:
                out.append(_turn(known, wanted, colours))
                known = wanted
            out.append(text if begun >= first and cell <= end else text[max(0, first - begun) : end - begun])
        at = (x + end, y)
    if known is not None:
        out.append(_RESET)
    return "".join(out)


@lru_cache(maxsize=4_096)
def _turn(known: Style | None, wanted: Style, colours: ColorSystem) -> str:
    """From one style to the next: only the colour that changes, if nothing else does."""
    if known is not None and known.bgcolor == wanted.bgcolor and wanted.color is not None and _same(known, wanted):
        return _codes(Style(color=wanted.color), colours)
    return _RESET + _codes(wanted, colours)


def _same(one: Style, other: Style) -> bool:
    """Whether bold, underline and so on are the same; then a colour alone is the difference."""
    return all(getattr(one, name) == getattr(other, name) for name in _ATTRIBUTES)


_ATTRIBUTES: Final = (
    "bold", "dim", "italic", "underline", "blink", "blink2", "reverse", "conceal", "strike", "underline2", "frame",
    "encircle", "overline", "link",
)  # fmt: skip


def _codes(style: Style, colours: ColorSystem) -> str:
    return style.update_link(None).render(_PROBE, color_system=colours).partition(_PROBE)[0]
