"""Trades and ticks for the tests of layer 2, made up and recorded."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.messages import MarketTick, Side, Trade
from tests.support.recordings import recording

S = 1_000_000_000
MS = 1_000_000
T0 = 1_721_347_020 * S
"""A full minute, 2024-07-18 23:57 UTC."""


class Print(NamedTuple):
    """One trade, plain. `bought`: by the taker."""

    trade_id: int
    exchange_ns: int
    price: float
    size: float
    bought: bool


def numbered(rows: Sequence[Print]) -> list[Print]:
    """As a venue would number them: ids rise with time."""
    in_time = sorted(rows, key=lambda row: row.exchange_ns)
    return [row._replace(trade_id=number) for number, row in enumerate(in_time, 1)]


def trade(trade_id: int = 1, exchange_ns: int = T0, price: float = 100.0, size: float = 1.0, **changes: Any) -> Trade:
    side = Side.BUY if changes.pop("bought", True) else Side.SELL
    fields: dict[str, Any] = {
        "instrument": "X", "sequence": 1, "exchange_ns": exchange_ns, "received_ns": exchange_ns, "price": price,
        "size": size, "trade_id": trade_id, "side": side,
    }  # fmt: skip
    return Trade(**(fields | changes))


def as_trade(one: Print) -> Trade:
    return trade(one.trade_id, one.exchange_ns, one.price, one.size, bought=one.bought)


def tick(
    exchange_ns: int = T0, bids: Sequence[tuple[float, float]] = ((100.0, 3.0),),
    asks: Sequence[tuple[float, float]] = ((100.1, 1.0),), *, valid: bool = True, sequence: int = 1,
) -> MarketTick:  # fmt: skip
    nan = float("nan")
    return MarketTick(
        instrument="X", sequence=sequence, exchange_ns=exchange_ns, received_ns=exchange_ns, published_ns=exchange_ns,
        received_mono_ns=1, book_sequence=sequence, book_valid=valid, bid_price=bids[0][0] if bids else nan,
        bid_size=bids[0][1] if bids else nan, ask_price=asks[0][0] if asks else nan,
        ask_size=asks[0][1] if asks else nan, last_price=nan, last_size=nan, last_side=Side.NONE, last_id=0,
        bid_prices=tuple(price for price, _ in bids), bid_sizes=tuple(size for _, size in bids),
        ask_prices=tuple(price for price, _ in asks), ask_sizes=tuple(size for _, size in asks),
    )  # fmt: skip


def okx(instrument: str = "BTC-USDT") -> list[Print]:
    """Trades of the raw OKX capture of 2022-05-13."""
    found: list[Print] = []
    with recording("okx-ws-raw/2022-05-13_public_books-tickers-trades.raw").open() as lines:
        for line in lines:
            if '"channel":"trades"' not in line or '"data"' not in line:
                continue
            message = json.loads(line[line.index("{") :])
            found += [_of_okx(each) for each in message["data"] if each["instId"] == instrument]
    return found


def _of_okx(row: dict[str, str]) -> Print:
    return Print(
        int(row["tradeId"]), int(row["ts"]) * MS, float(row["px"]), float(row["sz"]), row["side"] == "buy"
    )  # fmt: skip


def freqtrade_eth() -> list[Print]:
    """1,000 trades of ETH on 2023-02-02."""
    with recording("book-trade-streams/freqtrade_public_trades_list_eth.csv").open() as lines:
        return [
            Print(
                int(row["id"]), int(row["timestamp"]) * MS, float(row["price"]), float(row["amount"]),
                row["side"] == "buy",
            )
            for row in csv.DictReader(lines)
        ]  # fmt: skip


def binance_usdm(name: str = "binance_usdm_btcusdt_20240718.gz", most: int = 1_000) -> list[Print]:
    """The first trades of a raw futures stream, sizes in contracts of 0.01 BTC."""
    found: list[Print] = []
    with gzip.open(recording(f"book-trade-streams/{name}"), "rt") as lines:
        for line in lines:
            if '"e":"trade"' not in line:
                continue
            data = json.loads(line.partition(" ")[2])["data"]
            if data["X"] == "MARKET" and float(data["q"]) > 0:
                found.append(
                    Print(data["t"], data["T"] * MS, float(data["p"]), round(float(data["q"]) * 100, 3), not data["m"])
                )  # fmt: skip
            if len(found) == most:
                break
    return found


def xrp_eth() -> list[Print]:
    """12,477 trades of XRP/ETH in October 2019."""
    rows = json.loads(gzip.decompress(recording("ohlcv/xrp-eth_trades.json.gz").read_bytes()))
    return [
        Print(int(number), stamp * MS, price, amount, side == "buy")
        for stamp, number, _, side, price, amount, _ in rows
    ]
