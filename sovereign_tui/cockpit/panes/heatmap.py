"""What rests in the book, by price and time: the brighter, the more. Two prices a row, the newest at the right."""

from __future__ import annotations

from math import floor, isnan, nan, sqrt
from typing import Final

from schemas.messages import Heatmap
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, age, bounded, clean, clock_text, number, right, row, size
from sovereign_tui.cockpit.theme import HEATS

_AXIS: Final = 11
_SHADES: Final = " ░▒▓█"


def draw(paint: Paint, width: int, height: int) -> Body:
    """The heatmap that the brain tells, cut to what fits around the last price."""
    heard = paint.view.heatmap
    age_ms = heard.age_ms(paint.now_ns)
    heatmap = heard.value
    if heatmap is None:
        return Body(rows=nothing_heard("the brain", "ops.heatmap"), age_ms=age_ms)
    try:
        sizes = heatmap.sizes()
    except ValueError as error:
        return Body(rows=((), row(Span(f"  UNKNOWN: {error}", "unknown"))), age_ms=age_ms)
    peak = size(round(heatmap.peak_contracts, 2))
    extra = row(Span(clean(heatmap.provider), "label"), Span(f"  peak {peak}", "label"))
    if heatmap.unknown or not sizes:
        why = heatmap.unknown or "there is no picture yet"
        return Body(rows=((), row(Span(f"  UNKNOWN: {clean(why)}", "unknown"))), age_ms=age_ms, extra=extra)
    columns = max(0, width - _AXIS)
    rows = _pairs(paint, heatmap, sizes, columns, height - 1)
    return Body(rows=(*rows, _times(heatmap, columns)), age_ms=age_ms, extra=extra)


def level(contracts: float, peak: float) -> int:
    """The brightness of a size, 0 to HEATS - 1: by the root, so that small sizes are seen beside a wall."""
    if not (peak > 0 and contracts > 0):  # NaN, too
        return 0
    return min(HEATS - 1, 1 + int(sqrt(bounded(contracts / peak)) * (HEATS - 1)))


def _pairs(
    paint: Paint, heatmap: Heatmap, sizes: tuple[tuple[float, ...], ...], columns: int, height: int
) -> list[Row]:  # fmt: skip
    """Rows from the highest price down; each cell shows two prices, where there are colours."""
    tick = paint.view.tick.value
    last = tick.last_price if tick is not None else heatmap.first_price + heatmap.bucket * heatmap.rows / 2
    above_first = (last - heatmap.first_price) / heatmap.bucket if heatmap.bucket > 0 else nan
    middle = heatmap.rows // 2 if isnan(above_first) else floor(max(-1.0, min(above_first, float(heatmap.rows))))
    top = min(heatmap.rows - 1, max(2 * height - 1, middle + height))
    peak = heatmap.peak_contracts
    found: list[Row] = []
    for upper in range(top, max(-1, top - 2 * height), -2):
        above = [level(value, peak) for value in sizes[upper][-columns:]] if columns else []
        below = [level(value, peak) for value in sizes[upper - 1][-columns:]] if upper > 0 and columns else []
        cells = _cells(above, below or [0] * len(above), colours=paint.colours)
        price = heatmap.first_price + upper * heatmap.bucket
        here = middle in {upper, upper - 1}
        label = Span(f"{number(price, 1)}{'<' if here else ' '}", "strong" if here else "dim")
        found.append((Span(" " * (columns - len(above))), *cells, right(label, _AXIS)))
    return found


def _cells(above: list[int], below: list[int], *, colours: bool) -> Row:
    """Neighbours of one shade are one span."""
    spans: list[Span] = []
    for upper, lower in zip(above, below, strict=True):
        if colours:
            text, role = "▀", f"shade.{upper}.{lower}"
        else:
            text, role = _SHADES[-(-max(upper, lower) * (len(_SHADES) - 1) // (HEATS - 1))], "text"
        if spans and spans[-1].role == role:
            spans[-1] = Span(spans[-1].text + text, role)
        else:
            spans.append(Span(text, role))
    return tuple(spans)


def _times(heatmap: Heatmap, columns: int) -> Row:
    shown = heatmap.column_ns[-columns:] if columns else ()
    if not shown:
        return ()
    past = age((shown[-1] - shown[0]) / 1_000_000)
    text = f"{clock_text(shown[0])}{'':{max(1, len(shown) - 16)}}{clock_text(shown[-1])}"
    return row(Span(text.rjust(columns)[:columns], "dim"), right(Span(f"{past} ", "dim"), _AXIS))
