"""The built-in heatmap: resting size by price and time, from our own book."""

from __future__ import annotations

from math import isfinite

from brain.order_flow.heat import Heat
from brain.order_flow.providers.protocol import HeatmapSnapshot
from brain.order_flow.units import LARGEST, PRICE_UNITS, SMALLEST
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import MarketTick, Trade
from schemas.settings.order_flow import OrderFlow


class BookHeatmap:
    """Looks at the newest tick when it is asked, at most each `heatmap_update_ms`. Books that are not whole are not
    looked at: what was there fades at the next good one."""

    name = "book"

    def __init__(self, settings: OrderFlow, instrument: str) -> None:
        self._heat = Heat(
            rows=settings.heatmap_rows, columns=settings.heatmap_columns, bucket_bps=settings.heatmap_bucket_bps,
            column_ns=settings.heatmap_column_ms * NS_PER_MS,
            half_life_ns=round(settings.heatmap_half_life_s * NS_PER_S),
        )  # fmt: skip
        self._rows = settings.heatmap_rows
        self._every_ns = settings.heatmap_update_ms * NS_PER_MS
        self._looked_ns: int | None = None
        self._tick: MarketTick | None = None
        self._snapshot: HeatmapSnapshot | None = None

    def on_tick(self, tick: MarketTick) -> None:
        """Kept; the work is done in snapshot()."""
        self._tick = tick

    def on_trade(self, trade: Trade) -> None:
        """Says nothing of what rests."""

    def snapshot(self, now_ns: int) -> HeatmapSnapshot | None:
        """The picture with the newest book in it; None before the first book that was whole."""
        due = self._looked_ns is None or now_ns - self._looked_ns >= self._every_ns or now_ns < self._looked_ns
        tick = self._tick
        if tick is not None and due and tick.exchange_ns > self._heat.updated_ns and is_whole(tick):
            self._looked_ns = now_ns
            self._heat.look(tick.exchange_ns, tick.bid_prices, tick.bid_sizes, tick.ask_prices, tick.ask_sizes)
            self._snapshot = self._frozen()
        return self._snapshot

    def _frozen(self) -> HeatmapSnapshot:
        heat = self._heat
        first, times, values = heat.picture()
        width = heat.width
        return HeatmapSnapshot(
            exchange_ns=heat.updated_ns, bucket=width / PRICE_UNITS, first_price=first * width / PRICE_UNITS,
            rows=self._rows, column_ns=times, values=values,
        )  # fmt: skip


def is_whole(tick: MarketTick) -> bool:
    """Is there a book on both sides, uncrossed, all of it numbers?"""
    bids, asks, sizes = tick.bid_prices, tick.ask_prices, tick.bid_sizes + tick.ask_sizes
    if not tick.book_valid or not bids or not asks or not bids[0] < asks[0]:
        return False
    prices = bids + asks
    return min(prices) >= SMALLEST and isfinite(sum(prices)) and max(prices) <= LARGEST and (
        min(sizes) >= 0 and isfinite(sum(sizes))
    )  # fmt: skip
