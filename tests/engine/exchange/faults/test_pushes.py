"""Faults of the websocket: pushes that are lost, doubled or late, books that lie, connections that end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.exchange.faults.switchboard import Fault
from engine.exchange.market.candles import MINUTE_MS
from engine.exchange.market.events import Change, Print
from engine.exchange.market.state import MarketState
from tests.engine.exchange.faults.support import LIMIT, MARKET, PROTECTED, SWAP, Peer, Rig, audit


def test_duplicate_push_sends_the_same_orders_push_twice() -> None:
    rig = Rig(Fault(name="duplicate_push", times=1))
    rig("POST", "trade/order", MARKET)
    assert rig.faults.injected() == {}
    peers = [rig.connect("private", "orders", "positions", instType="SWAP") for _ in range(2)]
    rig("POST", "trade/order", MARKET)
    for peer in peers:
        messages = peer.take()
        states = [m["data"][0]["state"] for m in messages if m["arg"]["channel"] == "orders"]
        assert (states, messages[0] == messages[1]) == (["live", "live", "filled"], True)
        assert [m["data"][0]["pos"] for m in messages if m["arg"]["channel"] == "positions"] == ["2"]
    audit(rig.venue)


def test_push_lost_swallows_one_orders_push() -> None:
    rig = Rig(Fault(name="push_lost", times=1))
    peer = rig.connect("private", "orders", "positions", instType="SWAP")
    rig("POST", "trade/order", MARKET)
    messages = [(m["arg"]["channel"], m["data"][0]) for m in peer.take()]
    assert [row["state"] for channel, row in messages if channel == "orders"] == ["filled"]
    assert [row["pos"] for channel, row in messages if channel == "positions"] == ["1"]


def test_a_lost_or_doubled_push_is_one_of_orders_and_of_no_other_channel() -> None:
    rig = Rig(Fault(name="push_lost"), Fault(name="duplicate_push"))
    algos = rig.connect("business", "orders-algo", instType="SWAP")
    money = rig.connect("private", "positions", "account", "balance_and_position", instType="SWAP")
    rig("POST", "trade/order", PROTECTED)
    assert [row["state"] for row in algos.data("orders-algo")] == ["live"]
    assert [m["arg"]["channel"] for m in money.take()] == ["balance_and_position", "account", "positions"]
    assert rig.faults.injected() == {}


class Reader:
    """A client of `books`: applies every update and remembers how they link."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.peer = Peer(rig, "public")
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.rows: list[Any] = []
        self.crossed: list[bool] = []
        self.peer.says(op="subscribe", args=[{"channel": "books", **SWAP}])
        self.read()

    def read(self) -> None:
        for message in self.peer.take():
            if "action" not in message:
                continue
            (row,) = message["data"]
            if message["action"] == "snapshot":
                self.bids, self.asks = {}, {}
            for side, changes in ((self.bids, row["bids"]), (self.asks, row["asks"])):
                for px, sz, _, _ in changes:
                    if sz == "0":
                        side.pop(px, None)
                    else:
                        side[px] = sz
            self.rows.append(row)
            self.crossed.append(max(map(float, self.bids)) >= min(map(float, self.asks)))

    def beats(self, count: int) -> None:
        """So many updates of the outside book, 100 ms apart."""
        for number in range(count):
            self.rig.venue.script.say(Change("buy", 639_900, 100 + len(self.rows) * 50 + number, 1))
            self.rig.passes(100)
        self.read()

    def true(self) -> bool:
        (book,) = self.rig.rows("market/books?instId=BTC-USDT-SWAP&sz=400")
        return (self.bids, self.asks) == tuple({px: sz for px, sz, _, _ in book[side]} for side in ("bids", "asks"))

    def unlinked(self) -> list[int]:
        return [n for n, (old, new) in enumerate(pairwise(self.rows), 1) if new["prevSeqId"] != old["seqId"]]


def test_sequence_gap_swallows_an_update_so_that_the_next_one_does_not_link() -> None:
    reader = Reader(Rig())
    reader.beats(2)
    reader.rig.faults.arm(Fault(name="sequence_gap", times=1))
    reader.beats(3)
    assert (len(reader.rows), reader.unlinked()) == (5, [3])
    reader.peer.says(op="subscribe", args=[{"channel": "books", **SWAP}])
    reader.beats(1)
    assert (reader.rows[-2]["prevSeqId"], reader.rows[-1]["prevSeqId"]) == (-1, reader.rows[-2]["seqId"])
    assert reader.true()


def test_sequence_gap_waits_for_an_update_that_is_missed() -> None:
    reader = Reader(Rig(Fault(name="sequence_gap", times=1)))
    reader.rig.passes(60_100)
    reader.read()
    assert [(row["bids"], row["seqId"] == row["prevSeqId"]) for row in reader.rows[1:]] == [([], True)]
    assert reader.rig.faults.injected() == {}


def test_sequence_reset_goes_back_once_and_links_on_from_there() -> None:
    reader = Reader(Rig())
    reader.beats(2)
    reader.rig.faults.arm(Fault(name="sequence_reset", times=1, back=50_000))
    reader.beats(4)
    assert (len(reader.rows), reader.unlinked()) == (7, [])
    assert [row["seqId"] < row["prevSeqId"] for row in reader.rows] == [False, False, False, True, False, False, False]
    (book,) = reader.rig.rows("market/books?instId=BTC-USDT-SWAP")
    assert book["seqId"] == reader.rows[-1]["seqId"]
    assert reader.true()


def test_sequence_reset_waits_for_a_change_of_the_book() -> None:
    reader = Reader(Rig(Fault(name="sequence_reset", times=1)))
    reader.rig.passes(500)
    assert reader.rig.faults.injected() == {}


def test_crossed_book_comes_once_and_is_followed_by_the_truth_without_a_change_of_the_market() -> None:
    reader = Reader(Rig())
    reader.beats(1)
    reader.rig.faults.arm(Fault(name="crossed_book", times=1))
    reader.rig.passes(300)
    reader.read()
    assert (reader.crossed, reader.unlinked()) == ([False, False, True, False], [])
    assert reader.true()


def test_crossed_book_is_taken_back_before_anybody_starts_from_it() -> None:
    old = Reader(Rig())
    old.rig.faults.arm(Fault(name="crossed_book", times=2))
    old.rig.passes(100)
    new = Reader(old.rig)
    old.read()
    assert (old.crossed, new.crossed) == ([False, True, False], [False])
    for reader in (old, new):
        assert reader.unlinked() == []
    assert new.true()
    old.rig.passes(200)
    for reader in (old, new):
        reader.read()
        assert (reader.crossed[-2:], reader.unlinked(), reader.true()) == ([True, False], [], True)


def test_crossed_book_until_cleared_lies_every_other_time() -> None:
    reader = Reader(Rig())
    reader.rig.faults.arm(Fault(name="crossed_book"))
    reader.rig.passes(600)
    reader.read()
    assert reader.crossed == [False, *[True, False] * 3]
    assert (reader.unlinked(), reader.true()) == ([], True)


def test_crossed_book_never_reaches_the_matching() -> None:
    rig = Rig(Fault(name="crossed_book"))
    Reader(rig)
    rig.passes(150)
    matcher = rig.exchange.market.matcher
    assert (matcher.best("buy"), matcher.best("sell")) == (639_999, 640_000)


def test_silent_book_stops_the_book_channels_alone_and_they_link_afterwards() -> None:
    rig = Rig()
    reader = Reader(rig)
    peer = rig.connect("public", "bbo-tbt", "books5", "tickers", **SWAP)
    rig.faults.arm(Fault(name="silent_book", times=1, delay_ms=1000))
    for number in range(10):
        rig.venue.script.say(Change("buy", 639_999, 500 + number, 1))
        rig.passes(100)
    reader.read()
    assert {m["arg"]["channel"] for m in peer.take()} == {"tickers"}
    assert len(reader.rows) == 1
    reader.beats(2)
    assert {m["arg"]["channel"] for m in peer.take()} == {"bbo-tbt", "books5", "tickers"}
    assert (reader.unlinked(), reader.true()) == ([], True)


def test_silent_book_ends_when_it_is_cleared() -> None:
    reader = Reader(Rig())
    reader.rig.faults.arm(Fault(name="silent_book", times=1, delay_ms=600_000))
    reader.beats(3)
    assert len(reader.rows) == 1
    reader.rig.faults.clear("silent_book")
    reader.beats(1)
    assert (len(reader.rows), reader.unlinked(), reader.true()) == (2, [], True)


def test_silent_book_waits_for_somebody_who_listens() -> None:
    rig = Rig(Fault(name="silent_book", times=1))
    rig.passes(100)
    assert rig.faults.injected() == {}


def candles(rig: Rig, peer: Peer, beyond_ms: int) -> list[tuple[int, str]]:
    """(minute from now, confirm) of every row, over the end of the minute and `beyond_ms` of the next."""
    to_the_minute = MINUTE_MS - rig.exchange.now_ms() % MINUTE_MS
    first = rig.exchange.now_ms() // MINUTE_MS
    for _ in range((to_the_minute + beyond_ms) // 100):
        rig.venue.script.say(Print("buy", 640_000, 10, 1))
        rig.passes(100)
    return [(int(row[0]) // MINUTE_MS - first, row[8]) for row in peer.data("candle1m")]


@pytest.mark.parametrize("delay_ms", [0, 300, 2500])
def test_final_candle_late_comes_after_the_next_candle_has_begun(delay_ms: int) -> None:
    rig = Rig(Fault(name="final_candle_late", times=1, delay_ms=delay_ms))
    rows = candles(rig, rig.connect("business", "candle1m", **SWAP), 4000)
    final = rows.index((0, "1"))
    assert [row for row in rows if row[1] == "1"] == [(0, "1")]
    assert rows[final - 1] == (1, "0")
    assert rows[:final].count((1, "0")) <= 1 + delay_ms // 1000
    assert (0, "0") not in rows[final:]


def test_final_candle_missing_never_comes_and_the_next_one_does() -> None:
    rig = Rig(Fault(name="final_candle_missing", times=1))
    peer = rig.connect("business", "candle1m", **SWAP)
    rows = candles(rig, peer, 60_000)
    assert [row for row in rows if row[1] == "1"] == [(1, "1")]
    assert rig.exchange.market.candles.minutes(2)[0].ts_ms % MINUTE_MS == 0
    pages = rig.rows("market/candles?instId=BTC-USDT-SWAP&bar=1m&limit=3")
    assert [row[8] for row in pages] == ["0", "1", "1"]


def test_upgrade_notice_is_told_to_all_and_closes_those_who_were_told() -> None:
    rig = Rig(Fault(name="upgrade_notice", times=1, delay_ms=2000))
    rig.passes(100)
    assert rig.faults.injected() == {}
    old = [rig.connect(path) for path in ("public", "private", "business")]
    rig.passes(10)
    notice = {"event": "notice", "code": "64008", "connId": "c0ffee00"}
    for peer in old:
        (event,) = peer.take()
        assert event == {**notice, "msg": event["msg"]}
        assert "service upgrade" in event["msg"]
    rig.passes(1980)
    new = rig.connect("private")
    assert [peer.ended for peer in old] == [[], [], []]
    rig.passes(20)
    assert [peer.ended for peer in (*old, new)] == [[1001], [1001], [1001], []]
    rig.passes(5000)
    assert (new.take(), new.ended) == ([], [])


def test_key_changed_closes_whoever_has_logged_in_and_the_key_opens_the_door_again() -> None:
    rig = Rig(Fault(name="key_changed", times=1))
    public = rig.connect("public")
    rig.passes(100)
    assert rig.faults.injected() == {}  # nobody uses the key
    keyed = [rig.connect(path) for path in ("private", "business", "private")]
    rig.passes(10)
    assert [peer.ended for peer in (public, *keyed)] == [[], [4007], [4007], [4007]]
    again = rig.connect("private", "orders", instType="SWAP")
    rig("POST", "trade/order", LIMIT)
    rig.passes(100)
    assert ([row["state"] for row in again.data("orders")], again.ended) == (["live"], [])
    assert rig.faults.injected() == {"key_changed": 1}


def test_upgrade_notice_is_told_once_to_each_connection_that_is_there() -> None:
    rig = Rig(Fault(name="upgrade_notice", delay_ms=1000))
    gone, old = rig.connect("public"), rig.connect("public")
    gone.session.closed()
    rig.passes(500)
    new = rig.connect("public")
    rig.passes(400)
    assert [[m["event"] for m in peer.take()] for peer in (gone, old, new)] == [[], ["notice"], ["notice"]]
    rig.passes(1000)
    assert [peer.ended for peer in (gone, old, new)] == [[], [1001], [1001]]
    assert rig.faults.injected() == {"upgrade_notice": 2}


def test_the_market_goes_on_under_a_book_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the faults of the books bend is the message: sizes and prices of the market come out as without them."""
    seen: list[tuple[int, int]] = []
    apply = MarketState.apply

    def spied(self: MarketState, changes: Any, ts_ms: int) -> None:
        apply(self, changes, ts_ms)
        seen.append((self.mark, self.matcher.bids.fillable(0)))

    monkeypatch.setattr(MarketState, "apply", spied)
    runs = []
    for faults in ((), ("crossed_book", "sequence_gap", "sequence_reset", "silent_book")):
        reader = Reader(Rig(*(Fault(name=name, probability=0.5) for name in faults)))
        reader.beats(30)
        runs.append(list(seen))
        seen.clear()
    assert runs[0] == runs[1]
