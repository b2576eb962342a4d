"""Recorded markets as the brain gets them: ticks and trades of an instrument, candles of a frame."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import UTC, datetime
from math import nan
from pathlib import Path

import msgspec

from engine.exchange.market.recording import Recording
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import FRAME_NS, Candle, MarketTick, Side, Trade

INSTRUMENT = "BTC-USDT-SWAP"
BTC_2023 = ("binance_usdm_btcusdt_20230404.dat.gz", "binance_usdm_btcusdt_20230405.dat.gz")
BTC_2024 = ("binance_usdm_btcusdt_20240718.gz", "binance_usdm_btcusdt_20240719.gz")
START_NS = 1_700_000_100 * 1_000_000_000 // FRAME_NS["1H"] * FRAME_NS["1H"]


class _Side:
    """Prices in ticks of one side; `sign` -1 for bids, so that the best is always first."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self._keys: list[int] = []
        self._lots: dict[int, int] = {}

    def put(self, px: int, lots: int) -> None:
        key = self.sign * px
        if lots and key not in self._lots:
            insort(self._keys, key)
        elif not lots and key in self._lots:
            del self._keys[bisect_left(self._keys, key)]
            del self._lots[key]
        if lots:
            self._lots[key] = lots

    def top(self, levels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        keys = self._keys[:levels]
        return tuple(self.sign * key / 10 for key in keys), tuple(self._lots[key] / 100 for key in keys)


def market(paths: tuple[Path, ...], *, levels: int = 20) -> Iterator[MarketTick | Trade]:
    """What a recording says, in order: each trade before the tick that shows it. Venue's time from START_NS on."""
    recording = Recording(paths, 1.0, lambda why: None)
    bids, asks = _Side(-1), _Side(1)
    for side, rows in zip((bids, asks), recording.opening(), strict=True):
        for level in rows:
            side.put(level.px, level.lots)
    trade_id = 0
    last = (nan, nan, Side.NONE)
    for number, batch in enumerate(recording.due(2**62), 1):
        now_ns = START_NS + batch.at_ns
        for told in batch.prints:
            trade_id += told.makers
            last = (told.px / 10, told.lots / 100, Side.BUY if told.side == "buy" else Side.SELL)
            yield Trade(
                instrument=INSTRUMENT, sequence=trade_id, exchange_ns=now_ns, received_ns=now_ns, price=last[0],
                size=last[1], trade_id=trade_id, side=last[2], count=told.makers,
            )  # fmt: skip
        for change in batch.changes:
            (bids if change.side == "buy" else asks).put(change.px, change.lots)
        (bid_prices, bid_sizes), (ask_prices, ask_sizes) = bids.top(levels), asks.top(levels)
        yield MarketTick(
            instrument=INSTRUMENT, sequence=number, exchange_ns=now_ns, received_ns=now_ns, published_ns=now_ns,
            received_mono_ns=now_ns, book_sequence=number, book_valid=bid_prices[0] < ask_prices[0],
            bid_price=bid_prices[0], bid_size=bid_sizes[0], ask_price=ask_prices[0], ask_size=ask_sizes[0],
            last_price=last[0], last_size=last[1], last_side=last[2], last_id=trade_id, bid_prices=bid_prices,
            bid_sizes=bid_sizes, ask_prices=ask_prices, ask_sizes=ask_sizes,
        )  # fmt: skip


def candles(path: Path, frame: str) -> list[Candle]:
    """A recorded series, oldest first; its times are in a column `ts_ms`, `unix` (s) or `timestamp` (UTC)."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = list(csv.DictReader(file))
    return [
        Candle(
            instrument=INSTRUMENT, frame=frame, sequence=1, open_ns=_time_ns(row), received_ns=1,
            open=float(row["open"]), high=float(row["high"]), low=float(row["low"]), close=float(row["close"]),
            volume=float(row["volume"]), confirmed=True,
        )
        for row in rows
    ]  # fmt: skip


def _time_ns(row: dict[str, str]) -> int:
    if "ts_ms" in row:
        return int(row["ts_ms"]) * NS_PER_MS
    if "unix" in row:
        return int(row["unix"]) * NS_PER_S
    return int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()) * NS_PER_S


def joined(bars: list[Candle], frame: str) -> list[Candle]:
    """The same series in a longer frame: whole candles alone, the first may begin late."""
    length = FRAME_NS[frame]
    found: list[Candle] = []
    for bar in bars:
        open_ns = bar.open_ns // length * length
        if found and found[-1].open_ns == open_ns:
            last = found[-1]
            found[-1] = msgspec.structs.replace(
                last, high=max(last.high, bar.high), low=min(last.low, bar.low), close=bar.close,
                volume=last.volume + bar.volume,
            )  # fmt: skip
        else:
            found.append(msgspec.structs.replace(bar, frame=frame, open_ns=open_ns))
    return found[:-1]
