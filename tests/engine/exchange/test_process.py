"""The real process on a real port: what a client sees, and how it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from engine.exchange.auth import sign

Address = dict[str, str]
Start = Callable[..., subprocess.Popen[bytes]]
ROOT = Path(__file__).parents[3]
INST = {"instId": "BTC-USDT-SWAP"}


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts exchanges; whatever the test does, none outlives it."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*flags: str, **environ: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.exchange", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, **environ},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[bytes]) -> Address:
    assert process.stdout is not None
    line: Address = orjson.loads(process.stdout.readline())
    return line


class Trader:
    """Signed REST and websocket of one exchange."""

    def __init__(self, http: aiohttp.ClientSession, where: Address) -> None:
        self.http, self.where = http, where

    async def rest(self, method: str, path: str, body: object = None) -> Any:
        target, text = "/api/v5/" + path, "" if body is None else orjson.dumps(body).decode()
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {
            "OK-ACCESS-KEY": self.where["apiKey"],
            "OK-ACCESS-PASSPHRASE": self.where["password"],
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-SIGN": sign(self.where["secret"], stamp + method + target + text),
        }
        async with self.http.request(method, self.where["rest"] + target, data=text, headers=headers) as answer:
            return await answer.json()

    async def socket(
        self, path: str, *args: dict[str, str], login: bool = False, told: str = "0", **headers: str
    ) -> aiohttp.ClientWebSocketResponse:
        """`told`: the code that the login is answered with."""
        socket = await self.http.ws_connect(f"{self.where['ws']}/{path}?brokerId=9999", headers=headers)
        if login:
            stamp = str(int(time.time()))
            signature = sign(self.where["secret"], stamp + "GET/users/self/verify")
            arg = {"apiKey": self.where["apiKey"], "passphrase": self.where["password"]}
            await socket.send_json({"op": "login", "args": [{**arg, "timestamp": stamp, "sign": signature}]})
            assert (await socket.receive_json())["code"] == told
        if args:
            await socket.send_json({"id": "77", "op": "subscribe", "args": list(args)})
        return socket


async def until(socket: aiohttp.ClientWebSocketResponse, wanted: Callable[[Any], bool]) -> Any:
    """The first message that is wanted; the others are passed over."""
    async with asyncio.timeout(20):
        while True:
            message = await socket.receive_json()
            if wanted(message):
                return message


def pushed(channel: str, **fields: str) -> Callable[[Any], bool]:
    def wanted(message: Any) -> bool:
        rows = message.get("data", ()) if message.get("arg", {}).get("channel") == channel else ()
        return any(all(row.get(name) == value for name, value in fields.items()) for row in rows)

    return wanted


def run(where: Address, story: Callable[[Trader], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with aiohttp.ClientSession() as http:
            await story(Trader(http, where))

    asyncio.run(tell())


def test_a_protected_position_is_opened_seen_on_every_channel_and_closed(start: Start) -> None:
    async def story(trader: Trader) -> None:
        swap = {"instType": "SWAP"}
        channels = [{"channel": "orders", **swap}, {"channel": "positions", **swap}, {"channel": "account"}]
        private = await trader.socket("private", *channels, {"channel": "balance_and_position"}, login=True)
        algos = await trader.socket("business", {"channel": "orders-algo", **swap}, login=True)
        await until(private, lambda m: m.get("event") == "channel-conn-count" and m["channel"].startswith("balance"))
        await until(algos, lambda m: m.get("event") == "subscribe")
        last = float((await trader.rest("GET", "market/ticker?instId=BTC-USDT-SWAP"))["data"][0]["last"])
        legs = {
            "tpTriggerPx": f"{last + 900:.1f}",
            "tpOrdPx": "-1",
            "slTriggerPx": f"{last - 900:.1f}",
            "slOrdPx": "-1",
        }
        terms = {**INST, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "3", "clOrdId": "first"}
        answer = await trader.rest("POST", "trade/order", {**terms, "attachAlgoOrds": [legs]})
        assert (answer["code"], answer["data"][0]["sCode"]) == ("0", "0")
        fill = (await until(private, pushed("orders", clOrdId="first", state="filled")))["data"][0]
        assert (fill["accFillSz"], fill["execType"], float(fill["fillFee"]) < 0) == ("3", "T", True)
        both = (await until(private, pushed("balance_and_position", eventType="filled")))["data"][0]
        assert (both["posData"][0]["pos"], both["trades"][0]["tradeId"]) == ("3", fill["tradeId"])
        assert (await until(private, pushed("positions", pos="3")))["eventType"] == "event_update"
        algo = (await until(algos, pushed("orders-algo", state="live")))["data"][0]
        assert (algo["ordType"], algo["linkedOrd"], algo["sz"]) == ("oco", {"ordId": fill["ordId"]}, "3")
        listed = (await trader.rest("GET", "trade/orders-algo-pending?ordType=oco"))["data"]
        assert [row["algoId"] for row in listed] == [algo["algoId"]]
        await trader.rest("POST", "trade/close-position", {**INST, "mgnMode": "isolated"})
        await until(private, pushed("positions", pos="0"))

    run(address(start()), story)


@pytest.mark.parametrize(("pose", "host"), [("live", "wspap.okx.com:8443"), ("demo", "ws.okx.com:8443")])
def test_a_websocket_at_the_host_of_the_other_environment_is_told_50101_and_closed(
    start: Start, pose: str, host: str
) -> None:
    async def story(trader: Trader) -> None:
        wrong = await trader.socket("private", login=True, told="50101", Host=host)
        message = await wrong.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4001)
        await trader.socket("private", login=True)  # by a name that is none of OKX's it is not judged

    run(address(start("--pose", pose)), story)


def test_orders_over_the_websocket_rest_are_canceled_and_die_with_cancel_all_after(start: Start) -> None:
    async def story(trader: Trader) -> None:
        private = await trader.socket("private", {"channel": "orders", "instType": "ANY"}, login=True)
        await until(private, lambda m: m.get("event") == "channel-conn-count")
        limits = (await trader.rest("GET", "public/price-limit?instId=BTC-USDT-SWAP"))["data"][0]
        terms = {"tdMode": "cross", "side": "buy", "ordType": "post_only", "px": limits["sellLmt"], "sz": "1"}
        await private.send_json({"id": "1", "op": "order", "args": [{**terms, **INST}]})
        refused = await until(private, lambda m: m.get("op") == "order")
        assert (refused["code"], refused["data"][0]["sMsg"]) == ("1", "Parameter instIdCode can not be empty")
        for number in ("2", "3"):
            args = [{**terms, "instIdCode": 10459, "clOrdId": f"ws{number}"}]
            await private.send_json({"id": number, "op": "order", "args": args})
            answer = await until(private, lambda m, number=number: m.get("id") == number)
            assert answer["data"][0]["sCode"] == "0"
        await private.send_json({"id": "4", "op": "cancel-order", "args": [{"instIdCode": 10459, "clOrdId": "ws2"}]})
        canceled = (await until(private, pushed("orders", clOrdId="ws2", state="canceled")))["data"][0]
        assert canceled["cancelSource"] == "1"
        await trader.rest("POST", "trade/cancel-all-after", {"timeOut": "10"})
        expired = (await until(private, pushed("orders", clOrdId="ws3", state="canceled")))["data"][0]
        assert expired["cancelSource"] == "20"

    run(address(start()), story)


def test_public_channels_chain_and_answer_ping_and_name_what_is_wrong(start: Start) -> None:
    async def story(trader: Trader) -> None:
        public = await trader.socket("public", {"channel": "books", **INST}, {"channel": "trades", **INST})
        assert (await public.receive_json()) | {"connId": ""} == {
            "id": "77",
            "event": "subscribe",
            "arg": {"channel": "books", **INST},
            "connId": "",
        }
        seq, updates = (await until(public, lambda m: m.get("action") == "snapshot"))["data"][0]["seqId"], 0
        while updates < 5:
            (row,) = (await until(public, lambda m: m.get("action") == "update"))["data"]
            assert row["prevSeqId"] == seq
            seq, updates = row["seqId"], updates + 1
        trade = (await until(public, pushed("trades")))["data"][0]
        assert isinstance(trade["seqId"], int)
        other = await trader.socket("public", {"channel": "candle5m", **INST})
        assert (await other.receive_json())["code"] == "60018"
        await other.send_str("ping")
        assert await other.receive_str() == "pong"
        await other.send_str("{")
        assert (await other.receive_json())["code"] == "60012"
        private = await trader.socket("private", {"channel": "account"})
        assert (await private.receive_json())["code"] == "60011"
        await private.send_json({"op": "login", "args": [{"apiKey": "x", "timestamp": str(int(time.time()))}]})
        assert (await private.receive_json())["code"] == "60009"
        candles = await trader.socket("business", {"channel": "candle5m", **INST})
        first = await until(candles, lambda m: "data" in m)
        assert len(first["data"][0]) == 9

    run(address(start()), story)


def test_secrets_come_from_the_environment_and_sigterm_ends_it_with_0(start: Start) -> None:
    process = start(SOVEREIGN_SIM_API_KEY="k", SOVEREIGN_SIM_SECRET="s", SOVEREIGN_SIM_PASSWORD="p")
    where = address(process)
    assert (where["apiKey"], where["secret"], where["password"]) == ("k", "s", "p")
    process.terminate()
    assert process.wait(timeout=5) == 0


def test_it_ends_when_its_parent_has_gone(start: Start) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process = start("--parent-pid", str(parent.pid))
        address(process)
        parent.communicate(b"\n")
        assert process.wait(timeout=5) == 0
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--port", "70000"), ("port", "'70000'", "0 to 65535")),
        (("--speed", "0.5"), ("speed", "'0.5'", "max")),
        (("--recording", "nowhere.gz"), ("recording", "'nowhere.gz'", "No such file")),
        (("--recording", "pyproject.toml"), ("recording", "'pyproject.toml'", "Not a gzipped file")),
        (("--balance", "nan"), ("balance", "'nan'", "above 0")),
        (("--rule", "fee_digits=1"), ("rule fee_digits", "'1'", "2 to 12")),
        (("--rule", "nothing"), ("rule", "'nothing'", "--help")),
        (("--bogus",), ("--bogus", "--help")),
        (("--follow", "ws://127.0.0.1:1", "--recording", "a.gz"), ("recording", "'a.gz'", "leave it out, or --follow")),
        (("--follow-rest", "http://127.0.0.1:1"), ("follow-rest", "'http://127.0.0.1:1'", "give --follow too")),
    ],
)
def test_a_wrong_setting_is_one_clear_line_and_78(start: Start, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    process = start(*flags)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.count(b"\n")) == (78, b"", 1)
    assert all(word in err.decode() for word in words)


def test_a_taken_port_is_named(start: Start) -> None:
    port = address(start())["rest"].rpartition(":")[2]
    process = start("--port", port)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 78
    assert f"port: {port} cannot be used" in err.decode()
    assert err.count(b"\n") == 1
