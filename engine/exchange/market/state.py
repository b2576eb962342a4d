"""The public side of the venue: book, trades, candles, mark price and their one sequence. Pure, times are given."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.exchange.book import Level
from engine.exchange.market.candles import CandleStore
from engine.exchange.market.events import Change
from engine.exchange.market.history import Minute
from engine.exchange.matching import Matcher, Side

_FIRST_SEQ: Final = 333_794_734_980
_FIRST_TRADE_ID: Final = 2_832_749_635
_TRADES_KEPT: Final = 500
_MARK_WEIGHT: Final = 0.05  # the mark follows the mid with a lag of some 20 batches
_DAY_MINUTES: Final = 1440


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One element of the trades channel: ticks, lots, the taker's side, fills grouped, place in the sequence."""

    trade_id: str
    px: int
    lots: int
    side: Side
    ts_ms: int
    count: int
    seq: int


@dataclass(frozen=True, slots=True)
class DayStats:
    """The last 24 hours: ticks, lots."""

    open: int
    high: int
    low: int
    lots: int


class MarketState:
    """What everybody may see. `last_px` and `mark` are ticks."""

    def __init__(
        self, opening: tuple[list[Level], list[Level]], past: Iterable[Minute], now_ms: int, *, own_seq: bool = True
    ) -> None:
        """`own_seq`: each trade takes a number of the sequence; else it carries the book's (unconfirmed)."""
        self.matcher = Matcher()
        bids, asks = opening
        self.matcher.bids.reset(bids)
        self.matcher.asks.reset(asks)
        self.candles = CandleStore(past, now_ms)
        self.trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)
        self.seq = _FIRST_SEQ
        self.ts_ms = now_ms
        self._trade_id = _FIRST_TRADE_ID
        self._own_seq = own_seq
        self._mark = (bids[0].px + asks[0].px) / 2
        self._day: tuple[int, DayStats] | None = None
        self.last_lots = 1

    @property
    def last_px(self) -> int:
        """Price of the last trade."""
        return self.candles.last_px

    @property
    def mark(self) -> int:
        """Mark price; the index is taken to be the same."""
        return round(self._mark)

    def price_limits(self, band: Decimal) -> tuple[int, int]:
        """Highest price of a buy and lowest of a sell (ticks): the mark, plus and minus the band."""
        mark = Decimal(self.mark)
        return int(mark * (1 + band)), int(mark * (1 - band)) + 1

    def record(self, side: Side, px: int, lots: int, count: int, ts_ms: int) -> PublicTrade:
        """A trade happened: it gets its id and its place in the sequence, and enters the candles."""
        if self._own_seq:
            self.seq += 1
        self._trade_id += count
        trade = PublicTrade(str(self._trade_id), px, lots, side, ts_ms, count, self.seq)
        self.trades.append(trade)
        self.candles.trade(px, lots)
        self.last_lots = lots
        return trade

    def next_trade_id(self) -> str:
        """An id for a fill that is no public trade."""
        self._trade_id += 1
        return str(self._trade_id)

    def apply(self, changes: Iterable[Change], ts_ms: int) -> None:
        """The outside book changes."""
        for change in changes:
            half = self.matcher.bids if change.side == "buy" else self.matcher.asks
            half.set_level(change.px, change.lots, change.orders)
        self.touch(ts_ms)
        bid, ask = self.matcher.bids.best_outside(), self.matcher.asks.best_outside()
        if bid is not None and ask is not None:
            self._mark += _MARK_WEIGHT * ((bid.px + ask.px) / 2 - self._mark)

    def touch(self, ts_ms: int) -> None:
        """The visible book changed, by the flow or by a user: the sequence moves on."""
        self.seq += 1
        self.ts_ms = max(self.ts_ms, ts_ms)

    def day(self) -> DayStats:
        """Statistics of the last 24 h: whole minutes and the forming one."""
        forming = self.candles.forming("1m")
        if self._day is None or self._day[0] != forming.ts_ms:
            rows = self.candles.minutes(_DAY_MINUTES - 1) or [forming]
            stats = DayStats(
                rows[0].open, max(r.high for r in rows), min(r.low for r in rows), sum(r.lots for r in rows)
            )
            self._day = (forming.ts_ms, stats)
        whole = self._day[1]
        return DayStats(
            whole.open, max(whole.high, forming.high), min(whole.low, forming.low), whole.lots + forming.lots
        )
