"""What is drawn into the dots: candles, bars of volume, a line; zones and prices that are laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from schemas.messages import Candle
from sovereign_tui.cockpit.chart.dots import ACROSS, DOWN, Dots
from sovereign_tui.cockpit.chart.scale import Scale, scale_of
from sovereign_tui.cockpit.text import bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A range of prices from a time on: an order block, a gap. `name`: what stands beside it."""

    top: float
    bottom: float
    since_ns: int
    direction: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A line at one price, with its name at the axis."""

    name: str
    price: float
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something at a time and a price: a fill, a break of structure."""

    at_ns: int
    price: float
    text: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The candles that are shown, oldest first, and how wide each is, in cells."""

    candles: Sequence[Candle]
    frame_ns: int
    cells: int

    def column(self, at_ns: int) -> int:
        """The first dot column of the bar that holds this time; outside of what is shown: outside of the columns."""
        first = self.candles[0].open_ns
        return (at_ns - first) // self.frame_ns * self.cells * ACROSS


def fitting(candles: Sequence[Candle], frame_ns: int, columns: int, cells: int, back: int) -> Bars | None:
    """The newest bars that fit into so many columns of cells, `back` bars before the end; None if there are none.

    A bar that is missing leaves its place empty.
    """
    end = len(candles) - min(back, max(0, len(candles) - 1))
    most = max(1, columns // cells)
    shown = [each for each in candles[max(0, end - most) : end] if all(map(isfinite, _numbers(each)))]
    if not shown:
        return None
    oldest = shown[-1].open_ns - (most - 1) * frame_ns
    return Bars(candles=[each for each in shown if each.open_ns >= oldest], frame_ns=frame_ns, cells=cells)


def _numbers(candle: Candle) -> tuple[float, ...]:
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def direction(candle: Candle) -> str:
    """The role of a candle."""
    return "up" if candle.close >= candle.open else "down"


def draw_candles(dots: Dots, bars: Bars, scale: Scale) -> None:
    """Wick and body; a rising body is full, a falling one has every second row of dots."""
    width = bars.cells * ACROSS
    body = width if bars.cells == 1 else width - 1
    for candle in bars.candles:
        left, role = bars.column(candle.open_ns), direction(candle)
        dots.upright(left + (body - 1) // 2, scale.row(candle.high), scale.row(candle.low), role)
        top, bottom = sorted((scale.row(candle.open), scale.row(candle.close)))
        for x in range(left, left + body):
            dots.upright(x, top, bottom, role, 1 if role == "up" else 2)


def draw_volume(dots: Dots, bars: Bars) -> float:
    """Bars from the bottom; returns the volume of the highest."""
    most = max((candle.volume for candle in bars.candles), default=0.0)
    height = dots.height * DOWN
    width = bars.cells * ACROSS
    for candle in bars.candles if most > 0 else ():
        left, rows = bars.column(candle.open_ns), round(bounded(candle.volume / most) * height)
        for x in range(left, left + (width if bars.cells == 1 else width - 1)):
            dots.upright(x, height - rows, height - 1, f"{direction(candle)}")
    return most


def draw_line(dots: Dots, points: Sequence[tuple[int, float]], role: str) -> Scale | None:
    """Points of (dot column, value), joined where they are within; a NaN is a gap. None: there is no point."""
    shown = [(x, value) for x, value in points if 0 <= x < dots.width * ACROSS]
    scale = scale_of((value for _, value in shown), dots.height * DOWN)
    if scale is None:
        return None
    before: tuple[int, int] | None = None
    for x, value in shown:
        here = (x, scale.row(value)) if isfinite(value) else None
        if here is not None:
            dots.line(*(before or here), *here, role)
        before = here
    return scale


def draw_zones(dots: Dots, bars: Bars, scale: Scale, zones: Sequence[Zone]) -> None:
    """As grounds, from where each began to the right end; the name stands where no candle and no other name is."""
    right = dots.width * ACROSS - 1
    taken = _cells_of_candles(bars, scale)
    for zone in zones:
        top, bottom = scale.row(min(zone.top, scale.high)), scale.row(max(zone.bottom, scale.low))
        left = max(0, bars.column(zone.since_ns))
        if top <= bottom and zone.bottom <= scale.high and zone.top >= scale.low and left <= right:
            dots.ground(top, bottom, left, right, "up.on" if zone.direction > 0 else "down.on")
            rows = range(max(0, top // DOWN), min(dots.height - 1, bottom // DOWN) + 1)
            place = _free_place(taken, rows, left // ACROSS, dots.width - 1, len(zone.name))
            if place is not None:
                column, row = place
                dots.text(column, row, zone.name, "up" if zone.direction > 0 else "down")
                taken |= {(column + index, row) for index in range(-1, len(zone.name) + 1)}


def _cells_of_candles(bars: Bars, scale: Scale) -> set[tuple[int, int]]:
    """(column, row) of each cell that a candle stands in."""
    return {
        (column + index, row)
        for candle in bars.candles
        for column in (bars.column(candle.open_ns) // ACROSS,)
        for index in range(bars.cells)
        for row in range(scale.row(candle.high) // DOWN, scale.row(candle.low) // DOWN + 1)
    }


def _free_place(
    taken: set[tuple[int, int]], rows: range, first: int, end: int, length: int
) -> tuple[int, int] | None:  # fmt: skip
    """Where so many cells are free: the most to the right, in a row as near the middle as can be. None: nowhere."""
    middle = (rows.start + rows.stop - 1) / 2
    for row in sorted(rows, key=lambda each: abs(each - middle)):
        for column in range(end - length, first - 1, -1):
            if not any((column + index, row) in taken for index in range(length)):
                return column, row
    return None


def draw_prices(dots: Dots, scale: Scale, prices: Sequence[Price]) -> None:
    """A dotted line each."""
    for price in prices:
        if scale.holds(price.price):
            dots.level(scale.row(price.price), 0, dots.width * ACROSS - 1, price.role, 4)


def draw_marks(dots: Dots, bars: Bars, scale: Scale, marks: Sequence[Mark]) -> None:
    """A character or two at the bar and the price."""
    for mark in marks:
        column = bars.column(mark.at_ns)
        if scale.holds(mark.price) and 0 <= column < dots.width * ACROSS:
            dots.text(column // ACROSS, scale.row(mark.price) // DOWN, mark.text, mark.role)
