"""Who takes: pressure, CVD, the footprint of the running bar, and what was worth a mark."""

from __future__ import annotations

from itertools import zip_longest
from typing import Final

from schemas.messages import Flow, FlowMark, FootprintRow, Side
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.spark import spark
from sovereign_tui.cockpit.text import Row, Span, bar, clean, clock_text, fit, left, number, right, row, signed, size

_HALF: Final = 44
_METER: Final = 20
_SIDES: Final = {Side.BUY: Span("▲ buy ", "up"), Side.SELL: Span("▼ sell", "down")}


def draw(paint: Paint, width: int, height: int) -> Body:
    """The state of layer 2."""
    heard = paint.view.flow
    age_ms = heard.age_ms(paint.now_ns)
    flow = heard.value
    if flow is None:
        return Body(rows=nothing_heard("the brain", "ops.flow"), age_ms=age_ms)
    shares = [_share("imbalance", flow.imbalance, "book"), _share("pressure", flow.pressure, "trades")]
    head = [*shares, _cvd(flow, min(width, 2 * _HALF))]
    head += [row(Span(f" UNKNOWN {clean(each.part)}: {clean(each.reason)}", "unknown")) for each in flow.unknown]
    footprint, marks = _footprint(flow, height), _marks(flow)
    if width >= 2 * _HALF:
        both = zip_longest(footprint, marks, fillvalue=())
        rows = [(*fit(one, _HALF), *other) for one, other in both]
    else:
        rows = [*footprint[: max(3, (height - len(head)) // 2)], *marks]
    extra = row(Span(f"bars of {clean(flow.frame)}", "label"))
    return Body(rows=tuple([*head, *rows][:height]), age_ms=age_ms, extra=extra)


def _share(name: str, share: float | None, of: str) -> Row:
    """A share in [0, 1]: the buyers' part of the meter is full."""
    label = left(Span(f" {name}", "label"), 12)
    if share is None:
        return row(label, Span("?", "unknown"))
    role = "up" if share > 0.6 else "down" if share < 0.4 else "text"
    return row(
        label, Span(bar(share, _METER), role), Span(f" {share * 100:3.0f}% ", role),
        Span(f"bid share of the {of}" if of == "book" else "buy share of the volume", "dim"),
    )  # fmt: skip


def _cvd(flow: Flow, width: int) -> Row:
    label = left(Span(" CVD", "label"), 12)
    if flow.cvd_contracts is None:
        return row(label, Span("?", "unknown"))
    line = spark([*flow.cvd_bars, flow.cvd_contracts], max(4, width - 30))
    return row(label, right(signed(flow.cvd_contracts, 1), 11), " ", Span(line, "accent"))


def _footprint(flow: Flow, height: int) -> list[Row]:
    heads = f" footprint {clock_text(flow.footprint_open_ns)[:5]}{'sold':>10}{'bought':>9}"
    rows = [row(Span(heads, "dim"))]
    shown = sorted(flow.footprint, key=lambda each: -each.price)[: max(0, height - 4)]
    return rows + [_bucket(each, flow) for each in shown]


def _bucket(each: FootprintRow, flow: Flow) -> Row:
    most = flow.footprint_poc is not None and each.price == flow.footprint_poc
    return row(
        right(Span(number(each.price, 1), "strong" if most else "text"), 13), Span(" POC" if most else "    ", "key"),
        right(Span(size(round(each.sold, 2)), "down"), 9), right(Span(size(round(each.bought, 2)), "up"), 9),
    )  # fmt: skip


def _marks(flow: Flow) -> list[Row]:
    rows = [row(Span(" marks", "dim"))]
    newest = sorted(flow.marks, key=lambda mark: -mark.confirmed_ns)
    return rows + [_mark(mark) for mark in newest] if newest else [*rows, row(Span(" none yet", "dim"))]


def _mark(mark: FlowMark) -> Row:
    amount = "" if mark.contracts is None else f" {size(round(mark.contracts, 2))}"
    return row(
        Span(f" {clock_text(mark.confirmed_ns)} ", "dim"), left(Span(clean(mark.kind).replace("_", " ")), 12), " ",
        _SIDES.get(mark.side, Span("·     ", "dim")), Span(f" {number(mark.price, 1)}{amount}"),
    )  # fmt: skip
