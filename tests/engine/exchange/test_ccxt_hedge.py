"""An unmodified ccxt, and ccxt.pro, in hedge mode against the real process: only their URLs are set."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.engine.exchange.real_process import CONSTRUCTOR, SYMBOL, exchange, keys

LONG = {"tdMode": "isolated", "posSide": "long"}
SHORT = {"tdMode": "isolated", "posSide": "short"}


def picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def held(okx: Any) -> list[tuple[Any, ...]]:
    rows = okx.fetch_positions([SYMBOL])
    return sorted(picked(row, "side", "contracts", "entryPrice", "leverage", "hedged") for row in rows)


def test_a_long_and_a_short_are_opened_protected_seen_and_closed(tmp_path: Path) -> None:
    with exchange(tmp_path) as where:
        okx: Any = ccxt.okx({**CONSTRUCTOR, **keys(where)})
        okx.urls["api"]["rest"] = where["rest"]
        okx.load_markets()
        assert okx.set_position_mode(True)["data"] == [{"posMode": "long_short_mode"}]
        assert okx.fetch_position_mode(SYMBOL)["hedged"] is True
        okx.set_leverage(5, SYMBOL, {"mgnMode": "isolated", "posSide": "long"})
        leverage = okx.fetch_leverage(SYMBOL, {"mgnMode": "isolated"})
        assert picked(leverage, "marginMode", "longLeverage", "shortLeverage") == ("isolated", 5, 3)
        with pytest.raises(ccxt.ExchangeError, match="51000"):
            okx.create_order(SYMBOL, "market", "buy", 1, None, {"tdMode": "isolated"})
        stop = {"stopLoss": {"triggerPrice": 63000}}
        okx.create_order(SYMBOL, "market", "buy", 3, None, {**LONG, **stop})
        okx.create_order(SYMBOL, "market", "sell", 2, None, SHORT)
        assert held(okx) == [("long", 3.0, 64000.0, 5.0, True), ("short", 2.0, 63999.9, 3.0, True)]
        with pytest.raises(ccxt.ExchangeError, match="59000"):
            okx.set_position_mode(False)
        (algo,) = okx.fetch_open_orders(SYMBOL, params={"trigger": True, "ordType": "conditional"})
        assert picked(algo, "side", "amount", "stopLossPrice") == ("sell", 3.0, 63000.0)
        assert algo["info"]["posSide"] == "long"
        # `hedged` lets ccxt derive posSide and drop reduceOnly
        isolated = {"tdMode": "isolated", "hedged": True}
        okx.create_order(SYMBOL, "market", "sell", 1, None, {**isolated, "reduceOnly": True})
        okx.create_order(SYMBOL, "market", "sell", 1, None, isolated)
        assert [row[:2] for row in held(okx)] == [("long", 2.0), ("short", 3.0)]
        with pytest.raises(ccxt.ExchangeError, match="51112"):
            okx.create_order(SYMBOL, "market", "sell", 2.01, None, {**isolated, "reduceOnly": True})
        trades = okx.fetch_my_trades(SYMBOL)
        assert [(t["side"], t["amount"], t["info"]["posSide"]) for t in trades] == [
            ("buy", 3.0, "long"), ("sell", 2.0, "short"), ("sell", 1.0, "long"), ("sell", 1.0, "short"),
        ]  # fmt: skip
        okx.close_position(SYMBOL, "buy", {"marginMode": "isolated"})
        assert [row[:2] for row in held(okx)] == [("short", 3.0)]
        okx.close_position(SYMBOL, "short", {"marginMode": "isolated"})
        assert held(okx) == []
        okx.cancel_order(algo["id"], SYMBOL, {"trigger": True})
        assert okx.set_position_mode(False)["data"] == [{"posMode": "net_mode"}]
        entries = okx.fetch_ledger("USDT")
        assert sum(entry["amount"] for entry in entries) == pytest.approx(entries[-1]["after"] - 100_000)


def test_both_positions_are_watched_while_they_change(tmp_path: Path) -> None:
    async def story(okx: Any) -> None:
        await okx.load_markets()
        await okx.set_position_mode(True)
        orders = asyncio.ensure_future(okx.watch_orders(SYMBOL))
        assert await asyncio.ensure_future(okx.watch_positions([SYMBOL])) == []  # subscribed to after the orders
        for side, amount, params, direction in (("buy", 2, LONG, "long"), ("sell", 1, SHORT, "short")):
            changed = asyncio.ensure_future(okx.watch_positions([SYMBOL]))
            await okx.create_order_ws(SYMBOL, "market", side, amount, None, params)
            (position, *_) = await changed
            assert picked(position, "side", "contracts", "hedged") == (direction, float(amount), True)
        await orders
        assert {(order["side"], order["info"]["posSide"]) for order in okx.orders} == {
            ("buy", "long"), ("sell", "short"),
        }  # fmt: skip

    async def told(where: dict[str, str]) -> None:
        client = ccxt.pro.okx({**CONSTRUCTOR, **keys(where)})
        client.urls["api"]["rest"], client.urls["api"]["ws"] = where["rest"], where["ws"]
        try:
            async with asyncio.timeout(30):
                await story(client)
        finally:
            await client.close()

    with exchange(tmp_path) as where:
        asyncio.run(told(where))
