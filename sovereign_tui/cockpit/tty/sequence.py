"""What the compositor wants to change, as the bytes that a terminal needs for it, and no more.

Textual crops a partial update on the right only, ends each piece with a reset and each row with a line feed; and a
colour costs more than the characters that it colours. So what stays the same from one piece to the next is not said,
and what has one style is said together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from rich.cells import cell_len
from rich.color import Color, ColorSystem
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


Run = tuple[int, int, str, Style]
"""Column, row, text, and its style."""


def sequence(update: CompositorUpdate, console: Console) -> str:
    """The escape sequences of `update`; empty where it changes nothing."""
    if isinstance(update, ChopsUpdate):
        runs = _by_style(_runs(_of_chops(update)))
    elif isinstance(update, LayoutUpdate):
        runs = _runs(_of_layout(update))
    else:
        return update.render_segments(console)
    return _written(runs, colours_of(console))


def strokes(runs: Iterable[Run], colours: ColorSystem) -> str:
    """The escape sequences that write these runs; empty where there are none."""
    return _written(_by_style(runs), colours)


def colours_of(console: Console) -> ColorSystem:
    """What the terminal has."""
    return getattr(console, "_color_system", None) or ColorSystem.TRUECOLOR


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


def _runs(pieces: Iterable[Piece]) -> Iterator[Run]:
    """What the pieces say, in one run where the style stays; a blank takes any colour for its text."""
    for x, y, strip, first, end in pieces:
        if sum(len(text) for text, _, _ in strip) != strip.cell_length:
            yield from ((x + at, y, text, style) for at, text, style in _by_cells(strip, first, end))
            continue
        cell, begun, joined, known = 0, 0, "", _PLAIN
        for text, style, _ in strip:
            start, cell = cell, cell + len(text)
            if cell <= first or not text:
                continue
            if start >= end:
                break
            shown = text if start >= first and cell <= end else text[max(0, first - start) : end - start]
            wanted = style or _PLAIN
            if joined and (wanted == known or (shown.isspace() and _blank_alike(known, wanted))):
                joined += shown
            else:
                if joined:
                    yield x + begun, y, joined, known
                begun, joined, known = max(start, first), shown, wanted
        if joined:
            yield x + begun, y, joined, known


def _by_cells(strip: Strip, first: int, end: int) -> Iterator[tuple[int, str, Style]]:
    cell = first
    for segment in strip.crop(first, end):
        yield cell, segment.text, segment.style or _PLAIN
        cell += segment.cell_length


def _by_style(runs: Iterable[Run]) -> Iterator[Run]:
    """Those of one style one after the other: a colour takes three times the bytes of a movement of the cursor."""
    groups: dict[Style, list[Run]] = {}
    for run in runs:
        groups.setdefault(run[3], []).append(run)
    return chain.from_iterable(groups.values())


def _written(runs: Iterable[Run], colours: ColorSystem) -> str:
    out: list[str] = []
    at: tuple[int, int] | None = None
    known: Style | None = None
    for x, y, text, style in runs:
        if at is not None and at[1] == y and x > at[0]:
            out.append(f"\x1b[{x - at[0]}C")
        elif at != (x, y):
            out.append(f"\x1b[{y + 1};{x + 1}H")
        if style is not known and style != known:
            out.append(_turn(known, style, colours))
            known = style
        out.append(text)
        at = (x + (len(text) if text.isascii() else cell_len(text)), y)
    if known is not None:
        out.append(_RESET)
    return "".join(out)


@lru_cache(maxsize=4_096)
def _blank_alike(one: Style, other: Style) -> bool:
    """Whether a space looks the same in both."""
    return one.bgcolor == other.bgcolor and not any(
        style.underline or style.reverse or style.strike or style.underline2 or style.overline for style in (one, other)
    )


@lru_cache(maxsize=4_096)
def _turn(known: Style | None, wanted: Style, colours: ColorSystem) -> str:
    """From one style to the next: only the colour that changes, if nothing else does."""
    ink = _own(wanted.color)
    if known is not None and known.bgcolor == wanted.bgcolor and ink is not None and _same(known, wanted):
        return _codes(Style(color=ink), colours)
    # after a reset the terminal's own colours need not be said: so a screen without colours says none at all
    return _RESET + _codes(wanted.without_color + Style.from_color(ink, _own(wanted.bgcolor)), colours)


def _own(colour: Color | None) -> Color | None:
    """A colour of ours; None where it is the terminal's."""
    return None if colour is None or colour.is_default else colour


def _same(one: Style, other: Style) -> bool:
    """Whether bold, underline and so on are the same; then a colour alone is the difference."""
    return all(getattr(one, name) == getattr(other, name) for name in _ATTRIBUTES)


_ATTRIBUTES: Final = (
    "bold", "dim", "italic", "underline", "blink", "blink2", "reverse", "conceal", "strike", "underline2", "frame",
    "encircle", "overline", "link",
)  # fmt: skip


def _codes(style: Style, colours: ColorSystem) -> str:
    return style.update_link(None).render(_PROBE, color_system=colours).partition(_PROBE)[0]
