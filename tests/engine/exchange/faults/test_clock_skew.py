"""The venue's clock is off: whoever trusts it notices, and durations do not care."""

from __future__ import annotations

import pytest

from engine.exchange.faults.switchboard import Fault
from engine.exchange.market.events import Change, Print
from tests.engine.exchange.faults.support import LIMIT, MARKET, SWAP, Rig, audit


@pytest.mark.parametrize("offset_ms", [20_000, -20_000])
def test_clock_skew_moves_every_time_that_the_venue_writes(offset_ms: int) -> None:
    rig = Rig()
    rig.faults.arm(Fault(name="clock_skew", offset_ms=offset_ms))
    venue_ms = rig.venue.clock.wall_ns() // 1_000_000 + offset_ms
    books, trades = rig.connect("public", "books5", **SWAP), rig.connect("public", "trades", **SWAP)
    rig.venue.script.say(Change("buy", 639_999, 77, 1), Print("buy", 640_000, 1, 1))
    rig.hub.tick()
    assert rig.rows("public/time") == [{"ts": str(venue_ms)}]
    assert {row["ts"] for row in (*books.data("books5"), *trades.data("trades"))} == {str(venue_ms)}
    said = rig("POST", "trade/order", MARKET)
    assert said is not None
    assert (said.json["inTime"], said.json["data"][0]["ts"]) == (str(venue_ms * 1000), str(venue_ms))
    assert rig.rows("trade/fills")[0]["fillTime"] == str(venue_ms)
    audit(rig.venue)


@pytest.mark.parametrize(("offset_ms", "status"), [(29_000, 200), (31_000, 401), (-29_000, 200), (-31_000, 401)])
def test_clock_skew_moves_the_window_of_the_signature(offset_ms: int, status: int) -> None:
    said = Rig(Fault(name="clock_skew", offset_ms=offset_ms))("GET", "account/config")
    assert said is not None
    assert (said.status, said.json["code"] == "50102") == (status, status == 401)


def test_clock_skew_makes_a_venue_ahead_refuse_an_order_that_is_still_good() -> None:
    rig = Rig(Fault(name="clock_skew", offset_ms=2000))
    deadline = rig.venue.clock.wall_ns() // 1_000_000 + 1000
    said = rig("POST", "trade/order", LIMIT, expTime=str(deadline))
    assert said is not None and said.json["code"] == "50036"
    rig.faults.clear("clock_skew")
    said = rig("POST", "trade/order", LIMIT, expTime=str(deadline))
    assert said is not None and said.json["code"] == "0"


def test_clock_skew_ends_when_cleared_and_the_time_of_the_book_follows_at_once() -> None:
    rig = Rig(Fault(name="clock_skew", offset_ms=60_000))
    rig.passes(100)
    rig.faults.clear(None)
    rig.venue.script.say(Change("buy", 639_999, 77, 1))
    rig.passes(10)
    now_ms = rig.venue.clock.wall_ns() // 1_000_000
    (book,) = rig.rows("market/books?instId=BTC-USDT-SWAP")
    assert (rig.exchange.now_ms(), book["ts"]) == (now_ms, str(now_ms))


def test_clock_skew_leaves_countdowns_alone() -> None:
    rig = Rig()
    rig("POST", "trade/order", LIMIT)
    rig("POST", "trade/cancel-all-after", {"timeOut": "10"})
    rig.faults.arm(Fault(name="clock_skew", offset_ms=3_600_000))
    rig.passes(9000)
    assert len(rig.exchange.desk.orders.pending()) == 1
    rig.passes(1010)
    assert rig.exchange.desk.orders.pending() == []
