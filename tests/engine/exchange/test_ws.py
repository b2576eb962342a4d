"""One connection's protocol, without a socket."""

from __future__ import annotations

import pytest

from engine.exchange.market.events import Change, Print
from tests.engine.exchange.clients import Line

INST = {"instId": "BTC-USDT-SWAP"}


@pytest.mark.parametrize(
    ("path", "arg", "code"),
    [
        ("public", {"channel": "candle5m", **INST}, "60018"),
        ("public", {"channel": "books", "instId": "ETH-USDT-SWAP"}, "60018"),
        ("public", {"channel": "books-l2-tbt", **INST}, "64003"),
        ("public", {"channel": "orders", "instType": "SWAP"}, "60018"),
        ("private", {"channel": "orders", "instType": "SWAP"}, "60011"),
        ("private", {"channel": "books", **INST}, "60018"),
        ("business", {"channel": "orders-algo", "instType": "SWAP"}, "60011"),
        ("public", {"channel": ["books"]}, "60012"),
    ],
)
def test_a_subscription_that_cannot_be_is_an_error_event_with_its_id(path: str, arg: object, code: str) -> None:
    (event,) = Line(path).ask("subscribe", arg, id="9")
    assert (event["event"], event["code"], event["id"], event["connId"]) == ("error", code, "9", "c0ffee00")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"op":["order"],"args":[1]}', '{"op":"subscribe","args":[]}', '{"op":"x"}']
)
def test_what_is_no_request_is_60012_and_the_connection_lives_on(text: str) -> None:
    line = Line("public")
    line.session.receive(text)
    assert [event["code"] for event in line.sent] == ["60012"]
    line.session.receive("ping")
    assert line.sent[-1] == "pong"


def test_a_connection_with_no_traffic_for_30_seconds_is_closed_and_a_ping_keeps_it() -> None:
    line = Line("public")
    line.venue.clock.advance(s=29)
    line.session.receive("ping")
    line.venue.clock.advance(s=29)
    line.session.check_idle()
    assert line.closed == []
    line.venue.clock.advance(s=1)
    line.session.check_idle()
    assert line.closed == [4004]


def test_a_second_subscription_to_books_brings_a_second_ack_and_snapshot_but_no_doubled_updates() -> None:
    line = Line("public")
    for _ in range(2):
        ack, snapshot = line.ask("subscribe", {"channel": "books", **INST})
        assert (ack["event"], snapshot["action"]) == ("subscribe", "snapshot")
    line.venue.script.say(Change("buy", 639_990, 5, 1))
    updates = [m for m in line.tick(100) if m.get("action") == "update"]
    assert [m["data"][0]["bids"] for m in updates] == [[["63999", "0.05", "0", "1"]]]


def test_two_connections_see_the_same_sequence_numbers_whenever_they_join() -> None:
    first = Line("public")
    first.ask("subscribe", {"channel": "books", **INST})
    first.venue.script.say(Change("buy", 639_990, 5, 1))
    first.tick(30)
    late = Line("public", first.venue, first.hub)
    snapshot = late.ask("subscribe", {"channel": "books", **INST})[1]
    first.venue.script.say(Change("buy", 639_991, 5, 1))
    first.tick(100)
    assert first.sent == [m for m in late.sent if m.get("action") == "update"]
    assert first.sent[0]["data"][0]["prevSeqId"] == snapshot["data"][0]["seqId"]


def test_a_final_candle_comes_with_confirm_1_and_then_the_next_one_opens() -> None:
    line = Line("business")
    line.ask("subscribe", {"channel": "candle1m", **INST})
    line.tick(1000)
    line.venue.script.say(Print("buy", 640_000, 3, 1))
    line.tick(1000)
    rows = [message["data"][0] for message in line.tick(60_000)]
    assert [row[8] for row in rows] == ["1", "0"]
    assert int(rows[1][0]) - int(rows[0][0]) == 60_000
    assert (rows[1][1], rows[1][5]) == (rows[0][4], "0")


def test_bbo_is_sent_only_when_the_touch_changed() -> None:
    line = Line("public")
    line.ask("subscribe", {"channel": "bbo-tbt", **INST})
    line.tick()
    line.venue.script.say(Change("buy", 639_990, 5, 1))
    assert line.tick() == []
    line.venue.script.say(Change("buy", 639_999, 5, 1))
    (message,) = line.tick()
    assert message["data"][0]["bids"] == [["63999.9", "0.05", "0", "1"]]


def test_positions_are_told_at_once_on_events_and_else_every_5_seconds() -> None:
    line = Line("private")
    line.login()
    line.ask("subscribe", {"channel": "positions", "instType": "ANY"})
    line.venue.place()
    assert [m["eventType"] for m in line.tick()] == ["event_update"]
    assert [m["eventType"] for _ in range(6) for m in line.tick(1000)] == ["snapshot"]


def test_updates_stop_after_unsubscribing() -> None:
    line = Line("public")
    line.ask("subscribe", {"channel": "trades", **INST})
    (ack,) = line.ask("unsubscribe", {"channel": "trades", **INST}, id="3")
    assert (ack["event"], ack["id"]) == ("unsubscribe", "3")
    line.venue.script.say(Print("buy", 640_000, 3, 1))
    assert line.tick() == []


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "1e-999999", "NaN", "Infinity", "", None, [], {}, True])
def test_no_number_in_an_order_can_break_the_venue(number: object) -> None:
    line = Line("private")
    line.login()
    terms = {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "63900", "sz": "1"}
    for name in ("px", "sz"):
        (answer,) = line.ask("order", {**terms, name: number}, id="1")
        assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "51000")


def test_an_order_op_needs_login_an_id_and_one_item() -> None:
    line = Line("private")
    assert line.ask("order", {}, id="1")[0]["code"] == "60011"
    line.login()
    assert (line.ask("order", {})[0]["code"], line.ask("order", {}, {}, id="1")[0]["code"]) == ("60013", "60013")
    assert line.sent[0]["data"] == []
