"""Numbers and cells as text: aligned, signed, and honest about what is not known. Pure."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final, NamedTuple

from rich.cells import cell_len

from schemas.clock import NS_PER_S

UNKNOWN: Final = "?"
"""What stands where a number is not known; never a zero."""

_LONGEST: Final = 2_000
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"

Number = float | int | Decimal | None


class Span(NamedTuple):  # not a dataclass: thousands a second are made and compared
    """A piece of a row: text of one-cell characters, and the role that the theme colours."""

    text: str
    role: str = "text"


Row = tuple[Span, ...]


def row(*pieces: Span | str) -> Row:
    """A row of spans; a bare text has the ordinary role."""
    return tuple(piece if isinstance(piece, Span) else Span(piece) for piece in pieces if piece != "")


def plain(cells: Row) -> str:
    """The row without its roles."""
    return "".join(span.text for span in cells)


def width_of(cells: Row) -> int:
    """Cells that the row takes: every character of ours takes one."""
    return sum(len(span.text) for span in cells)


def clean(text: str) -> str:
    """Somebody else's text with one cell a character: what is not printable or is wide becomes a question mark.

    What is longer than any row is cut: each frame looks at it again.
    """
    text = text[:_LONGEST]
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() and cell_len(c) == 1 else (" " if c in "\n\t" else "?") for c in text)


def person(issuer: str) -> str:
    """Who did something: `op@pts/2` for `op@/dev/pts/2`."""
    return clean(issuer).replace("@/dev/", "@")


def fit(cells: Row, width: int) -> Row:
    """The row cut or padded to `width`."""
    out: list[Span] = []
    left = width
    for span in cells:
        if left <= 0:
            break
        out.append(span if len(span.text) <= left else Span(span.text[: left - 1] + "…", span.role))
        left -= len(out[-1].text)
    if left > 0:
        out.append(Span(" " * left))
    return tuple(out)


def spread(left: Row, right: Row, width: int) -> Row:
    """`left` and `right` at the two ends of a row; `left` gives way."""
    room = max(0, width - width_of(right))
    return (*fit(left, room), *fit(right, width - room))


def number(value: Number, decimals: int) -> str:
    """Grouped by thousands; UNKNOWN for None and NaN."""
    if value is None or not isfinite(value):
        return UNKNOWN
    return f"{value:,.{decimals}f}"


def size(value: Number) -> str:
    """Contracts: as many decimals as it has, at most two."""
    if value is None or not isfinite(value):
        return UNKNOWN
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")


def signed(value: Number, decimals: int, unit: str = "") -> Span:
    """Sign, and colour that says the same; exactly zero (as shown) is neutral."""
    if value is None or not isfinite(value):
        return Span(UNKNOWN, "unknown")
    text = f"{value:+,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return Span(f"{0:,.{decimals}f}{unit}", "dim")
    return Span(text + unit, "up" if value > 0 else "down")


def right(span: Span | str, width: int) -> Span:
    """Aligned to the right of a column."""
    known = span if isinstance(span, Span) else Span(span, "unknown" if span == UNKNOWN else "text")
    text = known.text if len(known.text) <= width else known.text[: width - 1] + "…"
    return Span(text.rjust(width), known.role)


def left(span: Span | str, width: int) -> Span:
    """Aligned to the left of a column."""
    known = span if isinstance(span, Span) else Span(span, "unknown" if span == UNKNOWN else "text")
    text = known.text if len(known.text) <= width else known.text[: width - 1] + "…"
    return Span(text.ljust(width), known.role)


def age(value_ms: float | None) -> str:
    """An age in the unit that fits, at most six characters: `12 ms`, `4.2 s`, `3 m`, `2 h`."""
    if value_ms is None:
        return UNKNOWN
    if value_ms < 1_000:
        return f"{value_ms:.0f} ms"
    if value_ms < 60_000:
        return f"{value_ms / 1_000:.1f} s"
    minutes = value_ms / 60_000
    return f"{minutes:.0f} m" if minutes < 120 else f"{minutes / 60:.0f} h"


def bounded(share: float) -> float:
    """A share within [0, 1]; 0 for what is no number."""
    return max(0.0, min(1.0, share)) if share == share else 0.0


def bar(share: float, width: int) -> str:
    """A horizontal bar of `share` in [0, 1], in eighths of a cell."""
    eighths = round(bounded(share) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def clock_text(timestamp_ns: int) -> str:
    """UTC time of day, `14:05:09`."""
    seconds = timestamp_ns // NS_PER_S % 86_400
    return f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
