"""The simulated exchange as a process of its own, and a signed client of it over one kept-alive connection."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import orjson

from engine.venue.http import HttpTransport
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from schemas.clock import SystemClock
from tests.bench.figures import NotMeasured

BATCH = 20
_INSTRUMENT = "BTC-USDT-SWAP"
_UNLIMITED = """
import sys
from engine.exchange import ratelimit
ratelimit.RateLimiter.admit = lambda *arguments, **options: True
from engine.exchange.__main__ import main
sys.exit(main())
"""


@contextmanager
def exchange(*, limited: bool = True) -> Iterator[dict[str, str]]:
    """Its first line while it runs; it is gone afterwards.

    `limited` False: its RateLimiter admits every call, which OKX's does not; all else is `python -m engine.exchange`.
    """
    how = ["-m", "engine.exchange"] if limited else ["-c", _UNLIMITED]
    command = [sys.executable, *how, "--port", "0", "--balance", "100000000", "--rule", "default_lever=10"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        said = child.stdout.readline()
        if not said:
            raise NotMeasured(f"the simulated exchange ended with {child.wait(5)} before it listened")
        yield json.loads(said)
    finally:
        child.kill()
        child.communicate()


class Client:
    """Calls of the engine's own `Rest`, counted, and the batches of orders that the engine never sends."""

    def __init__(self, session: aiohttp.ClientSession, where: dict[str, str]) -> None:
        self._send = HttpTransport(session, base_url=where["rest"], timeout_ms=10_000)
        self.calls = 0
        credentials = Credentials(api_key=where["apiKey"], secret=where["secret"], passphrase=where["password"])
        self.rest = Rest(self._count, credentials=credentials, clock=SystemClock())

    async def _count(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        self.calls += 1
        return await self._send(method, target, body, headers)

    async def place(self, orders: list[dict[str, Any]]) -> list[str]:
        """A batch. Returns the venue's ids. Raises: NotMeasured, if it did not take each of them."""
        rows = await self.rest._call("POST", "/trade/batch-orders", body=orders)
        if any(row["sCode"] != "0" for row in rows):
            raise NotMeasured(f"the simulated exchange refused an order: {rows}")
        return [row["ordId"] for row in rows]

    async def time(self) -> None:
        """A bare GET of public/time, unsigned. Raises: NotMeasured, if it was not answered."""
        status, body = await self._send("GET", "/api/v5/public/time", "", {})
        if status != 200 or orjson.loads(body)["code"] != "0":
            raise NotMeasured(f"public/time: {status} {body!r}")


@asynccontextmanager
async def client(where: dict[str, str]) -> AsyncIterator[Client]:
    """A client with a session of its own."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, where)


def limit_order(client_id: str, *, px: str = "40000", size: str = "0.01") -> dict[str, Any]:
    """A buy far under the market, which rests."""
    return {
        "instId": _INSTRUMENT, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": px, "sz": size,
        "clOrdId": client_id,
    }  # fmt: skip


def market_order(client_id: str, *, size: str = "0.01") -> dict[str, Any]:
    """A buy that is filled at once."""
    return {
        "instId": _INSTRUMENT, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": size,
        "clOrdId": client_id,
    }  # fmt: skip
