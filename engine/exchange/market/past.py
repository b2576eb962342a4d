"""The real past of a market that is followed: OKX's one-minute candles of the last day, over its public REST.

Source: OKX API guide, "Get candlesticks": newest first, `after` is older than, the newest 1,440 rows, 300 a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import aiohttp
import orjson

from engine.exchange.instrument import INST_ID, lots_of, ticks_of
from engine.exchange.market.candles import MINUTE_MS, open_time
from engine.exchange.market.history import Minute

PAGES: Final = 5
_ROWS: Final = 300
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class PastError(Exception):
    """The past cannot be had; the message says why."""


def minutes_of(rows: Sequence[Sequence[str]], now_ms: int) -> list[Minute]:
    """Whole minutes without a hole up to the one that is forming; one without a trade stands at the close before.

    Raises: PastError, for rows that are no candles, or none at all.
    """
    try:
        known = {int(row[0]): _minute(row) for row in rows if row[8] == "1"}
    except (ValueError, IndexError, InvalidOperation, TypeError) as error:
        raise PastError(f"not candles as OKX writes them ({error})") from None
    end = open_time("1m", now_ms)
    first = min((ts for ts in known if ts < end), default=None)
    if first is None:
        raise PastError("no candle that is final")
    filled: list[Minute] = []
    for ts in range(first, end, MINUTE_MS):
        filled.append(known.get(ts) or _flat(filled[-1].close))
    return filled


async def fetch(base_url: str, now_ms: int) -> list[Minute]:
    """The last day, in minutes. Raises: PastError."""
    rows: list[list[str]] = []
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        query = {"instId": INST_ID, "bar": "1m", "limit": str(_ROWS)}
        for _ in range(PAGES):
            page = await _page(http, f"{base_url}/api/v5/market/candles", query)
            rows += page
            if len(page) < _ROWS:
                break
            query = {**query, "after": page[-1][0]}
    return minutes_of(rows, now_ms)


async def _page(http: aiohttp.ClientSession, url: str, query: Mapping[str, str]) -> list[list[str]]:
    try:
        async with http.get(url, params=query) as answer:
            envelope = orjson.loads(await answer.read())
        if envelope["code"] != "0":
            raise PastError(f"{url}: {envelope['code']} {envelope.get('msg', '')}")
        rows: list[list[str]] = envelope["data"]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise PastError(f"{url}: no answer ({type(error).__name__})") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise PastError(f"{url}: not an answer of OKX") from None
    return rows


def _minute(row: Sequence[str]) -> Minute:
    opened, high, low, close = (ticks_of(text) for text in row[1:5])
    return Minute(opened, high, low, close, lots_of(row[5]), int(Decimal(row[7]).scaleb(5)))


def _flat(px: int) -> Minute:
    return Minute(px, px, px, px, 0, 0)
