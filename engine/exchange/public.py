"""Public data as OKX writes it, for REST and for the channels alike. Pure views of the market."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from engine.exchange.book import Level
from engine.exchange.instrument import INST_ID, INST_TYPE, px_text, sz_text
from engine.exchange.market.candles import MINUTE_MS
from engine.exchange.market.state import MarketState, PublicTrade

FUNDING_PERIOD_MS: Final = 8 * 3600 * 1000
FUNDING_RATE: Final = "0.0001"


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


def funding_row(now_ms: int) -> dict[str, str]:
    """The rate of the running period; the next settlement is at a multiple of 8 h UTC."""
    funding_ms = (now_ms // FUNDING_PERIOD_MS + 1) * FUNDING_PERIOD_MS
    return {
        "instType": INST_TYPE,
        "instId": INST_ID,
        "formulaType": "withRate",
        "fundingRate": FUNDING_RATE,
        "fundingTime": str(funding_ms),
        "nextFundingRate": "",
        "nextFundingTime": str(funding_ms + FUNDING_PERIOD_MS),
        "method": "current_period",
        "minFundingRate": "-0.00375",
        "maxFundingRate": "0.00375",
        "interestRate": "0.0001",
        "impactValue": "20000",
        "premium": "0",
        "settFundingRate": FUNDING_RATE,
        "settState": "settled",
        "ts": str(now_ms),
    }
