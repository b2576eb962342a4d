"""An unmodified ccxt against the real process: only its URLs are set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import ccxt
import pytest

from engine.exchange.config import DEFAULT_SEED
from engine.exchange.market.history import synthesise
from tests.engine.exchange.real_process import CONSTRUCTOR, SYMBOL, exchange, keys

ISOLATED = {"tdMode": "isolated"}


@pytest.fixture
def okx(tmp_path: Path) -> Iterator[Any]:
    with exchange(tmp_path) as where:
        client = ccxt.okx({**CONSTRUCTOR, **keys(where)})
        client.urls["api"]["rest"] = where["rest"]
        client.load_markets()
        yield client


def picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_markets_clock_and_prices_are_read(okx: Any) -> None:
    market = okx.market(SYMBOL)
    assert picked(market, "id", "type", "linear", "settle", "contractSize", "active") == (
        "BTC-USDT-SWAP", "swap", True, "USDT", 0.01, True,
    )  # fmt: skip
    assert market["precision"] == {"amount": 0.01, "price": 0.1}
    assert okx.currencies["USDT"]["precision"] == 0.01
    assert okx.fetch_status()["status"] == "ok"
    assert abs(okx.fetch_time() - okx.milliseconds()) < 5_000
    book = okx.fetch_order_book(SYMBOL, 5)
    assert book["bids"] == [[63999.9, 100.0, 0], [63999.8, 500.0, 0], [63950.0, 900.0, 0]]
    assert book["asks"] == [[64000.0, 100.0, 0], [64000.1, 500.0, 0], [64050.0, 900.0, 0]]
    (trade,) = okx.fetch_trades(SYMBOL)
    assert picked(trade, "price", "amount", "side", "cost") == (64000.0, 2.5, "buy", 1600.0)
    ticker = okx.fetch_ticker(SYMBOL)
    assert picked(ticker, "last", "bid", "bidVolume", "ask", "askVolume") == (64000.0, 63999.9, 100.0, 64000.0, 100.0)
    assert okx.fetch_mark_price(SYMBOL)["markPrice"] == 64000.0


def test_candles_are_those_of_the_seed_and_pages_join(okx: Any) -> None:
    began = okx.fetch_trades(SYMBOL)[0]["timestamp"] // 60_000 * 60_000
    minutes = [row for row in okx.fetch_ohlcv(SYMBOL, "1m", limit=10) if row[0] < began]
    past = synthesise(DEFAULT_SEED, 639_999)[-len(minutes) :]
    assert len(minutes) >= 7
    assert minutes == [
        [began - (len(past) - n) * 60_000, m.open / 10, m.high / 10, m.low / 10, m.close / 10, m.lots / 10_000]
        for n, m in enumerate(past)
    ]
    five = okx.fetch_ohlcv(SYMBOL, "5m", limit=30)
    assert {after[0] - before[0] for before, after in pairwise(five)} == {300_000}
    since = okx.fetch_ohlcv(SYMBOL, "5m", since=five[0][0], limit=10)
    assert since == five[:10]


def test_funding_is_read(okx: Any) -> None:
    rate = okx.fetch_funding_rate(SYMBOL)
    period = 8 * 3600 * 1000
    assert picked(rate, "fundingRate", "fundingTimestamp", "nextFundingTimestamp", "interval") == (
        0.0001, (okx.milliseconds() // period + 1) * period, (okx.milliseconds() // period + 2) * period, "8h",
    )  # fmt: skip
    history = okx.fetch_funding_rate_history(SYMBOL, limit=3)
    assert [(row["timestamp"], row["fundingRate"]) for row in history] == [
        ((okx.milliseconds() // period - n) * period, 0.0001) for n in (2, 1, 0)
    ]
    tiers = okx.fetch_market_leverage_tiers(SYMBOL, {"marginMode": "isolated"})
    assert picked(tiers[0], "tier", "maintenanceMarginRate", "maxLeverage") == (1, 0.004, 100.0)


def test_the_account_is_read_and_set_up(okx: Any) -> None:
    assert okx.fetch_balance()["USDT"] == {"free": 100000.0, "used": 0.0, "total": 100000.0}
    assert okx.fetch_positions([SYMBOL]) == []
    okx.set_leverage(5, SYMBOL, {"mgnMode": "isolated"})
    leverage = okx.fetch_leverage(SYMBOL, {"mgnMode": "isolated"})
    assert picked(leverage, "marginMode", "longLeverage", "shortLeverage") == ("isolated", 5, 5)
    assert okx.fetch_position_mode(SYMBOL)["hedged"] is False
    assert okx.set_position_mode(False)["data"] == [{"posMode": "net_mode"}]
    assert picked(okx.fetch_trading_fee(SYMBOL), "maker", "taker") == (0.0002, 0.0005)
    with pytest.raises(ccxt.ExchangeError, match="59102"):
        okx.set_leverage(101, SYMBOL, {"mgnMode": "isolated"})


def test_a_resting_order_lives_and_ends(okx: Any) -> None:
    placed = okx.create_order(SYMBOL, "limit", "buy", 1, 63900, {**ISOLATED, "clientOrderId": "first1"})
    assert placed["clientOrderId"] == "first1"
    columns = ("id", "clientOrderId", "status", "side", "type", "price", "amount", "filled", "remaining")
    live = (placed["id"], "first1", "open", "buy", "limit", 63900.0, 1.0, 0.0, 1.0)
    assert picked(okx.fetch_order(placed["id"], SYMBOL), *columns) == live
    assert [picked(order, *columns) for order in okx.fetch_open_orders(SYMBOL)] == [live]
    assert okx.fetch_balance()["USDT"]["used"] == 213.0  # 639 USDT at 3 times
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        okx.create_order(SYMBOL, "limit", "buy", 1, 63900, {**ISOLATED, "clientOrderId": "first1"})
    okx.edit_order(placed["id"], SYMBOL, "limit", "buy", 2, 63901)
    assert picked(okx.fetch_order(None, SYMBOL, {"clOrdId": "first1"}), "price", "amount") == (63901.0, 2.0)
    okx.cancel_order(placed["id"], SYMBOL)
    with pytest.raises(ccxt.OrderNotFound, match="51401"):
        okx.cancel_order(placed["id"], SYMBOL)
    assert okx.fetch_open_orders(SYMBOL) == []
    assert [picked(o, "id", "status", "filled") for o in okx.fetch_canceled_orders(SYMBOL)] == [
        (placed["id"], "canceled", 0.0)
    ]
    both = [okx.create_order(SYMBOL, "limit", "buy", 1, px, ISOLATED)["id"] for px in (63900, 63901)]
    assert [order["id"] for order in okx.cancel_orders(both, SYMBOL)] == both
    armed = okx.cancel_all_orders_after(10_000)["data"][0]
    assert int(armed["triggerTime"]) == int(armed["ts"]) + 10_000


def test_order_types_end_as_they_should(okx: Any) -> None:
    cases: list[tuple[float, float, dict[str, Any], tuple[str, float]]] = [
        (1, 64000, {"postOnly": True}, ("canceled", 0.0)),
        (1, 63999.9, {"postOnly": True}, ("open", 0.0)),
        (101, 64000, {"timeInForce": "FOK"}, ("canceled", 0.0)),
        (1.239, 64000, {}, ("closed", 1.23)),
        (101, 64000, {"timeInForce": "IOC"}, ("canceled", 98.77)),
    ]
    for amount, price, params, ending in cases:
        placed = okx.create_order(SYMBOL, "limit", "buy", amount, price, {**ISOLATED, **params})
        assert picked(okx.fetch_order(placed["id"], SYMBOL), "status", "filled") == ending


def test_a_position_is_opened_protected_seen_and_closed(okx: Any) -> None:
    exits = {"stopLoss": {"triggerPrice": 63000}, "takeProfit": {"triggerPrice": 65000}}
    placed = okx.create_order(SYMBOL, "market", "buy", 3, None, {**ISOLATED, **exits})
    order = okx.fetch_order(placed["id"], SYMBOL)
    assert picked(order, "status", "filled", "average") == ("closed", 3.0, 64000.0)
    assert order["fee"] == {"cost": 0.96, "currency": "USDT"}
    (algo,) = okx.fetch_open_orders(SYMBOL, params={"trigger": True, "ordType": "oco"})
    assert picked(algo, "side", "amount", "stopLossPrice", "takeProfitPrice", "reduceOnly") == (
        "sell", 3.0, 63000.0, 65000.0, True,
    )  # fmt: skip
    position = okx.fetch_position(SYMBOL)
    columns = ("side", "contracts", "entryPrice", "leverage", "marginMode", "unrealizedPnl", "collateral")
    assert picked(position, *columns) == ("long", 3.0, 64000.0, 3.0, "isolated", 0.0, 640.0)
    assert position["liquidationPrice"] == pytest.approx((640 - 1920) / (0.03 * (0.004 + 0.0005 - 1)))
    assert okx.fetch_balance()["USDT"] == {"free": 99359.04, "used": 640.0, "total": 99999.04}
    with pytest.raises(ccxt.ExchangeError, match="51169"):
        okx.create_order(SYMBOL, "market", "sell", 4, None, {**ISOLATED, "reduceOnly": True})
    okx.create_order(SYMBOL, "market", "sell", 1, None, {**ISOLATED, "reduceOnly": True})
    okx.close_position(SYMBOL, None, {"marginMode": "isolated"})
    assert okx.fetch_positions([SYMBOL]) == []
    trades = okx.fetch_my_trades(SYMBOL)
    assert [picked(t, "side", "amount", "price", "takerOrMaker") for t in trades] == [
        ("buy", 3.0, 64000.0, "taker"), ("sell", 1.0, 63999.9, "taker"), ("sell", 2.0, 63999.9, "taker"),
    ]  # fmt: skip
    assert [t["fee"]["cost"] for t in trades] == [0.96, 0.3199995, 0.639999]
    assert [t["info"] for t in trades] == okx.private_get_trade_fills()["data"][::-1]
    closed = okx.fetch_closed_orders(SYMBOL)
    assert [order["id"] for order in closed] == [trade["order"] for trade in trades]
    entries = okx.fetch_ledger("USDT")
    assert entries[-1]["after"] == okx.fetch_balance()["USDT"]["total"]
    assert sum(entry["amount"] for entry in entries) == pytest.approx(entries[-1]["after"] - 100_000)


def test_trigger_orders_wait_are_listed_and_canceled(okx: Any) -> None:
    okx.create_order(SYMBOL, "market", "buy", 3, None, ISOLATED)
    reduce = {**ISOLATED, "reduceOnly": True}
    stop = okx.create_order(SYMBOL, "market", "sell", 1, None, {**reduce, "stopLossPrice": 63500})
    entry = okx.create_order(SYMBOL, "limit", "buy", 1, 63000, {**ISOLATED, "triggerPrice": 63100})
    okx.create_order(SYMBOL, "market", "sell", 1, None, {**reduce, "stopLossPrice": 63500, "takeProfitPrice": 66000})
    trail = okx.create_order(SYMBOL, "market", "sell", 1, None, {**reduce, "trailingPercent": "0.5"})
    (followed,) = okx.fetch_open_orders(SYMBOL, params={"trigger": True, "ordType": "move_order_stop"})
    assert (followed["id"], followed["info"]["callbackRatio"], followed["info"]["moveTriggerPx"]) == (
        trail["id"], "0.005", "63680",
    )  # fmt: skip
    found = okx.fetch_order(stop["id"], SYMBOL, {"trigger": True})
    assert picked(found, "id", "type", "stopLossPrice", "amount") == (stop["id"], "conditional", 63500.0, 1.0)
    listed = okx.fetch_open_orders(SYMBOL, params={"trigger": True})  # ccxt asks for ordType trigger
    assert [picked(order, "id", "triggerPrice", "price") for order in listed] == [(entry["id"], 63100.0, 63000.0)]
    okx.cancel_order(entry["id"], SYMBOL, {"trigger": True})
    okx.cancel_orders([stop["id"]], SYMBOL, {"trigger": True})
    gone = okx.fetch_canceled_orders(SYMBOL, params={"trigger": True, "ordType": "conditional"})
    assert [order["id"] for order in gone] == [stop["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        okx.cancel_order(stop["id"], SYMBOL, {"trigger": True})


def test_refusals_become_the_errors_of_ccxt(okx: Any) -> None:
    cases: list[tuple[type[Exception], str, float, float]] = [
        (ccxt.InsufficientFunds, "51008", 500, 63900),
        (ccxt.InvalidOrder, "51004", 1_000_000, 63900),
        (ccxt.InvalidOrder, "51006", 1, 70000),
    ]
    for error, code, amount, price in cases:
        with pytest.raises(error, match=code):
            okx.create_order(SYMBOL, "limit", "buy", amount, price, ISOLATED)
    with pytest.raises(ccxt.OrderNotFound, match="51603"):
        okx.fetch_order("123", SYMBOL)
    okx.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="50113"):
        okx.fetch_balance()


def test_sandbox_mode_needs_no_more_than_the_test_urls(tmp_path: Path) -> None:
    with exchange(tmp_path, "--rule", "environment=demo") as where:
        client = ccxt.okx({**CONSTRUCTOR, **keys(where)})
        client.urls["api"]["rest"] = where["rest"]
        with pytest.raises(ccxt.AuthenticationError, match="50101"):
            client.fetch_balance()
        client.urls["test"] = {"rest": where["rest"], "ws": where["ws"]}
        client.set_sandbox_mode(True)
        client.load_markets()
        assert client.fetch_balance()["USDT"]["total"] == 100000.0
