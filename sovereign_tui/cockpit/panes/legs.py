"""How long each leg takes: quantiles of a window, and where they lie on a logarithmic line from 1 us to 1 s."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10
from typing import Final

from sovereign_tui.cockpit.frame import Body, Paint, matches, nothing_heard
from sovereign_tui.cockpit.spark import spark
from sovereign_tui.cockpit.text import Row, Span, clean, left, number, right, row

WINDOWS: Final = ("60s", "10s", "start")
_QUANTILES: Final = ("p50", "p90", "p99", "p999", "max")
_DENSITY: Final = "█▓▒░·"
"""From the fastest to p50, then to p90, p99, p99.9 and the longest."""
_DECADES: Final = 6
_NAME: Final = 28
_HINTS: Final = (("o", "window"), ("/", "filter"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """A row a leg, of the window that is chosen."""
    heard = paint.view.metrics
    age_ms = heard.age_ms(paint.now_ns)
    if heard.value is None:
        return Body(rows=nothing_heard("ops", "ops.metrics"), age_ms=age_ms)
    window = paint.state.one_of("window", WINDOWS)
    strip = max(0, min(46, width - _NAME - 5 * 10 - 16))
    shown = [leg for leg in _legs(heard.value.values) if matches(paint.state.query, leg)]
    rows = [_heads(strip), *(_leg(paint, leg, window, heard.value.values, strip) for leg in shown)]
    extra = row(Span("window ", "label"), Span(window, "key"))
    return Body(rows=tuple(rows[:height]), age_ms=age_ms, extra=extra, hints=_HINTS)


def _legs(values: Mapping[str, float]) -> list[str]:
    """The names of the legs, those of the hot path first."""
    suffix = "_start_p50_us"
    names = {name.removesuffix(suffix) for name in values if name.endswith(suffix)}
    first = ("engine.frame_to_publish", "brain.publish_to_decode", "brain.decide", "brain.order_round_trip")
    order = [*first, "engine.gate", "engine.tick_to_order"]
    return [name for name in order if name in names] + sorted(names.difference(order))


def _heads(strip: int) -> Row:
    quantiles = "".join(f"{name:>10}" for name in ("p50", "p90", "p99", "p99.9", "max"))
    line = f"  {'1 µs':<{max(0, strip - 4)}}{'1 s':>4}" if strip > 12 else ""
    return row(Span(f" {'µs':<{_NAME - 1}}{quantiles}{line}", "dim"))


def _leg(paint: Paint, leg: str, window: str, values: Mapping[str, float], strip: int) -> Row:
    prefix = leg if window == "60s" else f"{leg}_{window}"
    found = [values.get(f"{prefix}_{what}_us") for what in _QUANTILES]
    past = [point.value.get(f"{leg}_10s_p99_us", float("nan")) for point in paint.view.metrics_past]
    cells = row(
        left(Span(f" {clean(leg).replace('_', ' ')}", "label"), _NAME),
        *(right(Span(number(value, 0), "unknown" if value is None else "text"), 10) for value in found),
    )  # fmt: skip
    if strip <= 12:
        return cells
    known = [value for value in found if value is not None]
    line = _strip(known, strip) if len(known) == len(found) else ""
    return (*cells, Span("  "), Span(line.ljust(strip), "meter"), Span("  p99 ", "dim"), Span(spark(past, 8), "accent"))


def _strip(quantiles: list[float], width: int) -> str:
    """Where the durations lie: the darker, the more of them."""
    edges = [_place(value, width) for value in quantiles]
    cells = [" "] * width
    begin = max(0, edges[0] - 1)
    for edge, mark in zip(edges, _DENSITY, strict=True):
        for at in range(begin, max(begin + 1, edge)):
            if at < width:
                cells[at] = mark
        begin = max(begin + 1, edge) if edge > begin else begin
    return "".join(cells)


def _place(value_us: float, width: int) -> int:
    return round(max(0.0, min(1.0, log10(max(1.0, value_us)) / _DECADES)) * (width - 1)) + 1
