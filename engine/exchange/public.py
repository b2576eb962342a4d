"""Public data as OKX writes it, for REST and for the channels alike. Pure views of the market."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.exchange.book import Level
from engine.exchange.instrument import INST_FAMILY, INST_ID, INST_TYPE, px_text, sz_text
from engine.exchange.market.candles import MINUTE_MS
from engine.exchange.market.state import MarketState, PublicTrade


def level_rows(levels: Sequence[Level]) -> list[list[str]]:
    """Price, contracts, the retired "0", order count."""
    return [[px_text(level.px), sz_text(level.lots), "0", str(level.orders)] for level in levels]


def trade_row(trade: PublicTrade) -> dict[str, Any]:
    """One element of trades; seqId is an integer."""
    return {
        "instId": INST_ID,
        "tradeId": trade.trade_id,
        "px": px_text(trade.px),
        "sz": sz_text(trade.lots),
        "side": trade.side,
        "ts": str(trade.ts_ms),
        "count": str(trade.count),
        "source": "0",
        "seqId": trade.seq,
    }


def ticker_row(market: MarketState, now_ms: int) -> dict[str, str]:
    """Last price, touch and 24 h statistics. volCcy24h is in BTC, vol24h in contracts."""
    bid, ask = market.matcher.bids.top(1), market.matcher.asks.top(1)
    day = market.day()
    minutes = market.candles.minutes((now_ms // MINUTE_MS) % 1440 + 1)
    return {
        "instType": INST_TYPE,
        "instId": INST_ID,
        "last": px_text(market.last_px),
        "lastSz": sz_text(market.last_lots),
        "askPx": px_text(ask[0].px) if ask else "",
        "askSz": sz_text(ask[0].lots) if ask else "",
        "bidPx": px_text(bid[0].px) if bid else "",
        "bidSz": sz_text(bid[0].lots) if bid else "",
        "open24h": px_text(day.open),
        "high24h": px_text(day.high),
        "low24h": px_text(day.low),
        "volCcy24h": format(Decimal(day.lots).scaleb(-4).normalize(), "f"),
        "vol24h": sz_text(day.lots),
        "sodUtc0": px_text(minutes[0].open if minutes else market.last_px),
        "sodUtc8": px_text(market.candles.forming("1D").open),
        "ts": str(now_ms),
    }


def mark_row(market: MarketState, now_ms: int) -> dict[str, str]:
    """Mark price."""
    return {"instType": INST_TYPE, "instId": INST_ID, "markPx": px_text(market.mark), "ts": str(now_ms)}


def index_row(market: MarketState, now_ms: int) -> dict[str, str]:
    """The index under the swap; it is taken to be the mark price."""
    day = market.day()
    ticker = ticker_row(market, now_ms)
    return {
        "instId": INST_FAMILY,
        "idxPx": px_text(market.mark),
        "high24h": px_text(day.high),
        "low24h": px_text(day.low),
        "open24h": px_text(day.open),
        "sodUtc0": ticker["sodUtc0"],
        "sodUtc8": ticker["sodUtc8"],
        "ts": str(now_ms),
    }


def single_fill_rows(trade: PublicTrade) -> list[dict[str, Any]]:
    """The fills of a trade one by one, for trades-all: as equal as whole lots allow, ids up to the trade's own."""
    count = min(trade.count, trade.lots)
    last_id, each = int(trade.trade_id), trade.lots // count
    sizes = [each] * (count - 1) + [trade.lots - each * (count - 1)]
    return [
        {
            "instId": INST_ID,
            "tradeId": str(last_id - count + number),
            "px": px_text(trade.px),
            "sz": sz_text(lots),
            "side": trade.side,
            "ts": str(trade.ts_ms),
            "source": "0",
            "seqId": trade.seq,
        }
        for number, lots in enumerate(sizes, 1)
    ]


def limit_row(market: MarketState, band: Decimal, now_ms: int) -> dict[str, Any]:
    """Highest buy and lowest sell."""
    highest, lowest = market.price_limits(band)
    return {
        "instType": INST_TYPE,
        "instId": INST_ID,
        "buyLmt": px_text(highest),
        "sellLmt": px_text(lowest),
        "ts": str(now_ms),
        "enabled": True,
    }
