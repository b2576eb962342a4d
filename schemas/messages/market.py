"""Market data as the engine publishes it. Prices in quote currency, sizes in contracts, times in ns since 1970 UTC."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

from schemas.clock import NS_PER_S

FRAME_NS: Final[dict[str, int]] = {
    "1m": 60 * NS_PER_S,
    "3m": 180 * NS_PER_S,
    "5m": 300 * NS_PER_S,
    "15m": 900 * NS_PER_S,
    "30m": 1_800 * NS_PER_S,
    "1H": 3_600 * NS_PER_S,
    "4H": 14_400 * NS_PER_S,
}
"""Length of a candle by the venue's name of its time frame, ns."""


class Side(IntEnum):
    """Who took: NONE where there was no trade."""

    NONE = 0
    BUY = 1
    SELL = 2


class MarketTick(msgspec.Struct, frozen=True, gc=False):
    """Top of the book and the last trade of one instrument at one frame of the venue.

    `exchange_ns` is the venue's clock; `received_ns` and `published_ns` are the engine's wall clock;
    `received_mono_ns` is the machine's monotonic clock. An absent price or size is NaN; zero is a number.
    `bid_prices[0]` is the best bid; the four tuples hold the filled levels only, at most N.
    """

    instrument: str
    sequence: int
    exchange_ns: int
    received_ns: int
    published_ns: int
    received_mono_ns: int
    book_sequence: int
    book_valid: bool
    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float
    last_price: float
    last_size: float
    last_side: Side
    last_id: int
    bid_prices: tuple[float, ...]
    bid_sizes: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_sizes: tuple[float, ...]


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One public trade; `side` is the taker's. It stands for `count` ids up to its own; 0: not said."""

    instrument: str
    sequence: int
    exchange_ns: int
    received_ns: int
    price: float
    size: float
    trade_id: int
    side: Side
    count: int = 0


class TradeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The latest public trades, oldest first. Of those with a higher id than `since_id` none is missing.

    Each row has the `sequence` and `received_ns` of the history.
    """

    instrument: str
    sequence: int
    received_ns: int
    since_id: int
    trades: tuple[Trade, ...]


class Candle(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candle of one time frame; `open_ns` is the start of the bar. Not `confirmed`: it still changes."""

    instrument: str
    frame: str
    sequence: int
    open_ns: int
    received_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    confirmed: bool


class CandleHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The confirmed candles of one frame, oldest first: what a newcomer needs to begin."""

    instrument: str
    frame: str
    sequence: int
    received_ns: int
    candles: tuple[Candle, ...]
