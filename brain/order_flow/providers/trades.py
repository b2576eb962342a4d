"""The built-in CVD: from the public trades that the engine publishes."""

from __future__ import annotations

from brain.order_flow.cvd import CvdSeries
from brain.order_flow.providers.protocol import CvdSnapshot
from brain.order_flow.units import units_of
from schemas.messages import FRAME_NS, MarketTick, Side, Trade
from schemas.settings.order_flow import OrderFlow


class TradesCvd:
    """Exact CVD of one instrument since its session began, or since the first trade that was heard in it."""

    name = "trades"

    def __init__(self, settings: OrderFlow, instrument: str) -> None:
        self._series = CvdSeries(
            frame_ns=FRAME_NS[settings.frame], hour_utc=settings.session_hour_utc,
            swing_bars=settings.divergence_bars, keep=settings.keep_bars,
        )  # fmt: skip
        self._newest_ns = 0
        self._snapshot: CvdSnapshot | None = None

    def on_tick(self, tick: MarketTick) -> None:
        """Only its time counts: bars end here, not when somebody looks, so that a replay says the same."""
        if tick.exchange_ns > self._newest_ns:
            self._newest_ns = tick.exchange_ns
            self._series.advance(tick.exchange_ns)

    def on_trade(self, trade: Trade) -> None:
        """One trade."""
        self._series.add(trade.exchange_ns, trade.price, units_of(trade.size), trade.side is Side.BUY, trade.trade_id)
        if trade.exchange_ns > self._newest_ns:
            self._newest_ns = trade.exchange_ns
        self._snapshot = None

    def snapshot(self, now_ns: int) -> CvdSnapshot | None:
        """The CVD at the newest tick or trade; None before the first trade of the session."""
        series = self._series
        if not series.since_ns:
            return None
        last = self._snapshot
        if last is None or last.exchange_ns != self._newest_ns:
            last = self._snapshot = CvdSnapshot(
                self._newest_ns, series.session_ns, series.since_ns, series.contracts, tuple(series.series),
                series.divergence,
            )  # fmt: skip
        return last
