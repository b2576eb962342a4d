"""Price-time priority, and the books channel as a client rebuilds it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.feed import DEPTH, BooksChannel
from engine.exchange.instrument import lots_of, ticks_of
from engine.exchange.intake import Refused
from engine.exchange.market.events import Change, Print
from engine.exchange.market.synthetic import STEP_NS, SyntheticMarket
from engine.exchange.matching import Made, Matcher, Taken
from tests.engine.exchange.support import Venue


def matcher(bids: dict[int, int], asks: dict[int, int]) -> Matcher:
    book = Matcher()
    for px, lots in bids.items():
        book.bids.set_level(px, lots, 1)
    for px, lots in asks.items():
        book.asks.set_level(px, lots, 1)
    return book


def test_a_taker_walks_the_levels_best_first_and_stops_at_its_limit() -> None:
    book = matcher({}, {100: 5, 101: 5, 103: 5})
    assert list(book.take("buy", 101, 12)) == [Taken(100, 5), Taken(101, 5)]
    assert book.best("sell") == 103


def test_what_the_user_took_is_hidden_until_the_flow_states_the_level_again() -> None:
    book = matcher({}, {100: 5, 101: 5})
    list(book.take("buy", 100, 5))
    assert book.best("sell") == 101
    book.asks.set_level(100, 4, 1)
    assert book.best("sell") == 100


def test_a_print_serves_the_outside_size_that_was_there_first() -> None:
    book = matcher({100: 10}, {})
    book.bids.rest("mine", 100, 4)
    assert list(book.on_print("sell", 100, 9)) == []
    assert list(book.on_print("sell", 100, 3)) == [Made("mine", 100, 2)]
    assert list(book.on_print("sell", 100, 9)) == [Made("mine", 100, 2)]


def test_of_two_orders_at_a_price_the_older_fills_first_and_a_better_price_before_both() -> None:
    book = matcher({}, {})
    for name, px in (("old", 100), ("young", 100), ("better", 101)):
        book.bids.rest(name, px, 5)
    assert [(m.ord_id, m.lots) for m in book.on_print("sell", 100, 12)] == [("better", 5), ("old", 5), ("young", 2)]


def test_outside_size_that_is_withdrawn_lets_the_queue_forward() -> None:
    book = matcher({100: 10}, {})
    book.bids.rest("mine", 100, 4)
    book.bids.set_level(100, 1, 1)
    assert list(book.on_print("sell", 100, 2)) == [Made("mine", 100, 1)]


def test_a_level_that_crosses_a_resting_order_trades_with_it_at_the_orders_price() -> None:
    book = matcher({99: 5}, {102: 5})
    book.bids.rest("mine", 101, 4)
    book.asks.set_level(100, 3, 1)
    assert list(book.crossings()) == [("sell", Made("mine", 101, 3))]
    assert (book.best("buy"), book.best("sell")) == (101, 102)


price = st.integers(90, 110)
event = st.one_of(
    st.tuples(st.just("level"), st.sampled_from(["buy", "sell"]), price, st.integers(0, 30)),
    st.tuples(st.just("print"), st.sampled_from(["buy", "sell"]), price, st.integers(1, 30)),
    st.tuples(st.just("order"), st.sampled_from(["buy", "sell"]), price, st.integers(1, 30)),
)


@given(st.lists(event, max_size=60))
def test_the_visible_book_is_never_crossed_and_holds_no_empty_level(events: list[tuple[str, Any, int, int]]) -> None:
    venue = Venue()
    base = 639_900
    for kind, side, offset, lots in events:
        px = base + offset
        if kind == "level":
            # The flow itself never crosses: it pulls what stands in the way in the same batch.
            sign = 1 if side == "buy" else -1
            other = "sell" if side == "buy" else "buy"
            pulled = [
                Change(other, level.px, 0, 0)
                for level in venue.exchange.market.matcher.half(other)._levels.values()
                if lots and sign * level.px <= sign * px
            ]
            venue.market(*pulled, Change(side, px, lots, 1))
        elif kind == "print":
            venue.market(Print(side, px, lots, 1))
        else:
            try:
                venue.place(side=side, ordType="limit", px=f"{px / 10:.1f}", sz=str(lots))
            except Refused as refused:
                assert refused.refusal.code == "51008"
        book = venue.exchange.market.matcher
        bids, asks = book.bids.top(DEPTH), book.asks.top(DEPTH)
        assert all(level.lots > 0 for level in (*bids, *asks))
        assert [b.px for b in bids] == sorted({b.px for b in bids}, reverse=True)
        assert [a.px for a in asks] == sorted({a.px for a in asks})
        assert not bids or not asks or bids[0].px < asks[0].px


class Client:
    """Applies books messages as OKX's rules say."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
        self.seq = -1

    def apply(self, tail: bytes) -> None:
        message = orjson.loads(b"{" + tail + b"}")
        (row,) = message["data"]
        assert row["checksum"] == 0
        assert row["prevSeqId"] == (-1 if message["action"] == "snapshot" else self.seq)
        self.seq = row["seqId"]
        for name, side in self.sides.items():
            for px, size, retired, _orders in row[name]:
                assert retired == "0"
                if lots_of(size):
                    side[ticks_of(px)] = lots_of(size)
                else:
                    side.pop(ticks_of(px), None)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(1, 300), st.integers(-20, 20)), min_size=1, max_size=15))
def test_snapshot_and_updates_rebuild_the_top_400_with_the_users_orders_in_it(
    seed: int, moves: list[tuple[int, int]]
) -> None:
    venue = Venue()
    venue.exchange._source = market = SyntheticMarket(seed)
    bids, asks = market.opening()
    venue.exchange.market.matcher.bids.reset(bids)
    venue.exchange.market.matcher.asks.reset(asks)
    channel, client = BooksChannel(venue.exchange), Client()
    client.apply(channel.snapshot())
    for steps, offset in moves:
        venue.clock.advance(ns=steps * STEP_NS)
        venue.exchange.advance()
        venue.place(ordType="limit", px=f"{(640_000 + offset) / 10:.1f}", side="buy" if offset < 0 else "sell", sz="1")
        update = channel.update()
        if update is not None:
            client.apply(update)
        book = venue.exchange.market.matcher
        assert client.sides["bids"] == {level.px: level.lots for level in book.bids.top(DEPTH)}
        assert client.sides["asks"] == {level.px: level.lots for level in book.asks.top(DEPTH)}
        late = Client()
        late.apply(channel.snapshot())
        assert (late.sides, late.seq) == (client.sides, client.seq)


def test_a_quiet_minute_brings_one_empty_update_that_is_not_a_gap() -> None:
    venue = Venue()
    channel, client = BooksChannel(venue.exchange), Client()
    client.apply(channel.snapshot())
    seq = client.seq
    venue.clock.advance(s=59)
    assert channel.update() is None
    venue.clock.advance(s=2)
    update = channel.update()
    assert update is not None
    client.apply(update)
    assert client.seq == seq
    assert channel.update() is None


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_resting_order_shows_in_the_public_book(side: str) -> None:
    venue = Venue()
    px = 639_990 if side == "buy" else 640_010
    venue.place(ordType="limit", side=side, px=f"{px / 10}", sz="2")
    half = venue.exchange.market.matcher.half("buy" if side == "buy" else "sell")
    assert (px, 200, 1) in half.top(10)
