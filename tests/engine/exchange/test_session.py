"""One websocket connection without a socket: what it answers, what it is pushed, when it is closed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest

from engine.exchange.auth import sign
from engine.exchange.hub import Hub
from engine.exchange.market.candles import MINUTE_MS
from engine.exchange.market.events import Change, Print
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import Session
from tests.engine.exchange.support import CREDENTIALS, Venue

SWAP = {"instId": "BTC-USDT-SWAP"}


class Wire:
    """A venue and the connections to it; keeps what each connection was sent."""

    def __init__(self) -> None:
        self.venue = Venue()
        self.hub = Hub(self.venue.exchange)
        self.trade = TradeApi(self.venue.exchange, RateLimiter())

    def connect(self, path: str, *, login: bool = False) -> Peer:
        peer = Peer(self, path)
        if login:
            peer.login()
            assert peer.take()[0]["event"] == "login"
        return peer

    def passes(self, ms: float) -> None:
        """Time goes by in beats of 10 ms."""
        for _ in range(int(ms // 10)):
            self.venue.clock.advance(ms=10)
            self.hub.tick()


class Peer:
    def __init__(self, wire: Wire, path: str) -> None:
        self.raw: list[bytes] = []
        self.closed_with: int | None = None
        self.wire = wire
        self.session = Session(
            path,
            "a4d3ae55",
            hub=wire.hub,
            trade=wire.trade,
            credentials=CREDENTIALS,
            send=self.raw.append,
            answer=self.raw.append,
            close=self._close,
        )

    def _close(self, code: int, _reason: str) -> None:
        self.closed_with = code

    def says(self, **message: Any) -> None:
        self.session.receive(orjson.dumps(message).decode())

    def subscribes(self, *channels: str, **fields: str) -> None:
        self.says(op="subscribe", args=[{"channel": channel, **fields} for channel in channels])

    def login(self, **changed: str) -> None:
        stamp = str(self.wire.venue.exchange.now_ms() // 1000)
        arg = {
            "apiKey": CREDENTIALS.api_key,
            "passphrase": CREDENTIALS.passphrase,
            "timestamp": stamp,
            "sign": sign(CREDENTIALS.secret, stamp + "GET/users/self/verify"),
        }
        self.says(op="login", args=[{**arg, **changed}])

    def take(self) -> list[Any]:
        """What came since the last look."""
        messages = [orjson.loads(message) for message in self.raw]
        self.raw.clear()
        return messages


def data(messages: list[Any], channel: str) -> list[Any]:
    return [m for m in messages if "data" in m and m.get("arg", {}).get("channel") == channel]


def test_an_ack_echoes_id_and_arg_and_comes_before_the_data() -> None:
    peer = Wire().connect("public")
    peer.says(id="1512", op="subscribe", args=[{"channel": "books5", **SWAP}])
    ack, first = peer.take()
    assert ack == {"id": "1512", "event": "subscribe", "arg": {"channel": "books5", **SWAP}, "connId": "a4d3ae55"}
    assert first["data"][0]["seqId"] == peer.wire.venue.exchange.market.seq
    assert [row[0] for row in first["data"][0]["bids"]] == ["63999.9", "63999.8"]


def test_a_failed_login_is_told_and_closed_and_a_second_one_is_refused() -> None:
    wire = Wire()
    wrong = wire.connect("private")
    wrong.login(sign="bm8=")
    assert (wrong.take()[0]["code"], wrong.closed_with) == ("60009", 4001)
    right = wire.connect("private", login=True)
    right.login()
    assert (right.take()[0]["code"], right.closed_with) == ("60031", None)


def test_private_channels_count_their_connections_and_start_with_a_snapshot() -> None:
    wire = Wire()
    wire.venue.place(sz="2")
    wire.connect("private", login=True).subscribes("positions", instType="SWAP")
    peer = wire.connect("private", login=True)
    peer.subscribes("positions", instType="SWAP")
    ack, snapshot, count = peer.take()
    assert ack["event"] == "subscribe"
    assert (snapshot["eventType"], snapshot["data"][0]["pos"]) == ("snapshot", "2")
    assert count == {
        "event": "channel-conn-count",
        "channel": "positions",
        "connCount": "2",
        "connId": "a4d3ae55",
    }


def test_books_come_every_100_ms_and_the_touch_every_10_ms_with_the_same_numbers_on_every_connection() -> None:
    wire = Wire()
    one, two = wire.connect("public"), wire.connect("public")
    one.subscribes("books", "bbo-tbt", **SWAP)
    for number in range(50):
        wire.venue.script.say(Change("buy", 639_999, 100 + number, 1))
        wire.passes(10)
    two.subscribes("books", **SWAP)
    for number in range(50):
        wire.venue.script.say(Change("buy", 639_999, 500 + number, 1))
        wire.passes(10)
    first, second = one.take(), two.take()
    books = [message["data"][0] for message in data(first, "books")]
    assert len(books) in (10, 11, 12)
    assert all(row["prevSeqId"] == before["seqId"] for before, row in pairwise(books))
    joined = [message["data"][0] for message in data(second, "books")]
    assert (joined[0]["prevSeqId"], joined[1]["prevSeqId"]) == (-1, joined[0]["seqId"])
    assert joined[1:] == books[-len(joined) + 1 :]
    assert len(data(first, "bbo-tbt")) == 101


def test_a_candle_is_pushed_at_most_once_a_second_and_its_final_row_once() -> None:
    wire = Wire()
    peer = wire.connect("business")
    peer.subscribes("candle1m", **SWAP)
    to_the_minute = MINUTE_MS - wire.venue.exchange.now_ms() % MINUTE_MS
    for number in range(to_the_minute // 100 + 15):
        wire.venue.script.say(Print("buy", 640_000, 1 + number, 1))
        wire.passes(100)
    rows = [message["data"][0] for message in data(peer.take(), "candle1m")]
    final = [row for row in rows if row[8] == "1"]
    assert len(final) == 1
    assert len(rows) <= to_the_minute // 1000 + 5
    opened = [int(row[0]) for row in rows if row[8] == "0"]
    assert opened == sorted(opened)
    assert opened[-1] == int(final[0][0]) + MINUTE_MS


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id": ""}, "60013"),
        ({"args": [{}, {}]}, "60013"),
        ({"expTime": "1"}, "50036"),
    ],
)
def test_an_order_op_in_the_wrong_form_is_not_processed(changed: dict[str, Any], code: str) -> None:
    peer = Wire().connect("private", login=True)
    order = {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    peer.says(**{"id": "1", "op": "order", "args": [order], **changed})
    [answer] = peer.take()
    assert (answer["op"], answer["code"], answer["data"]) == ("order", code, [])
    assert peer.wire.venue.exchange.account.open_positions() == []


def test_the_answer_to_an_order_and_its_pushes_reach_the_same_connection() -> None:
    peer = Wire().connect("private", login=True)
    peer.subscribes("orders", instType="SWAP")
    peer.take()
    order = {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1", "clOrdId": "a"}
    peer.says(id="1", op="batch-orders", args=[order, {**order, "sz": "0.001", "clOrdId": "b"}])
    answer, *pushes = peer.take()
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51121"])
    assert [(m["data"][0]["clOrdId"], m["data"][0]["state"]) for m in pushes] == [("a", "live"), ("a", "filled")]
    assert pushes[1]["data"][0]["ordId"] == answer["data"][0]["ordId"]
    assert answer["inTime"] == str(peer.wire.venue.exchange.wall_us())


def test_a_closed_connection_is_forgotten() -> None:
    wire = Wire()
    peer = wire.connect("public")
    peer.subscribes("trades", **SWAP)
    peer.session.closed()
    assert not wire.hub.wanted("trades")
