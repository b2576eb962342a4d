"""Whatever a client sends, it gets an answer in OKX's form: no exception, no NaN, no order off the grid."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.auth import check_rest, sign
from engine.exchange.hub import Hub
from engine.exchange.instrument import decimal_of
from engine.exchange.intake import Refused, bad
from engine.exchange.paging import page
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import OPS, PATHS, Session
from tests.engine.exchange.support import CREDENTIALS, Venue

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["1e999999", "1e-999999", "NaN", "-0", "0", "1e17", "٣", "²", "9" * 5000, "64000", "0.01", "net"]),
    st.lists(st.none(), max_size=1),
    st.just({}),
)
FIELDS = ("side", "ordType", "sz", "px", "clOrdId", "tag", "posSide", "reduceOnly", "attachAlgoOrds", "stpMode")
GOOD = {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1", "px": "63000"}


def session(venue: Venue, sent: list[bytes], path: str = "private") -> Session:
    hub = Hub(venue.exchange)
    trade = TradeApi(venue.exchange, RateLimiter())
    peer = Session(
        path,
        "a4d3ae55",
        hub=hub,
        trade=trade,
        credentials=CREDENTIALS,
        send=sent.append,
        answer=sent.append,
        close=lambda _code, _reason: None,
    )
    stamp = str(venue.exchange.now_ms() // 1000)
    arg = {"apiKey": CREDENTIALS.api_key, "passphrase": CREDENTIALS.passphrase, "timestamp": stamp}
    arg["sign"] = sign(CREDENTIALS.secret, stamp + "GET/users/self/verify")
    peer.receive(orjson.dumps({"op": "login", "args": [arg]}).decode())
    sent.clear()
    return peer


@given(st.dictionaries(st.sampled_from(FIELDS), ODD, min_size=1), st.booleans())
def test_an_odd_order_is_taken_or_refused_and_the_book_stays_sound(odd: dict[str, Any], hedged: bool) -> None:
    venue, sent = Venue(), []
    venue.exchange.set_position_mode(hedged=hedged)
    good = {**GOOD, "posSide": "long"} if hedged else GOOD
    session(venue, sent).receive(orjson.dumps({"id": "1", "op": "order", "args": [{**good, **odd}]}).decode())
    answer = orjson.loads(sent[0])
    assert answer["code"] in ("0", "1")
    accepted = answer["data"][0]["sCode"] == "0"
    assert len(venue.exchange.desk.orders.pending()) + len(venue.exchange.desk.orders.fills) >= accepted
    for order in venue.exchange.desk.orders.pending():
        assert order.lots > 0
        assert order.px is not None and 0 < order.px < 10**9


@given(
    st.sampled_from(PATHS),
    st.one_of(ODD, st.sampled_from(["login", "subscribe", "unsubscribe", *sorted(OPS)])),
    st.one_of(ODD, st.lists(st.one_of(ODD, st.dictionaries(st.sampled_from(["channel", "ordId", "id"]), ODD)))),
    ODD,
)
def test_every_message_is_answered(path: str, op: Any, args: Any, request_id: Any) -> None:
    sent: list[bytes] = []
    session(Venue(), sent, path).receive(orjson.dumps({"op": op, "args": args, "id": request_id}).decode())
    assert sent
    for message in sent:
        assert {"event", "arg", "op"} & orjson.loads(message).keys()


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    sent: list[bytes] = []
    session(Venue(), sent).receive(text)
    assert len(sent) == 1


@pytest.mark.parametrize("text", ["1e999999", "1e-999999", "1e19", "inf", "nan", "", "1_0 0", True, None, [], {}])
def test_what_is_no_number_of_sane_size_is_no_number(text: object) -> None:
    with pytest.raises(ValueError):
        decimal_of(text)


@pytest.mark.parametrize("mark", ["²", "x", "9" * 5000, "1.5"])
def test_a_page_mark_that_is_no_number_is_refused(mark: str) -> None:
    with pytest.raises(Refused) as caught:
        page([{"ordId": "1"}], {"after": mark}, "ordId")
    assert caught.value.refusal == bad("after").refusal


def test_a_target_that_is_not_utf_8_is_only_a_wrong_signature() -> None:
    headers = {
        "OK-ACCESS-KEY": CREDENTIALS.api_key,
        "OK-ACCESS-PASSPHRASE": CREDENTIALS.passphrase,
        "OK-ACCESS-TIMESTAMP": "2024-07-18T23:57:00.000Z",
        "OK-ACCESS-SIGN": "bm8=",
    }
    failure = check_rest(CREDENTIALS, headers, "GET", "/api/v5/\udcff", "", Venue().exchange.now_ms())
    assert failure is not None
    assert failure.code == "50113"
