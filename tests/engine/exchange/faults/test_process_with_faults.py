"""The real process: faults from a file at the start, and from the control route while it runs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.engine.exchange.test_process import INST, Start, Trader, address, pushed, run, start, until

__all__ = ["start"]
pytestmark = pytest.mark.e2e
MARKET = {**INST, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1"}
LOOK_UP = "trade/order?instId=BTC-USDT-SWAP&clOrdId="


async def control(trader: Trader, method: str, body: object = None, query: str = "") -> tuple[int, Any]:
    url = trader.where["rest"] + "/sim/v1/faults" + query
    async with trader.http.request(method, url, json=body) as answer:
        return answer.status, await answer.json()


def test_faults_of_the_file_strike_and_those_of_the_route_do_too(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('seed = 3\n[[fault]]\nname = "ack_lost"\ntimes = 1\n[[fault]]\nname = "not_found"\nlookups = 1\n')

    async def story(trader: Trader) -> None:
        orders = {"channel": "orders", "instType": "SWAP"}
        private = await trader.socket("private", orders, login=True)
        await until(private, lambda m: m.get("event") == "channel-conn-count")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await trader.rest("POST", "trade/order", {**MARKET, "clOrdId": "lost"})
        await until(private, pushed("orders", clOrdId="lost", state="filled"))
        assert (await trader.rest("GET", LOOK_UP + "lost"))["code"] == "51603"
        assert (await trader.rest("GET", LOOK_UP + "lost"))["data"][0]["state"] == "filled"
        status, view = await control(trader, "GET")
        assert (status, view["injected"]) == (200, {"ack_lost": 1, "not_found": 1})
        assert [fault["name"] for fault in view["armed"]] == ["not_found"]

        wanted = [{"name": "disconnect_mid_order", "times": 1}, {"name": "upgrade_notice", "times": 1, "delay_ms": 200}]
        public = await trader.socket("public", {"channel": "trades", **INST})
        assert (await control(trader, "POST", wanted))[0] == 200
        assert (await until(public, lambda m: m.get("event") == "notice"))["code"] == "64008"
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await trader.rest("POST", "trade/order", {**MARKET, "clOrdId": "cut"})
        await gone(private, 1006)
        await gone(public, 1001)
        assert (await trader.rest("GET", "account/positions"))["data"][0]["pos"] == "2"

        status, view = await control(trader, "POST", {"name": "ack_lost", "times": 0})
        assert (status, view["error"][:9]) == (400, "times: 0 ")
        status, view = await control(trader, "DELETE", query="?name=not_found")
        assert (status, view["armed"]) == (200, [])

    run(address(start("--faults", str(path))), story)


async def gone(socket: aiohttp.ClientWebSocketResponse, code: int) -> None:
    """Reads on until the connection has ended, with this code (1006: without a close frame)."""
    async for _ in socket:
        pass
    assert socket.close_code == code


def test_a_wrong_faults_file_is_one_clear_line_and_78(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\nname = "ack_lost"\ntimes = -1\n')
    process: subprocess.Popen[bytes] = start("--faults", str(path))
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (78, b"")
    wanted = "exchange: fault[0].times: -1 cannot be used; give a whole number from 1 to 1000000\n"
    assert err.decode() == wanted


def test_its_help_names_every_fault(start: Start) -> None:
    out, _ = start("--help").communicate(timeout=20)
    assert b"ack_lost: an order call is executed, and the connection is dropped" in out


def test_dropping_connections_leaves_no_noise(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\nname = "ack_lost"\ncall = "GET public/time"\n')
    process = start("--faults", str(path))

    async def story(trader: Trader) -> None:
        for _ in range(3):
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await trader.rest("GET", "public/time")

    run(address(process), story)
    process.terminate()
    _, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, b"")
