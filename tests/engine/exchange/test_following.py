"""Two real exchanges: one poses as OKX's public side, the other follows it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.system import free_ports

ROOT = Path(__file__).parents[3]
KEYS = {f"SOVEREIGN_SIM_{name}": "k" for name in ("API_KEY", "SECRET", "PASSWORD")}
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(*flags: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "engine.exchange", *flags]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **KEYS}, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[bytes]) -> dict[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = json.loads(process.stdout.readline())
    return found


async def ask(http: aiohttp.ClientSession, where: dict[str, str], path: str) -> Any:
    async with http.get(f"{where['rest']}/api/v5/{path}") as answer:
        return (await answer.json())["data"]


async def order_code(http: aiohttp.ClientSession, where: dict[str, str]) -> str:
    """What the venue answers to a small order."""
    from engine.venue.sign import Credentials, rest_headers

    body = json.dumps(
        {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "0.01"}
    )
    target = "/api/v5/trade/order"
    keys = Credentials(api_key="k", secret="k", passphrase="k")
    headers = rest_headers(keys, method="POST", target=target, body=body, wall_ns=time.time_ns())
    async with http.post(where["rest"] + target, data=body, headers=headers) as answer:
        return str((await answer.json())["data"][0]["sCode"])


async def until(what: str, look: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
    try:
        async with asyncio.timeout(20):
            while not wanted(found := await look()):
                await asyncio.sleep(0.05)
            return found
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None


def test_the_follower_has_the_outside_market_and_takes_no_order_while_that_is_away(start: Start) -> None:
    (port,) = free_ports(1)
    flags = ("--port", str(port), "--seed", "7")
    inside = start("--follow", f"ws://127.0.0.1:{port}/ws/v5/public", "--follow-rest", f"http://127.0.0.1:{port}")
    first = start(*flags)  # after its follower, which waits for it
    outside, where = address(first), address(inside)

    async def story() -> None:
        async with aiohttp.ClientSession() as http:

            async def touches() -> tuple[Any, Any]:
                return (await ask(http, outside, "market/books?instId=BTC-USDT-SWAP&sz=5"))[0], (
                    await ask(http, where, "market/books?instId=BTC-USDT-SWAP&sz=5")
                )[0]

            await until(
                "the same book", touches, lambda both: all(both[0][side] == both[1][side] for side in ("bids", "asks"))
            )
            path = "market/candles?instId=BTC-USDT-SWAP&bar=1m&limit=300"
            known, told = await ask(http, outside, path), await ask(http, where, path)
            assert {row[0]: row for row in known[2:]}.items() >= {row[0]: row for row in told[2:-2]}.items()

            async def code() -> str:
                return await order_code(http, where)

            assert await code() == "0"
            first.send_signal(signal.SIGSTOP)
            await until("a silent outside is noticed", code, lambda found: found == "50001")
            first.send_signal(signal.SIGCONT)
            await until("it is believed again", code, lambda found: found == "0")
            first.kill()
            await until("a dead outside is noticed", code, lambda found: found == "50001")
            address(start(*flags))
            await until("it comes back by itself", code, lambda found: found == "0")

    asyncio.run(story())
    inside.terminate()
    _, err = inside.communicate(timeout=10)
    assert inside.returncode == 0
    said = err.decode().splitlines()
    assert any("no order is taken until it is back" in line for line in said)
    assert said[-1].endswith(f"ws://127.0.0.1:{port}/ws/v5/public: the book is whole")


def test_it_waits_for_the_outside_and_ends_when_it_is_told_to(start: Start) -> None:
    (port,) = free_ports(1)
    inside = start("--follow", f"ws://127.0.0.1:{port}/ws/v5/public")
    assert inside.stderr is not None
    assert b"no order is taken until it is back" in inside.stderr.readline()
    inside.terminate()
    out, _ = inside.communicate(timeout=10)
    assert (inside.returncode, out) == (0, b"")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--follow", "okx.com"], "ws:// or wss://"),
        (["--follow", "ws://okx.com", "--follow-rest", "okx.com"], "http:// or https://"),
    ],
)
def test_a_url_of_another_kind_is_refused(start: Start, flags: list[str], said: str) -> None:
    process = start(*flags)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, said in err.decode()) == (78, True)
