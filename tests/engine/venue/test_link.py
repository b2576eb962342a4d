"""The link and the book against the real simulated exchange: an announced close, a cut, a book without a snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import aiohttp
import msgspec

from engine.candles import CandleStore
from engine.exchange.config import Credentials as VenueCredentials
from engine.exchange.config import Rules
from engine.exchange.exchange import Exchange
from engine.exchange.faults.switchboard import Fault
from engine.exchange.market.history import synthesise
from engine.exchange.market.synthetic import SyntheticMarket
from engine.exchange.server import Server
from engine.market import Market
from engine.upkeep import Upkeep
from engine.venue.http import HttpTransport
from engine.venue.link import Link, LinkPlan
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import SystemClock
from tests.engine.test_market import FakePublisher, FakeStream

INSTRUMENT = "BTC-USDT-SWAP"
KEYS = {"api_key": "key", "secret": "22582BD0CFF14C41EDBF1AB98506286D", "passphrase": "phrase"}
CLOCK = SystemClock()


class Scene:
    """A server of its own, and the engine's market on a link to it."""

    def __init__(self, server: Server, port: int, session: aiohttp.ClientSession) -> None:
        self.server, self.exchange = server, server.exchange
        self.url = f"ws://127.0.0.1:{port}/ws/v5"
        self.said: list[tuple[bool, str]] = []
        self.frames: list[bytes] = []
        self.publisher = FakePublisher()
        publisher = cast(Publisher, self.publisher)
        self.candles = candles = CandleStore(instrument=INSTRUMENT, frames=["5m"], publisher=publisher)
        self.market = Market(
            instrument=INSTRUMENT, publisher=publisher, candles=candles, clock=CLOCK, resubscribe=self._resubscribe
        )  # fmt: skip
        transport = HttpTransport(session, base_url=f"http://127.0.0.1:{port}", timeout_ms=3_000)
        rest = Rest(transport, credentials=Credentials(**KEYS), clock=CLOCK)
        self.upkeep = Upkeep(
            instrument=INSTRUMENT, rest=rest, market=self.market, candles=candles, clock=CLOCK,
            log=lambda level, text: None,
        )  # fmt: skip
        self.links: dict[str, Link] = {}

    def candles_stream(self, frame: str) -> FakeStream:
        return self.publisher.stream(topology.history(frame, INSTRUMENT))

    def link(self, path: str, channels: list[dict[str, str]], *, login: bool = False) -> Link:
        plan = LinkPlan(
            name=path, url=f"{self.url}/{path}", subscriptions=channels,
            credentials=Credentials(**KEYS) if login else None,
        )  # fmt: skip
        self.links[path] = Link(
            plan, on_frame=self._on_frame, on_state=lambda up, why: self.said.append((up, why)), clock=CLOCK,
            venue_wall_ns=CLOCK.wall_ns,
        )  # fmt: skip
        return self.links[path]

    def _on_frame(self, payload: bytes) -> None:
        self.frames.append(payload)
        self.market.on_frame(payload)

    def _resubscribe(self) -> None:
        self.upkeep.resync_book(self.links["public"])

    def same_book(self) -> bool:
        """Does the engine hold the exchange's own book, to the last level?"""
        if not self.market.touch.book_valid:
            return False
        bids = [(level.px / 10, level.lots / 100) for level in self.exchange.market.matcher.bids.top(400)]
        asks = [(level.px / 10, level.lots / 100) for level in self.exchange.market.matcher.asks.top(400)]
        book = self.market.book
        return (
            list(zip(*book.top_bids(400), strict=True)) == bids and list(zip(*book.top_asks(400), strict=True)) == asks
        )


@asynccontextmanager
async def scene(rules: Rules | None = None) -> AsyncIterator[Scene]:
    source = SyntheticMarket(256)
    exchange = Exchange(
        clock=CLOCK, source=source, past=synthesise(256, source.opening()[0][0].px, 60), balance=Decimal(100_000),
        rules=rules or Rules(),
    )  # fmt: skip
    server = Server(exchange, VenueCredentials(**KEYS))
    port = await server.start(0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Scene(server, port, session)
    finally:
        await server.stop()


async def until(condition: Callable[[], Any], *, within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


async def running(here: Scene, *works: Any, judge: Callable[[], Any]) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await judge()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


BOOKS = [{"channel": "books", "instId": INSTRUMENT}]
ORDERS = [{"channel": "orders", "instType": "SWAP"}]


def test_an_announced_close_is_met_with_a_second_connection_before_the_first_one_ends() -> None:
    async def story() -> None:
        async with scene() as here:
            link = here.link("private", ORDERS, login=True)

            async def judge() -> None:
                await until(lambda: link.up)
                here.exchange.faults.arm(Fault(name="upgrade_notice", times=1, delay_ms=1_000))
                await until(lambda: link.connects == 2)
                assert [up for up, _ in here.said] == [True, True]
                await asyncio.sleep(1.2)  # the venue closes whom it told
                assert link.up
                assert (link.connects, [up for up, _ in here.said]) == (2, [True, True])
                assert here.said[-1][1] == "private: moved to a new connection, the venue closes the old one"

            await running(here, link.run(), judge=judge)

    asyncio.run(story())


def test_a_cut_line_is_told_and_comes_back_by_itself() -> None:
    async def story() -> None:
        async with scene() as here:
            link = here.link("private", ORDERS, login=True)

            async def judge() -> None:
                await until(lambda: link.up)
                here.server.hub.lines.drop_private()
                await until(lambda: link.connects == 2)
                assert [up for up, _ in here.said] == [True, False, True]

            await running(here, link.run(), judge=judge)

    asyncio.run(story())


def test_a_wrong_key_is_told_and_tried_again() -> None:
    async def story() -> None:
        async with scene() as here:
            plan = LinkPlan(
                name="private", url=f"{here.url}/private", subscriptions=ORDERS,
                credentials=Credentials(api_key="key", secret="wrong", passphrase="phrase"),
            )  # fmt: skip
            said: list[tuple[bool, str]] = []
            link = Link(
                plan, on_frame=here.frames.append, on_state=lambda up, why: said.append((up, why)), clock=CLOCK,
                venue_wall_ns=CLOCK.wall_ns,
            )  # fmt: skip

            async def judge() -> None:
                await until(lambda: len(said) >= 2)
                assert said[:2] == [(False, "private: the venue refused the login")] * 2
                assert b"60009" in b"".join(here.frames)

            await running(here, link.run(), judge=judge)

    asyncio.run(story())


def test_a_book_without_a_pushed_snapshot_is_read_over_rest_and_joins_the_chain() -> None:
    async def story() -> None:
        async with scene(Rules(books_snapshot=False)) as here:
            link = here.link("public", BOOKS)

            async def judge() -> None:
                await until(lambda: here.market.lacks_snapshot)
                assert not here.market.touch.book_valid
                await until(here.same_book)
                assert not any(b'"snapshot"' in frame for frame in here.frames)
                read = here.market.book.sequence
                await until(lambda: here.market.book.sequence > read)  # a gap before that would be in what was read
                here.exchange.faults.arm(Fault(name="sequence_gap", times=1))
                await until(lambda: not here.market.touch.book_valid)
                await until(here.same_book)
                assert here.market.counters.book_errors == 1

            await running(here, link.run(), here.upkeep.mend_book(), judge=judge)

    asyncio.run(story())


def test_a_public_link_that_moves_keeps_a_true_book() -> None:
    async def story() -> None:
        async with scene() as here:
            link = here.link("public", BOOKS)

            async def judge() -> None:
                await until(here.same_book)
                here.exchange.faults.arm(Fault(name="upgrade_notice", times=1, delay_ms=500))
                await until(lambda: link.connects == 2)
                await until(here.same_book)
                assert here.market.counters.book_errors == 0

            await running(here, link.run(), judge=judge)

    asyncio.run(story())


def test_trades_that_a_link_missed_are_read_over_rest() -> None:
    async def story() -> None:
        async with scene() as here:
            link = here.link("public", [{"channel": "trades", "instId": INSTRUMENT}])
            store, lose = here.market.trades, 0

            def on_frame(payload: bytes) -> None:
                nonlocal lose
                if lose and b'"tradeId"' in payload:
                    lose -= 1
                    here.frames.append(payload)
                else:
                    here.market.on_frame(payload)

            cast(Any, link)._on_frame = on_frame

            def held() -> set[int]:
                assert store.publish() is None
                sent = cast(Any, store)._stream.sent
                return {trade.trade_id for trade in codec.decode_trade_history(sent[-1]).trades} if sent else set()

            async def judge() -> None:
                nonlocal lose
                await until(held)
                lose = 3
                await until(lambda: not lose)
                missed = {int(msgspec.json.decode(frame)["data"][0]["tradeId"]) for frame in here.frames}
                assert len(missed) == 3
                await until(lambda: missed <= held())
                assert not store.hole
                assert store.since_id < min(missed)

            await running(here, link.run(), here.upkeep.mend_trades(), judge=judge)

    asyncio.run(story())


def test_candles_are_read_back_as_far_as_the_venue_has_them() -> None:
    async def story() -> None:
        async with scene() as here:
            stream = here.candles_stream("5m")

            async def judge() -> None:
                await until(lambda: stream.sent and not here.candles.gaps)
                here.candles.gaps.add("5m")  # a hole: what is read anew must join what is held
                await until(lambda: here.candles.reaches_back_to_ms("5m") is None and not here.candles.gaps)
                held = [candle.open_ns for candle in codec.decode_history(stream.sent[-1]).candles]
                theirs = here.exchange.market.candles.page("5m", after_ms=None, before_ms=None, limit=99, newest=99)
                assert held == [int(row[0]) * 1_000_000 for row in reversed(theirs) if row[8] == "1"]

            await running(here, here.upkeep.mend_candles(), judge=judge)

    asyncio.run(story())
