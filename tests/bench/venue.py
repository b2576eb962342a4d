"""The simulated exchange's own speed: orders taken, with and without sockets, and books pushed to a subscriber.

OKX's call limits are lifted, or they would be what is measured: in process by a RateLimiter that admits everything, in
the process over HTTP by the same (process.py).
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import orjson
import uvloop

from engine.exchange.auth import sign
from engine.exchange.config import Credentials, Rules
from engine.exchange.exchange import Exchange
from engine.exchange.hub import Hub
from engine.exchange.market.events import Change, MarketSource
from engine.exchange.market.history import synthesise
from engine.exchange.market.synthetic import START_PX, SyntheticMarket
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.rest import Rest
from engine.exchange.routes import all_routes
from engine.exchange.trade_api import TradeApi
from tests.bench.figures import NotMeasured, Table, durations_ns, no_collector
from tests.bench.process import BATCH, Client, client, exchange, limit_order
from tests.engine.exchange.support import Script
from tests.support.clock import ManualClock

_CREDENTIALS = Credentials(api_key="key", secret="22582BD0CFF14C41EDBF1AB98506286D", passphrase="phrase")
_CHANNELS = ("books", "books-l2-tbt", "bbo-tbt", "trades")
_STEP_MS = 10
"""Between two ticks of the server; books-l2-tbt is pushed in each, books in every tenth."""
_CHANGES = 20
_STAMP = "2024-07-18T23:57:00.000Z"
"""The held clock of the exchange: signatures stay good."""


class _Unlimited(RateLimiter):
    """No call is one too many."""

    def admit(self, key: str, limit: int, now_ns: int, *, weight: int = 1, window_ns: int = 0) -> bool:
        return True


class _Subscriber:
    """Takes what is pushed to it."""

    def __init__(self) -> None:
        self.books = 0

    def send(self, message: bytes) -> None:
        self.books += b'"books-l2-tbt"' in message


class _Venue:
    """An exchange on a held clock: nothing passes but what a measurement lets pass."""

    def __init__(self, source: MarketSource) -> None:
        self.clock = ManualClock()
        self.exchange = Exchange(
            clock=self.clock, source=source, past=synthesise(1, START_PX, 60), balance=Decimal(10**8),
            rules=Rules(default_lever=Decimal(10), vip=5),
        )  # fmt: skip
        self.hub, limiter = Hub(self.exchange), _Unlimited()
        self.api = TradeApi(self.exchange, limiter)
        routes = all_routes(self.exchange, self.api, self.hub.feed.book_was_read)
        self.rest = Rest(self.hub, _CREDENTIALS, limiter, routes)

    def post(self, path: str, body: object) -> list[dict[str, Any]]:
        """A signed call through REST's whole table, without a socket. Raises: NotMeasured, if it was refused."""
        target, text = "/api/v5/" + path, orjson.dumps(body).decode()
        answer = orjson.loads(self.rest.handle("POST", target, _headers(target, text), text).body)
        if answer["code"] != "0":
            raise NotMeasured(f"simulated exchange: {path}: {answer}")
        rows: list[dict[str, Any]] = answer["data"]
        return rows


def venue_speed(*, batches: int = 150, steps: int = 4_000) -> dict[str, Any]:
    """Measure and print it."""
    table = Table("simulated exchange")
    with no_collector():
        _orders_in_process(table, batches)
        with exchange(limited=False) as where:
            uvloop.run(_orders_over_http(table, where, batches))
        _books(table, "synthetic market", _Venue(SyntheticMarket(256)), steps, changes=0)
        still = Script([(START_PX - n, 1_000) for n in range(1, 401)], [(START_PX + n, 1_000) for n in range(400)])
        _books(table, f"{_CHANGES} levels change in each step", _Venue(still), steps // 2, changes=_CHANGES)
    return table.kept


def _orders_in_process(table: Table, batches: int) -> None:
    venue = _Venue(Script([(START_PX - 1, 10_000)], [(START_PX, 10_000)]))
    ids = _Ids()
    through_rest, through_api = [], []
    for _ in range(batches):
        orders = ids.batch()
        began = time.perf_counter_ns()
        rows = venue.post("trade/batch-orders", orders)
        through_rest.append(time.perf_counter_ns() - began)
        venue.post("trade/cancel-batch-orders", _cancels([row["ordId"] for row in rows]))
        orders = ids.batch()
        began = time.perf_counter_ns()
        answer = venue.api.place(orders, batch=True)
        through_api.append(time.perf_counter_ns() - began)
        venue.hub.flush()
        venue.post("trade/cancel-batch-orders", _cancels([row["ordId"] for row in answer.data]))
    table.add(f"{BATCH} orders, TradeApi.place", through_api, times=BATCH, rate="orders")
    table.add(f"{BATCH} orders, signed, Rest.handle", through_rest, times=BATCH, rate="orders")


async def _orders_over_http(table: Table, where: dict[str, str], batches: int) -> None:
    ids, took = _Ids(), []
    async with client(where) as asked:
        for _ in range(batches):
            orders = ids.batch()
            began = time.perf_counter_ns()
            placed = await asked.place(orders)
            took.append(time.perf_counter_ns() - began)
            await _cancel(asked, placed)
    table.add(f"{BATCH} orders, HTTP, kept alive", took, times=BATCH, rate="orders")


async def _cancel(asked: Client, placed: list[str]) -> None:
    said = await asked.rest.cancel("BTC-USDT-SWAP", placed)
    if set(said) != {"0"}:
        raise NotMeasured(f"the simulated exchange did not cancel: {said}")


def _books(table: Table, label: str, venue: _Venue, steps: int, *, changes: int) -> None:
    """Steps of 10 ms of the market's time, each as fast as it goes."""
    subscriber = _Subscriber()
    for channel in _CHANNELS:
        subscription = venue.hub.subscription(subscriber, {"channel": channel, "instId": "BTC-USDT-SWAP"})
        venue.hub.greet(subscription)
    subscriber.books, number = 0, 0
    script = venue.exchange._source

    def pass_on() -> None:
        nonlocal number
        number += 1
        venue.clock.advance(ms=_STEP_MS)
        if isinstance(script, Script):
            script.say(*(Change("buy", START_PX - 1 - n, 1_000 + number, 1) for n in range(changes)))

    spans = durations_ns(venue.hub.tick, steps, before=pass_on)
    if not subscriber.books:
        raise NotMeasured(f"books, {label}: the subscriber got nothing")
    table.add(f"step of {_STEP_MS} ms, {label}", spans, times=subscriber.books / steps, rate="book updates")


class _Ids:
    """Batches of limit orders that rest, under ids of their own."""

    def __init__(self) -> None:
        self._number = 0

    def batch(self) -> list[dict[str, Any]]:
        self._number += 1
        return [limit_order(f"b{self._number}n{n}", px="63000") for n in range(BATCH)]


def _cancels(ids: list[str]) -> list[dict[str, str]]:
    return [{"instId": "BTC-USDT-SWAP", "ordId": ord_id} for ord_id in ids]


def _headers(target: str, text: str) -> dict[str, str]:
    return {
        "OK-ACCESS-KEY": _CREDENTIALS.api_key, "OK-ACCESS-PASSPHRASE": _CREDENTIALS.passphrase,
        "OK-ACCESS-TIMESTAMP": _STAMP, "OK-ACCESS-SIGN": sign(_CREDENTIALS.secret, _STAMP + "POST" + target + text),
    }  # fmt: skip
