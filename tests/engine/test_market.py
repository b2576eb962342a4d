"""The hot path: frames in, ticks out, read back as a subscriber reads them."""

from __future__ import annotations

import math
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.candles import CandleStore
from engine.market import Market
from engine.venue.frames import BookData
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.messages import MarketTick, Side
from tests.support.clock import ManualClock

INSTRUMENT = "BTC-USDT-SWAP"


class FakeStream:
    def __init__(self, unrecorded: list[bytes]) -> None:
        self.next_sequence = 1
        self.sent: list[bytes] = []
        self._unrecorded = unrecorded

    @property
    def last_payload(self) -> memoryview | None:
        return memoryview(self.sent[-1]) if self.sent else None

    def send(self, payload: bytes | memoryview, timestamp_ns: int, *, record_later: bool = False) -> int:
        self.sent.append(bytes(payload))
        if record_later:
            self._unrecorded.append(self.sent[-1])
        self.next_sequence += 1
        return self.next_sequence - 1


class FakePublisher:
    def __init__(self) -> None:
        self.streams: dict[str, FakeStream] = {}
        self.unrecorded: list[bytes] = []

    def stream(self, topic: str) -> FakeStream:
        return self.streams.setdefault(topic, FakeStream(self.unrecorded))

    def record_sent(self) -> None:
        self.unrecorded.clear()

    def publish(self, topic: str, payload: bytes, timestamp_ns: int | None = None) -> int:
        return self.stream(topic).send(payload, timestamp_ns or 0)


class Scene:
    """A market with a clock that a test holds, and what it published."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.publisher = FakePublisher()
        self.asked = 0
        publisher = cast(Publisher, self.publisher)
        self.candles = CandleStore(instrument=INSTRUMENT, frames=["5m"], publisher=publisher)
        self.market = Market(
            instrument=INSTRUMENT, publisher=publisher, candles=self.candles, clock=self.clock, resubscribe=self._asked
        )
        self._decoder = codec.TickDecoder(INSTRUMENT)

    def _asked(self) -> None:
        self.asked += 1

    def frame(self, channel: str, *data: Any, action: str = "") -> None:
        self.clock.advance(ms=1)
        message: dict[str, Any] = {"arg": {"channel": channel, "instId": INSTRUMENT}, "data": list(data)}
        if action:
            message["action"] = action
        self.market.on_frame(msgspec.json.encode(message))
        assert self.publisher.unrecorded == [], "what a frame sent is recorded when the frame is done"

    def snapshot(self, bids: list[tuple[float, float]], asks: list[tuple[float, float]], *, seq: int = 10) -> None:
        self.frame("books", book(bids, asks, seq=seq, prev=-1), action="snapshot")

    @property
    def ticks(self) -> list[MarketTick]:
        return [self._decoder.decode(sent) for sent in self.publisher.stream(topology.tick(INSTRUMENT)).sent]


def book(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], *, seq: int, prev: int | None
) -> dict[str, Any]:
    def rows(levels: list[tuple[float, float]]) -> list[list[str]]:
        return [[str(price), str(size), "0", "1"] for price, size in levels]

    whole: dict[str, Any] = {"bids": rows(bids), "asks": rows(asks), "ts": "1721347020000", "seqId": seq}
    return whole if prev is None else {**whole, "prevSeqId": prev, "checksum": 0}


def trade(price: float, size: float, side: str, number: int) -> dict[str, str]:
    return {"px": str(price), "sz": str(size), "side": side, "ts": "1721347020001", "tradeId": str(number)}


def test_a_snapshot_becomes_a_tick_with_its_levels_and_its_times() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0), (98.0, 2.0)], [(100.0, 3.0)])
    (tick,) = scene.ticks
    assert (tick.sequence, tick.book_valid, tick.book_sequence) == (1, True, 10)
    assert (tick.bid_prices, tick.bid_sizes, tick.ask_prices, tick.ask_sizes) == (
        (99.0, 98.0), (1.0, 2.0), (100.0,), (3.0,),
    )  # fmt: skip
    assert (tick.bid_price, tick.ask_price) == (99.0, 100.0)
    assert math.isnan(tick.last_price)
    assert tick.received_ns == scene.clock.wall_ns()
    assert tick.received_mono_ns == scene.clock.monotonic_ns() == scene.market.tick_mono_ns(1)
    assert tick.exchange_ns == 1_721_347_020_000_000_000


def test_a_newer_best_level_lies_on_top_of_the_book_and_what_it_passed_is_gone() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0), (98.0, 2.0)], [(100.0, 3.0), (101.0, 4.0)])
    scene.frame("bbo-tbt", book([(98.0, 5.0)], [(100.5, 6.0)], seq=11, prev=None))
    tick = scene.ticks[-1]
    assert (tick.bid_prices, tick.bid_sizes) == ((98.0,), (5.0,))
    assert (tick.ask_prices, tick.ask_sizes) == ((100.5, 101.0), (6.0, 4.0))
    assert tick.book_sequence == 11


def test_a_best_level_that_is_older_than_the_book_is_not_shown() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    scene.frame("bbo-tbt", book([(97.0, 5.0)], [(102.0, 6.0)], seq=9, prev=None))
    assert (scene.ticks[-1].bid_price, scene.ticks[-1].ask_price) == (99.0, 100.0)


def test_a_trade_is_published_and_becomes_the_last_of_the_tick() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    scene.frame("trades", trade(100.0, 0.5, "buy", 77), trade(99.0, 0.25, "sell", 78))
    tick = scene.ticks[-1]
    assert (tick.last_price, tick.last_size, tick.last_side, tick.last_id) == (99.0, 0.25, Side.SELL, 78)
    sent = [codec.decode_trade(x) for x in scene.publisher.stream(topology.trade(INSTRUMENT)).sent]
    assert [(x.sequence, x.price, x.size, x.side, x.trade_id) for x in sent] == [
        (1, 100.0, 0.5, Side.BUY, 77), (2, 99.0, 0.25, Side.SELL, 78),
    ]  # fmt: skip


def test_a_broken_chain_makes_the_book_invalid_asks_for_a_snapshot_and_recovers_by_it() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    scene.frame("books", book([(99.0, 2.0)], [], seq=30, prev=20), action="update")
    assert (scene.asked, scene.market.touch.book_valid, scene.market.counters.book_errors) == (1, False, 1)
    scene.frame("books", book([(99.0, 2.0)], [], seq=31, prev=30), action="update")
    assert scene.asked == 1
    scene.snapshot([(98.0, 1.0)], [(100.0, 3.0)], seq=40)
    assert scene.market.touch.book_valid
    assert scene.ticks[-1].bid_prices == (98.0,)


def test_a_book_that_says_nothing_of_the_trades_is_not_believed() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    scene.clock.advance(s=60)  # a quiet market is no reason
    scene.frame("trades", trade(100.0, 0.5, "buy", 77))
    scene.clock.advance(s=0.9)
    scene.frame("trades", trade(101.0, 0.5, "buy", 78))
    assert (scene.asked, scene.market.touch.book_valid) == (0, True)
    scene.clock.advance(s=0.2)
    scene.frame("trades", trade(102.0, 0.5, "buy", 79))
    assert (scene.asked, scene.market.touch.book_valid, scene.market.counters.book_errors) == (1, False, 1)
    scene.frame("trades", trade(103.0, 0.5, "buy", 80))
    assert (scene.asked, scene.ticks[-1].book_valid) == (1, False)
    scene.snapshot([(102.0, 1.0)], [(103.0, 3.0)], seq=40)
    scene.frame("trades", trade(103.0, 0.5, "buy", 81))
    assert (scene.ticks[-1].book_valid, scene.ticks[-1].bid_price) == (True, 102.0)


def test_a_book_that_goes_on_speaking_between_trades_is_believed() -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    for number in range(20):
        scene.frame("trades", trade(100.0, 0.5, "buy", number))
        scene.clock.advance(s=0.5)
        scene.frame("bbo-tbt", book([(99.0, 1.0 + number)], [(100.0, 3.0)], seq=11 + number, prev=None))
        scene.clock.advance(s=0.5)
    assert (scene.asked, {tick.book_valid for tick in scene.ticks}) == (0, {True})


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"rubbish", b"{}", b"[]", b'{"arg":{"channel":"trades"},"data":[]}',
        b'{"arg":{"channel":"trades"},"data":[{"px":"x","sz":"1","side":"buy","ts":"1","tradeId":"1"}]}',
        b'{"arg":{"channel":"bbo-tbt"},"data":[{"bids":[["x","1"]],"asks":[["2","1"]],"ts":"1","seqId":99}]}',
        b'{"arg":{"channel":"mark-price"},"data":[]}', b'{"arg":{"channel":"candle5m"},"data":[["1"]]}',
    ],
)  # fmt: skip
def test_a_frame_that_makes_no_sense_is_dropped_and_the_next_one_is_read(payload: bytes) -> None:
    scene = Scene()
    scene.snapshot([(99.0, 1.0)], [(100.0, 3.0)])
    scene.market.on_frame(payload)
    scene.frame("bbo-tbt", book([(99.0, 7.0)], [(100.0, 3.0)], seq=100, prev=None))
    assert scene.ticks[-1].bid_sizes == (7.0,)
    assert scene.market.touch.book_valid


PRICE = st.integers(1, 8)
SIZE = st.integers(1, 5).map(float)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("bbo"), PRICE, SIZE, PRICE, SIZE),
        st.tuples(st.just("book"), PRICE, SIZE, PRICE, SIZE),
        st.tuples(st.just("trade"), PRICE, SIZE, PRICE, SIZE),
    ),
    max_size=20,
)


@given(EVENTS)
def test_the_short_way_of_a_tick_and_the_long_one_say_the_same(
    events: list[tuple[str, int, float, int, float]],
) -> None:
    short, long = Scene(), Scene()
    long.market._publish_touch = long.market._publish  # type: ignore[method-assign]
    long.market._on_best = lambda best, wall, mono: (  # type: ignore[method-assign]
        setattr(long.market, "_best", best), long.market._publish(int(best.ts) * 1_000_000, wall, mono),
    )  # fmt: skip
    for scene in (short, long):
        scene.snapshot([(90.0 - n, 1.0) for n in range(5)], [(110.0 + n, 1.0) for n in range(5)])
        for number, (kind, below, size_below, above, size_above) in enumerate(events):
            seq = 11 + number
            bid, ask = [(90.0 - below, size_below)], [(110.0 + above, size_above)]
            if kind == "bbo":
                scene.frame("bbo-tbt", book(bid, ask, seq=seq, prev=None))
            elif kind == "book":
                previous = scene.market._book.sequence
                scene.frame("books", book(bid, ask, seq=seq, prev=previous), action="update")
            else:
                scene.frame("trades", trade(100.0, size_below, "buy", seq))
    assert [repr(tick) for tick in short.ticks] == [repr(tick) for tick in long.ticks]


def candle(minute: int, close: str, confirm: str) -> list[str]:
    return [str(1_721_347_200_000 + minute * 60_000), "1", "9", "1", close, "5", "0", "0", confirm]


def test_a_missed_final_candle_is_a_gap_until_the_history_is_read_again() -> None:
    scene = Scene()
    assert scene.candles.gaps == {"5m"}
    scene.candles.load("5m", [candle(5, "3", "0"), candle(0, "2", "1")], received_ns=1)
    assert scene.candles.gaps == set()
    scene.frame("candle5m", candle(5, "4", "1"))
    scene.frame("candle5m", candle(10, "5", "0"))
    assert scene.candles.gaps == set()
    scene.frame("candle5m", candle(20, "6", "0"))
    assert scene.candles.gaps == {"5m"}
    cast(Any, scene.publisher.stream(topology.history("5m", INSTRUMENT))).renew()
    history = codec.decode_history(scene.publisher.stream(topology.history("5m", INSTRUMENT)).sent[-1])
    assert [each.close for each in history.candles] == [2.0, 4.0]


def test_a_book_over_rest_that_makes_no_sense_leaves_none() -> None:
    scene = Scene()
    scene.frame("books", book([(100.0, 1.0)], [(101.0, 1.0)], seq=12, prev=11), action="update")
    assert scene.market.lacks_snapshot
    good = {"bids": [["100.0", "1"]], "asks": [["101.0", "1"]], "ts": "1721347020000", "seqId": 11}
    for wrong in ({"ts": "noon"}, {"ts": ""}, {"bids": [["many", "1"]]}, {"asks": [[]]}, {"bids": [["102", "1"]]}):
        scene.market.on_rest_book(msgspec.convert(good | wrong, BookData))
        assert (scene.market.lacks_snapshot, scene.market.touch.book_valid) == (True, False)
    scene.market.on_rest_book(msgspec.convert(good, BookData))
    assert (scene.market.lacks_snapshot, scene.market.touch.book_valid) == (False, True)
