"""The exchange's own record: which orders it accepted, when, and when each was gone; nothing secret in it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from schemas.blackbox import BlackboxReader, Direction, Record
from tests.engine.exchange.real_process import exchange
from tests.engine.exchange.test_process import Trader, pushed, until

INST = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy"}


async def _trade(where: dict[str, str]) -> list[str]:
    """A market order over REST, a resting one over the websocket, its cancel, and two logins that are refused."""
    async with aiohttp.ClientSession() as http:
        trader = Trader(http, where)
        private = await trader.socket("private", {"channel": "orders", "instType": "SWAP"}, login=True)
        legs = {"attachAlgoClOrdId": "stop1", "slTriggerPx": "63000", "slOrdPx": "-1"}
        order = {**INST, "ordType": "market", "sz": "1", "clOrdId": "taken", "attachAlgoOrds": [legs]}
        assert (await trader.rest("POST", "trade/order", order))["code"] == "0"
        await until(private, pushed("orders", clOrdId="taken", state="filled"))
        resting = {**INST, "ordType": "limit", "px": "63000", "sz": "1", "clOrdId": "rests", "instIdCode": 10459}
        await private.send_json({"id": "1", "op": "order", "args": [resting]})
        await until(private, lambda message: message.get("id") == "1")
        cancel = {"instId": INST["instId"], "clOrdId": "rests"}
        assert (await trader.rest("POST", "trade/cancel-order", cancel))["code"] == "0"
        assert (await trader.rest("GET", "account/balance"))["code"] == "0"
        again = {"apiKey": where["apiKey"], "passphrase": where["password"], "sign": where["secret"]}
        for login in ({"op": "login", "args": [again]}, {"op": "login", "args": again}):
            await private.send_json(login)
            await until(private, lambda message: message.get("event") == "error")
        return [where["apiKey"], where["secret"], where["password"]]


def matched(records: list[Record], topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(one.payload) for one in records if one.channel == "matching" and one.topic == topic]


def test_it_tells_what_was_asked_what_was_answered_and_what_became_of_each_order(tmp_path: Path) -> None:
    began_ns = time.monotonic_ns()
    with exchange(tmp_path, "--blackbox", str(tmp_path / "box")) as where:
        secrets = asyncio.run(_trade(where))
        ended_ns = time.monotonic_ns()
        time.sleep(0.2)  # killed at the end: what it wrote until now is what there is
    records = list(BlackboxReader(tmp_path / "box").read("exchange"))
    assert records
    taken, rests = matched(records, "taken"), matched(records, "rests")
    assert [(row["state"], row["accFillSz"]) for row in taken] == [("live", "0"), ("filled", "1")]
    assert [(row["state"], row["cancelSource"]) for row in rests] == [("live", ""), ("canceled", "1")]
    assert {row["kind"] for row in taken + rests} == {"order"}
    times = [row["mono_ns"] for row in taken + rests]
    assert times == sorted(times)
    assert began_ns < times[0] < times[-1] < ended_ns
    (stop,) = matched(records, "stop1")
    assert (stop["kind"], stop["state"], stop["slTriggerPx"]) == ("algo", "live", "63000")
    said = [(one.direction, one.channel, one.topic) for one in records if b"taken" in one.payload]
    asked, answered = (Direction.RECEIVED, "rest", "POST /api/v5/trade/order"), (Direction.SENT, "rest")
    assert said[0] == asked
    assert (*answered, "POST /api/v5/trade/order") in said
    over_ws = [
        one.direction for one in records if one.channel == "ws" and b'"op":"order"' in one.payload.replace(b" ", b"")
    ]
    assert over_ws == [Direction.RECEIVED, Direction.SENT]
    assert any(one.topic == "GET /api/v5/account/balance" for one in records)
    whole = b"".join(path.read_bytes() for path in (tmp_path / "box").glob("*/*.bbx"))
    for secret in secrets:
        assert secret.encode() not in whole
