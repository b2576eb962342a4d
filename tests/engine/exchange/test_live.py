"""A market that is followed: what the simulated exchange publishes, read back, is the book that it has."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.config import Rules
from engine.exchange.exchange import Exchange
from engine.exchange.hub import Hub, Subscription
from engine.exchange.intake import Refused, new_order
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.market.history import Minute, synthesise
from engine.exchange.market.live import (
    SILENCE_NS,
    SUBSCRIPTIONS,
    Book,
    Frame,
    FrameError,
    LiveMarket,
    Other,
    Refusal,
    Trades,
    decode,
)  # fmt: skip
from engine.exchange.market.past import PastError, minutes_of
from engine.exchange.market.synthetic import SyntheticMarket
from tests.support.clock import ManualClock

ARG = {"channel": "books", "instId": "BTC-USDT-SWAP"}
MINUTE = 60_000


def book(action: str, bids: Any, asks: Any, previous: int, seq: int) -> bytes:
    row = {"bids": bids, "asks": asks, "ts": "1", "checksum": 0, "prevSeqId": previous, "seqId": seq}
    return orjson.dumps({"arg": ARG, "action": action, "data": [row]})


SNAPSHOT = book("snapshot", [["63999.9", "1", "0", "2"]], [["64000", "0.5", "0", "1"]], -1, 7)


class Outside:
    """A simulated exchange as OKX's public side: frames as they go over the wire."""

    def __init__(self, seed: int) -> None:
        self.clock = ManualClock()
        source = SyntheticMarket(seed)
        past = synthesise(seed, source.opening()[0][0].px, 5)
        self.exchange = Exchange(clock=self.clock, source=source, past=past, balance=Decimal(1), rules=Rules())
        self.hub = Hub(self.exchange)
        self.frames: list[bytes] = []
        self.subscriptions: list[Subscription] = []

    def send(self, message: bytes) -> None:
        self.frames.append(message)

    def subscribe(self) -> None:
        """All anew: the book comes whole."""
        for subscription in self.subscriptions:
            self.hub.remove(subscription)
        self.subscriptions = [self.hub.subscription(self, arg) for arg in SUBSCRIPTIONS]
        for subscription in self.subscriptions:
            self.hub.greet(subscription)

    def run(self, ticks: int) -> list[bytes]:
        for _ in range(ticks):
            self.clock.advance(ms=10)
            self.hub.tick()
        taken, self.frames = self.frames, []
        return taken


@cache
def two_subscriptions() -> tuple[list[Frame], list[Frame]]:
    """A second of the book, then another one that begins with a snapshot."""
    outside = Outside(7)
    found = []
    for _ in range(2):
        outside.subscribe()
        found.append([decode(frame) for frame in outside.run(100) if b'"books"' in frame])
    return found[0], found[1]


@given(st.integers(1, 8))
def test_a_lost_update_breaks_the_book_until_the_next_snapshot_which_makes_it_the_right_one(lost: int) -> None:
    first, second = two_subscriptions()
    market, fresh = LiveMarket(), LiveMarket()
    for number, frame in enumerate(first):
        if number != lost:
            market.take(frame, 0)
        assert (market.problem == "") == (number <= lost)
    assert market.problem.startswith("gap: ")
    for frame in second:
        market.take(frame, 0)
        fresh.take(frame, 0)
        assert (market.problem, market.opening()) == ("", fresh.opening())


@given(st.integers(0, 1_000))
@settings(max_examples=5)
def test_what_a_follower_is_told_makes_the_same_book(seed: int) -> None:
    outside, market = Outside(seed), LiveMarket()
    outside.subscribe()
    first, *rest = [decode(frame) for frame in outside.run(50)]
    market.take(first, 0)
    inside = Exchange(
        clock=outside.clock, source=market, past=synthesise(1, market.opening()[0][0].px, 5), balance=Decimal(1),
        rules=Rules(),
    )  # fmt: skip
    for frame in rest:
        market.take(frame, 0)
    inside.advance()
    matcher = inside.market.matcher
    assert (matcher.bids.top(500), matcher.asks.top(500)) == market.opening()
    sent = [frame for frame in rest if isinstance(frame, Trades)]
    assert [trade.px for trade in inside.market.trades] == [printed.px for frame in sent for printed in frame.prints]


def test_frames_are_read_as_values() -> None:
    trade = {"instId": "BTC-USDT-SWAP", "px": "64000.1", "sz": "2.5", "side": "sell", "count": "3", "ts": "1"}
    arg = {"channel": "trades", "instId": "BTC-USDT-SWAP"}
    assert decode(orjson.dumps({"arg": arg, "data": [trade]})) == Trades((Print("sell", 640_001, 250, 3),))
    assert decode(SNAPSHOT) == Book(
        whole=True, changes=(Change("buy", 639_999, 100, 2), Change("sell", 640_000, 50, 1)), previous=-1, seq=7
    )
    assert decode('{"event":"error","code":"60018","msg":"no"}') == Refusal("60018", "no")
    for text in ("pong", b"pong", '{"event":"subscribe","arg":{}}', '{"event":"notice","code":"64008","msg":"x"}'):
        assert decode(text) == Other()


@pytest.mark.parametrize(
    "text",
    [
        b"{", b"[]", b'{"arg":{"channel":"books","instId":"ETH-USDT-SWAP"},"data":[]}',
        book("snapshot", [["1.05", "1", "0", "1"]], [], -1, 1), book("snapshot", [["1", "0.001", "0", "1"]], [], -1, 1),
        book("partial", [], [], -1, 1), book("update", [["1"]], [], 1, 2),
        b'{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"px":"1","sz":"1","side":"both"}]}',
    ],
)  # fmt: skip
def test_what_is_off_the_grid_or_unknown_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError):
        decode(text)


def followed(*frames: bytes) -> LiveMarket:
    market = LiveMarket()
    for frame in frames:
        market.take(decode(frame), 0)
    return market


@pytest.mark.parametrize(
    ("update", "problem"),
    [
        (book("update", [], [], 7, 7), ""),  # a minute without a change
        (book("update", [], [], 7, 3), ""),  # maintenance sets the sequence back
        (book("update", [], [], 6, 8), "gap: 6 named, 7 was last"),
        (book("update", [["64000", "1", "0", "1"]], [], 7, 8), "crossed: bid 640000 and ask 640000 ticks"),
        (book("update", [["63999.9", "0", "0", "0"]], [], 7, 8), "a side is empty"),
        (book("update", [["60000", "0", "0", "0"]], [], 7, 8), ""),  # OKX deletes what nobody was told of
    ],
)
def test_the_chain_holds_or_breaks(update: bytes, problem: str) -> None:
    market = followed(SNAPSHOT, update)
    assert market.problem == problem
    assert market.valid(0) == (problem == "")
    trade = Trades((Print("buy", 640_000, 1, 1),))
    list(market.due(0))
    market.take(trade, 0)
    assert list(market.due(5)) == ([] if problem else [Batch(5, trade.prints, ())])


def test_a_new_snapshot_after_a_break_is_told_as_the_difference() -> None:
    market = followed(SNAPSHOT)
    market.opening()
    market.lost("gone")
    assert not market.valid(0)
    market.take(decode(book("update", [], [], 7, 8)), 0)
    assert market.problem == "gone"
    again = book(
        "snapshot", [["63999.9", "1", "0", "2"], ["63999.8", "2", "0", "1"]], [["64000.1", "1", "0", "1"]], -1, 9
    )
    market.take(decode(again), 0)
    assert market.valid(0)
    assert list(market.due(0)) == [
        Batch(0, (), (Change("sell", 640_000, 0, 0), Change("buy", 639_998, 200, 1), Change("sell", 640_001, 100, 1)))
    ]


def test_a_silent_book_is_not_valid_until_the_next_frame() -> None:
    market = followed(SNAPSHOT)
    assert market.valid(SILENCE_NS)
    assert not market.valid(SILENCE_NS + 1)
    market.take(decode(book("update", [], [], 7, 7)), SILENCE_NS + 1)
    assert market.valid(SILENCE_NS + 1)


def test_without_a_valid_book_the_venue_takes_no_order_and_still_cancels() -> None:
    clock, market = ManualClock(), LiveMarket()
    market.take(decode(SNAPSHOT), clock.monotonic_ns())
    venue = Exchange(
        clock=clock, source=market, past=synthesise(1, 640_000, 5), balance=Decimal(100_000), rules=Rules(),
        valid=market.valid,
    )  # fmt: skip
    raw = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "sz": "0.1"}
    limit = new_order({**raw, "ordType": "limit", "px": "63000"})
    resting = venue.place(limit)
    market.lost("gone")
    for act in (
        lambda: venue.place(limit), lambda: venue.place(new_order({**raw, "ordType": "market"})),
        lambda: venue.amend(resting, None, 640_000, ""),
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.refusal.code == "50001"
    venue.cancel(resting)
    assert resting.state == "canceled"
    market.take(decode(SNAPSHOT), clock.monotonic_ns())
    assert venue.place(limit).state == "live"


def candle(ts: int, close: str = "64000", *, final: str = "1") -> list[str]:
    return [str(ts), "64000", "64001", "63999", close, "1.5", "0.015", "960.5", final]


def test_the_past_has_no_hole_and_ends_where_the_present_begins() -> None:
    rows = [candle(5 * MINUTE, final="0"), candle(3 * MINUTE, "64000.5"), candle(MINUTE)]
    first = Minute(640_000, 640_010, 639_990, 640_000, 150, 96_050_000)
    third = first._replace(close=640_005)
    assert minutes_of(rows, 5 * MINUTE + 30_000) == [
        first, Minute(*[640_000] * 4, 0, 0), third, Minute(*[640_005] * 4, 0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [([], "no candle that is final"), ([candle(0, final="0")], "no candle that is final"), ([["1"]], "not candles"),
     ([candle(0, "x")], "not candles"), ([candle(0, "1.05")], "not candles")],
)  # fmt: skip
def test_a_past_that_cannot_be_read_is_refused(rows: list[list[str]], said: str) -> None:
    with pytest.raises(PastError, match=said):
        minutes_of(rows, 10 * MINUTE)
