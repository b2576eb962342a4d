"""From what layer 2 knows to the messages that the screens read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Final

from brain.order_flow.footprint import Row
from brain.order_flow.live import FlowScores, FlowView, OrderFlow
from brain.order_flow.units import SMALLEST
from schemas.messages import Flow, FlowMark, FootprintRow, Heatmap, Side, UnknownLayer

MOST_ROWS: Final = 48
"""Footprint rows that are told: those nearest to the last price."""


def heatmap_message(flow: OrderFlow, now_ns: int) -> Heatmap | None:
    """What ops.heatmap says at `now_ns`, the venue's time; None where no heatmap is wanted, or none is there yet."""
    snapshot, guard = flow.heatmap.snapshot(now_ns), flow.heatmap
    if snapshot is None:
        if not guard.failed:
            return None
        return Heatmap(
            timestamp_ns=now_ns, instrument=flow.instrument, provider=guard.name, bucket=0.0, first_price=0.0, rows=0,
            column_ns=(), peak_contracts=0.0, cells=b"", unknown=guard.why_off,
        )  # fmt: skip
    peak = max(snapshot.values, default=0.0)
    return Heatmap(
        timestamp_ns=snapshot.exchange_ns, instrument=flow.instrument, provider=guard.name, bucket=snapshot.bucket,
        first_price=snapshot.first_price, rows=snapshot.rows, column_ns=snapshot.column_ns, peak_contracts=peak,
        cells=cells(snapshot.values, peak),
    )  # fmt: skip


def cells(values: tuple[float, ...], peak: float) -> bytes:
    """A byte for each value in [0, peak]: 255 * sqrt(value / peak), to the nearest; all 0 below SMALLEST."""
    if not peak >= SMALLEST:
        return bytes(len(values))
    scale = 255**2 / peak
    least = 0.25 / scale  # what is half a step or less is 0, and most cells are
    return bytes([int(sqrt(value * scale) + 0.5) if value > least else 0 for value in values])


def flow_message(flow: OrderFlow, scores: FlowScores, now_ns: int) -> Flow:
    """What ops.flow says at `now_ns`, the venue's time."""
    view = flow.view(now_ns)
    cvd, footprint = view.cvd, view.footprint
    unknown = (*scores.unknown, *view.unknown)
    return Flow(
        timestamp_ns=now_ns, instrument=flow.instrument, frame=flow.settings.frame, imbalance=scores.imbalance,
        pressure=scores.pressure,
        cvd_contracts=cvd.contracts if cvd else None,
        cvd_session_ns=cvd.session_ns if cvd else 0,
        cvd_since_ns=cvd.since_ns if cvd else 0,
        cvd_bars=tuple(bar.cvd for bar in cvd.bars) if cvd else (),
        footprint_open_ns=footprint.open_ns if footprint else 0,
        footprint_bucket=footprint.bucket if footprint else 0.0,
        footprint_poc=footprint.poc if footprint else None,
        footprint=nearest(footprint.rows, footprint.close) if footprint else (),
        marks=tuple(_marks(view)),
        counters=view.counters,
        unknown=tuple(UnknownLayer(part=part, reason=reason) for part, reason in unknown),
    )  # fmt: skip


def nearest(rows: tuple[Row, ...], price: float) -> tuple[FootprintRow, ...]:
    """At most MOST_ROWS rows, those whose lower edge is nearest to the price, from the lowest."""
    if len(rows) > MOST_ROWS:
        rows = tuple(sorted(sorted(rows, key=lambda row: abs(row.price - price))[:MOST_ROWS]))
    return tuple(FootprintRow(price=row.price, bought=row.bought, sold=row.sold) for row in rows)


def _marks(view: FlowView) -> Iterator[FlowMark]:
    if large := view.large:
        yield FlowMark(
            kind="large_trade", side=large.side, at_ns=large.exchange_ns, confirmed_ns=large.exchange_ns,
            price=large.price, contracts=large.contracts,
        )  # fmt: skip
    if absorbed := view.absorption:
        yield FlowMark(
            kind="absorption", side=absorbed.taker, at_ns=absorbed.bar_ns, confirmed_ns=absorbed.confirmed_ns,
            price=absorbed.price, contracts=absorbed.contracts,
        )  # fmt: skip
    if view.cvd and (apart := view.cvd.divergence):
        yield FlowMark(
            kind="divergence", side=Side.SELL if apart.bearish else Side.BUY, at_ns=apart.bar_ns,
            confirmed_ns=apart.confirmed_ns, price=apart.price, contracts=None,
        )  # fmt: skip
