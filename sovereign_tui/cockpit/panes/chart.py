"""Candles with volume, CVD or equity below; position, TP/SL, fills, order blocks, gaps and levels over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.clock import NS_PER_S
from schemas.messages import FRAME_NS, Candle
from sovereign_tui.cockpit.chart.dots import ACROSS, DOWN, Dots
from sovereign_tui.cockpit.chart.overlays import levels_of, marks_of, prices_of, zones_of
from sovereign_tui.cockpit.chart.plot import (
    Bars,
    Price,
    draw_candles,
    draw_line,
    draw_marks,
    draw_prices,
    draw_volume,
    draw_zones,
    fitting,
)
from sovereign_tui.cockpit.chart.scale import Scale, scale_of, ticks
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, clock_text, number, right, row, signed, size

LETTERS: Final = ("braille", "ascii")
"""What dots are made of: the second where a font has no braille."""
BELOW: Final = ("volume", "cvd", "equity", "none")
ZOOMS: Final = (1, 2, 3, 5)
"""Cells of a bar, by the cursor."""
_AXIS: Final = 12
_NARROW_AXIS: Final = 9
_WIDE: Final = 48
_LEAST_FOR_BELOW: Final = 14
_NEAR: Final = 0.6
"""A price that is that much of the range outside of it is taken into the range."""
_HINTS: Final = (("[ ]", "frame"), ("← →", "scroll"), ("↑ ↓", "width"), ("o", "below"))


def frames_of(paint: Paint) -> tuple[str, ...]:
    """The frames that there are candles of, shortest first."""
    return tuple(sorted((frame for frame in paint.view.candles if frame in FRAME_NS), key=FRAME_NS.__getitem__))


def frame_of(paint: Paint) -> str:
    """The frame that is shown; "" while there is none."""
    frames = frames_of(paint)
    chosen = paint.state.choice("frame")
    return chosen if chosen in frames else frames[0] if frames else ""


def draw(paint: Paint, width: int, height: int) -> Body:
    """The chart of one frame."""
    age_ms = paint.view.candle.age_ms(paint.now_ns)
    frame = frame_of(paint)
    columns = width - (_AXIS if width >= _WIDE else _NARROW_AXIS)
    if not frame or columns < 4 or height < 4:
        nothing = nothing_heard("the engine", f"candle.<frame>.{paint.instrument}")
        return Body(rows=nothing, age_ms=age_ms, items=len(ZOOMS))
    series = [point.value for point in paint.view.candles[frame]]
    cells = ZOOMS[min(paint.state.cursor, len(ZOOMS) - 1)]
    back = paint.state.count("back")
    bars = fitting(series, FRAME_NS[frame], columns, cells, back)
    if bars is None:
        return Body(rows=nothing_heard("the engine", f"candle.{frame}"), age_ms=age_ms, items=len(ZOOMS))
    below = paint.state.one_of("below", BELOW) if height >= _LEAST_FOR_BELOW else "none"
    under = 0 if below == "none" else max(3, height // 5)
    axis = width - columns
    rows: list[Row] = [*_prices(paint, bars, frame, Dots(columns, height - under - 1), axis)]
    if under:
        rows += _below(paint, bars, below, Dots(columns, under), axis)
    rows.append(_times(bars, columns, axis))
    return Body(
        rows=tuple(rows), age_ms=age_ms, extra=_extra(frame, bars.candles[-1], back), items=len(ZOOMS), hints=_HINTS
    )


def _extra(frame: str, last: Candle, back: int) -> Row:
    change = (last.close / last.open - 1) * 100 if last.open else 0.0
    earlier = (Span(f" {back} bars back ", "badge.note"), Span(" ")) if back else ()
    return row(
        *earlier, Span(f"{frame} ", "key"), Span(number(last.close, 1), "strong"), " ",
        signed(change, 2, "%"), Span(f"  vol {size(round(last.volume, 2))}", "label"),
    )  # fmt: skip


def _prices(paint: Paint, bars: Bars, frame: str, dots: Dots, axis: int) -> list[Row]:
    lines, height = prices_of(paint), dots.height
    scale = _range(bars.candles, lines, height * DOWN)
    draw_zones(dots, bars, scale, zones_of(paint, frame))
    draw_prices(dots, scale, [*levels_of(paint, frame), *lines])
    draw_candles(dots, bars, scale)
    draw_marks(dots, bars, scale, marks_of(paint, frame))
    labels = {row: Span(_label(line, scale, axis), line.role) for row, line in _placed(lines, scale, height).items()}
    for value in ticks(scale.low, scale.high, max(2, height // 4)):
        tick = Span(_label(Price(name="", price=value, role="dim"), scale, axis), "dim")
        labels.setdefault(scale.row(value) // DOWN, tick)
    return _with_axis(dots, labels, paint, axis)


def _placed(lines: Sequence[Price], scale: Scale, height: int) -> dict[int, Price]:
    """Row -> the line whose label stands there: the last price at its own, the others as near as they can be, in the
    order of their prices. No label hides another, as long as there are rows; then the last of `lines` stay."""
    chosen = sorted(lines[-height:], key=lambda line: -line.price)
    rows = [_edge(scale, line.price, height) for line in chosen]
    anchor = next((index for index, line in enumerate(chosen) if not line.name), 0)
    for index in range(anchor - 1, -1, -1):
        rows[index] = min(rows[index], rows[index + 1] - 1)
    for index in range(anchor + 1, len(rows)):
        rows[index] = max(rows[index], rows[index - 1] + 1)
    for index in range(len(rows)):
        rows[index] = min(max(rows[index], index), height - len(rows) + index)
    return dict(zip(rows, chosen, strict=True))


def _range(candles: Sequence[Candle], lines: Sequence[Price], dots: int) -> Scale:
    """Holds the candles, and the lines that are near them."""
    low, high = min(each.low for each in candles), max(each.high for each in candles)
    near = _NEAR * (high - low)
    more = [line.price for line in lines if low - near <= line.price <= high + near]
    found = scale_of([low, high, *more], dots)
    return found if found is not None else Scale(0.0, 1.0, dots)


def _edge(scale: Scale, price: float, height: int) -> int:
    """The row of a label; what is out of the range stands at its edge."""
    return max(0, min(height - 1, scale.row(price) // DOWN))


def _label(line: Price, scale: Scale, axis: int) -> str:
    arrow = "↑" if line.price > scale.high else "↓" if line.price < scale.low else " "
    text = number(line.price, 1) if axis >= _AXIS else f"{line.price:.{0 if line.name else 1}f}"
    return f"{arrow}{line.name} {text}".replace("  ", " ")


def _with_axis(dots: Dots, labels: dict[int, Span], paint: Paint, axis: int) -> list[Row]:
    ascii_only = paint.state.choice("letters", paint.letters) == LETTERS[1]
    rows = []
    for index, cells in enumerate(dots.rows(ascii_only=ascii_only)):
        label = labels.get(index, Span(""))
        rows.append((*cells, Span(label.text[:axis].ljust(axis), label.role)))
    return rows


def _below(paint: Paint, bars: Bars, below: str, dots: Dots, axis: int) -> list[Row]:
    labels: dict[int, Span] = {0: Span(f" {below}", "label")}
    if below == "volume":
        labels[1] = Span(f" {size(round(draw_volume(dots, bars)))}", "dim")
        return _with_axis(dots, labels, paint, axis)
    points = _cvd(paint, bars) if below == "cvd" else _equity(paint, bars)
    scale = draw_line(dots, points, "accent")
    if scale is None:
        dots.text(1, dots.height // 2, f"{below} UNKNOWN", "unknown")
        return _with_axis(dots, labels, paint, axis)
    labels[1] = Span(f" {size(round(points[-1][1], 2))}"[:axis], "accent")
    return _with_axis(dots, labels, paint, axis)


def _cvd(paint: Paint, bars: Bars) -> list[tuple[int, float]]:
    """The CVD as the flow tells it: at the close of each of its own bars, and now."""
    flow = paint.view.flow.value
    length = None if flow is None else FRAME_NS.get(flow.frame)
    if flow is None or length is None:
        return []
    newest = flow.timestamp_ns // length * length
    points = [
        (_column(bars, newest - (len(flow.cvd_bars) - 1 - index) * length), value)
        for index, value in enumerate(flow.cvd_bars)
    ]
    return points if flow.cvd_contracts is None else [*points, (_column(bars, flow.timestamp_ns), flow.cvd_contracts)]


def _column(bars: Bars, at_ns: int) -> int:
    """The dot column of a time, within its bar too."""
    return (at_ns - bars.candles[0].open_ns) * bars.cells * ACROSS // bars.frame_ns


def _equity(paint: Paint, bars: Bars) -> list[tuple[int, float]]:
    """The equity that this screen has heard of, by the second."""
    return sorted({_column(bars, point.key * NS_PER_S): point.value for point in paint.view.equity}.items())


def _times(bars: Bars, columns: int, axis: int) -> Row:
    text = [" "] * columns
    every = max(1, -(-12 // bars.cells))
    for candle in bars.candles:
        column = bars.column(candle.open_ns) // ACROSS
        if candle.open_ns // bars.frame_ns % every == 0 and column + 5 <= columns:
            text[column : column + 5] = clock_text(candle.open_ns)[:5]
    return row(Span("".join(text), "dim"), right(Span("UTC ", "dim"), axis))
