"""An unmodified ccxt.pro against the real process: it watches, and trades over the websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.engine.exchange.real_process import CONSTRUCTOR, SYMBOL, exchange, keys

CROSS = {"tdMode": "cross"}


def told(tmp_path: Path, story: Callable[[Any], Awaitable[None]], *, sandbox: bool = False) -> None:
    async def tell(where: dict[str, str]) -> None:
        client = ccxt.pro.okx({**CONSTRUCTOR, **keys(where)})
        for urls in (client.urls["test"], client.urls["api"]):
            urls["rest"], urls["ws"] = where["rest"], where["ws"]
        client.set_sandbox_mode(sandbox)
        try:
            async with asyncio.timeout(30):
                await client.load_markets()
                await story(client)
        finally:
            await client.close()

    with exchange(tmp_path) as where:
        asyncio.run(tell(where))


async def until(look: Callable[[], Any], wanted: Callable[[Any], Any]) -> Any:
    """What ccxt keeps, as soon as it is wanted; a push between two looks is not lost that way."""
    while not wanted(look()):
        await asyncio.sleep(0.02)
    return look()


def subscribed(okx: Any, path: str) -> list[str]:
    """What ccxt has subscribed to on a path."""
    return [name for url, client in okx.clients.items() if url.endswith(path) for name in client.subscriptions]


def picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_the_book_follows_ones_own_orders(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        book = await okx.watch_order_book(SYMBOL)
        assert [list(level[:2]) for level in book["bids"]] == [[63999.9, 100.0], [63999.8, 500.0], [63950.0, 900.0]]
        assert [list(level[:2]) for level in book["asks"]] == [[64000.0, 100.0], [64000.1, 500.0], [64050.0, 900.0]]
        await okx.create_order(SYMBOL, "limit", "buy", 2, 63960, CROSS)
        await okx.create_order(SYMBOL, "market", "buy", 100, None, CROSS)
        book = await until(lambda: okx.orderbooks[SYMBOL], lambda b: b["asks"][0][0] == 64000.1)
        assert [list(level[:2]) for level in book["bids"]] == [
            [63999.9, 100.0], [63999.8, 500.0], [63960.0, 2.0], [63950.0, 900.0],
        ]  # fmt: skip
        assert [list(level[:2]) for level in book["asks"]] == [[64000.1, 500.0], [64050.0, 900.0]]
        five = await okx.watch_order_book(SYMBOL, 5)
        assert five["asks"][0][:2] == [64000.1, 500.0]

    told(tmp_path, story)


def test_trades_ticker_and_candles_are_watched(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        ticker = await okx.watch_ticker(SYMBOL)
        assert picked(ticker, "last", "bid", "ask") == (64000.0, 63999.9, 64000.0)
        candles = await okx.watch_ohlcv(SYMBOL, "5m")
        assert (candles[-1][0] % 300_000, candles[-1][4]) == (0, 64000.0)
        volume = candles[-1][5]
        waiting = asyncio.ensure_future(okx.watch_trades(SYMBOL))
        await until(lambda: subscribed(okx, "public"), lambda names: any("trades" in name for name in names))
        assert await okx.watch_order_book(SYMBOL)  # its snapshot comes after the trades were subscribed to
        await okx.create_order(SYMBOL, "limit", "sell", 100, 63999.9, {**CROSS, "timeInForce": "IOC"})
        (trade,) = await waiting
        assert picked(trade, "price", "amount", "side") == (63999.9, 100.0, "sell")
        ticker = await until(lambda: okx.tickers[SYMBOL], lambda t: t["last"] == 63999.9)
        assert picked(ticker, "bid", "ask") == (63999.8, 64000.0)
        candles = await until(lambda: okx.ohlcvs[SYMBOL]["5m"], lambda rows: rows[-1][4] == 63999.9)
        volumes = [row[5] for row in candles]  # BTC; a new candle may have begun before the trade, or after it
        assert pytest.approx(volume + 1) in volumes or 1.0 in volumes

    told(tmp_path, story)


def test_an_order_is_seen_on_every_private_channel(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        balance = await okx.watch_balance()
        assert balance["USDT"] == {"free": 100000.0, "used": 0.0, "total": 100000.0}
        orders = asyncio.ensure_future(okx.watch_orders(SYMBOL))
        trades = asyncio.ensure_future(okx.watch_my_trades(SYMBOL))
        assert await okx.watch_positions([SYMBOL]) == []
        positions = asyncio.ensure_future(okx.watch_positions([SYMBOL]))
        balances = asyncio.ensure_future(okx.watch_balance())
        # The order goes the way the subscriptions went, and so comes after them.
        await okx.create_order_ws(SYMBOL, "market", "buy", 2, None, {**CROSS, "clientOrderId": "seen1"})
        await orders
        seen = await until(lambda: okx.orders, lambda rows: rows[-1]["status"] == "closed")
        assert picked(seen[-1], "clientOrderId", "filled", "average") == ("seen1", 2.0, 64000.0)
        (trade, *_) = await trades
        assert picked(trade, "side", "amount", "price", "takerOrMaker") == ("buy", 2.0, 64000.0, "taker")
        assert trade["fee"] == {"cost": -0.64, "currency": "USDT"}  # ccxt.pro leaves OKX's sign: negative is charged
        (position, *_) = await positions
        assert picked(position, "side", "contracts", "entryPrice") == ("long", 2.0, 64000.0)
        assert (await balances)["USDT"]["total"] == 99999.36

    told(tmp_path, story)


def test_orders_are_placed_edited_and_canceled_over_the_websocket(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        placed = await okx.create_order_ws(SYMBOL, "limit", "buy", 1, 63900, {**CROSS, "clientOrderId": "wire1"})
        assert placed["clientOrderId"] == "wire1"
        edited = await okx.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 3, 63910)
        assert edited["id"] == placed["id"]
        live = await okx.fetch_order(placed["id"], SYMBOL)
        assert picked(live, "status", "price", "amount") == ("open", 63910.0, 3.0)
        canceled = await okx.cancel_order_ws(placed["id"], SYMBOL)
        assert canceled["id"] == placed["id"]
        assert (await okx.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"
        for error, act in (
            (ccxt.OrderNotFound, lambda: okx.cancel_order_ws(placed["id"], SYMBOL)),
            (ccxt.InsufficientFunds, lambda: okx.create_order_ws(SYMBOL, "limit", "buy", 600, 63900, CROSS)),
        ):
            try:
                await act()
            except error:
                continue
            raise AssertionError(error)

    told(tmp_path, story)


def test_the_sandbox_adds_a_header_and_a_query_that_change_nothing(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        assert (await okx.watch_ticker(SYMBOL))["last"] == 64000.0
        assert (await okx.watch_balance())["USDT"]["total"] == 100000.0
        paths = sorted(url.rpartition("/")[2] for url in okx.clients)
        assert paths == ["private?brokerId=9999", "public?brokerId=9999"]
        assert okx.headers["x-simulated-trading"] == "1"

    told(tmp_path, story, sandbox=True)
