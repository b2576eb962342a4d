"""Money, listings and announcements over REST; HTTP status codes; and whatever a client may send to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.market.events import Print
from tests.engine.exchange.clients import Door

INST = {"instId": "BTC-USDT-SWAP"}
ORDER = {**INST, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1"}
STOP = {**INST, "tdMode": "isolated", "side": "sell", "ordType": "conditional", "sz": "1", "reduceOnly": True}


def test_currencies_need_a_signature_and_cannot_be_withdrawn() -> None:
    door = Door()
    assert [(row["ccy"], row["canDep"], row["canWd"]) for row in door("GET", "asset/currencies")["data"]] == [
        ("USDT", False, False), ("BTC", False, False),
    ]  # fmt: skip
    assert [row["ccy"] for row in door("GET", "asset/currencies?ccy=BTC")["data"]] == ["BTC"]
    assert door.ask("GET", "asset/currencies", **{"OK-ACCESS-SIGN": "no"}).status == 401


def test_bills_are_paged_filtered_and_kept_for_7_or_90_days() -> None:
    door = Door()
    for side in ("buy", "sell", "buy"):
        door("POST", "trade/order", {**ORDER, "side": side})
    rows = door("GET", "account/bills")["data"]
    assert [(row["type"], row["subType"], row["balChg"], row["posBalChg"], row["bal"]) for row in rows] == [
        ("2", "1", "-213.653333333333", "213.333333333333", "99785.705667166667"),
        ("2", "2", "213.012333833333", "-213.333333333333", "99999.3590005"),
        ("2", "1", "-213.653333333333", "213.333333333333", "99786.346666666667"),
    ]
    assert rows[0]["bal"] == door("GET", "account/balance")["data"][0]["details"][0]["cashBal"]
    older = door("GET", f"account/bills?after={rows[1]['billId']}")["data"]
    assert older == rows[2:]
    assert door("GET", "account/bills?type=2&subType=2&limit=1")["data"] == [rows[1]]
    assert door("GET", "account/bills?ccy=BTC")["data"] == []
    begin = rows[0]["ts"]
    assert len(door("GET", f"account/bills?begin={begin}&end={begin}")["data"]) == 3
    assert door("GET", f"account/bills?begin={int(begin) + 1}")["data"] == []
    door.venue.clock.advance(s=8 * 86_400)
    listed = [door("GET", f"account/{path}?type=2")["data"] for path in ("bills", "bills-archive")]
    assert [len(entries) for entries in listed] == [0, 3]


def test_orders_and_fills_are_kept_for_their_days() -> None:
    door = Door()
    door("POST", "trade/order", ORDER)

    def kept() -> list[int]:
        paths = ("fills", "fills-history", "orders-history", "orders-history-archive")
        return [len(door("GET", f"trade/{path}?instType=SWAP")["data"]) for path in paths]

    seen = [kept()]
    for days in (4, 4, 90):
        door.venue.clock.advance(s=days * 86_400)
        seen.append(kept())
    assert seen == [[1, 1, 1, 1], [0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]]


def test_one_algo_order_is_looked_up_by_either_id() -> None:
    door = Door()
    door("POST", "trade/order", ORDER)
    raw = {**STOP, "slTriggerPx": "63000", "slOrdPx": "-1", "algoClOrdId": "stop1"}
    (placed,) = door("POST", "trade/order-algo", raw)["data"]
    for query in (f"algoId={placed['algoId']}", "algoClOrdId=stop1"):
        (row,) = door("GET", f"trade/order-algo?{query}")["data"]
        assert (row["algoId"], row["state"], row["slTriggerPx"]) == (placed["algoId"], "live", "63000")
    assert door("GET", "trade/order-algo?algoId=1")["code"] == "51603"
    assert door("GET", "trade/order-algo")["code"] == "50015"


def test_the_largest_order_and_what_is_available_are_told() -> None:
    door = Door()
    (size,) = door("GET", "account/max-size?instId=BTC-USDT-SWAP&tdMode=isolated&px=64000")["data"]
    assert (size["maxBuy"], size["maxSell"], size["ccy"]) == ("468.04", "468.04", "USDT")  # 100000 / 640 / (1/3 + fee)
    (double,) = door("GET", "account/max-size?instId=BTC-USDT-SWAP&tdMode=isolated&px=64000&leverage=6")["data"]
    assert double["maxBuy"] == "934.69"
    door("POST", "trade/order", {**ORDER, "sz": "3"})
    (avail,) = door("GET", "account/max-avail-size?instId=BTC-USDT-SWAP&tdMode=isolated")["data"]
    assert (avail["availBuy"], avail["availSell"]) == ("99359.04", "99359.04")
    (closing,) = door("GET", "account/max-avail-size?instId=BTC-USDT-SWAP&tdMode=isolated&reduceOnly=true")["data"]
    assert (closing["availBuy"], closing["availSell"]) == ("0", "640")
    assert door("GET", "account/max-size?instId=BTC-USDT-SWAP&tdMode=cross&leverage=1000")["code"] == "51000"


def test_maintenance_and_the_state_of_the_contract_are_told_and_obeyed() -> None:
    door = Door()
    assert door("GET", "system/status")["data"] == []
    now_ms, bulletin = door.venue.exchange.now_ms(), door.venue.exchange.bulletin
    for number, state in enumerate(("scheduled", "ongoing", "completed")):
        door.venue.clock.advance(s=5)
        bulletin.announce("Upgrade", now_ms + 60_000, now_ms + 120_000, state, now_ms)  # type: ignore[arg-type]
        listed = [row["state"] for row in door("GET", "system/status")["data"]]
        assert listed == [["scheduled"], ["ongoing"], []][number]
    door.venue.clock.advance(s=5)
    (row,) = door("GET", "system/status?state=completed")["data"]
    assert (row["title"], row["begin"], row["end"]) == ("Upgrade", str(now_ms + 60_000), str(now_ms + 120_000))
    bulletin.set_state("post_only")
    assert door("GET", "public/instruments?instType=SWAP")["data"][0]["state"] == "post_only"
    maker = {**ORDER, "ordType": "post_only", "px": "63900"}
    assert [door("POST", "trade/order", body)["data"][0]["sCode"] for body in (ORDER, maker)] == ["51022", "0"]


def test_the_index_has_its_own_name_and_the_mark_can_be_asked_by_instrument_alone() -> None:
    door = Door()
    door.venue.market(Print("buy", 640_000, 250, 2))
    (row,) = door("GET", "market/index-tickers?instId=BTC-USDT")["data"]
    assert (row["instId"], row["idxPx"]) == ("BTC-USDT", "64000")
    assert door("GET", "market/index-tickers?quoteCcy=BTC")["data"] == []
    assert door("GET", "market/index-tickers")["code"] == "50015"
    assert door("GET", "public/mark-price?instId=BTC-USDT-SWAP")["data"][0]["markPx"] == "64000"
    assert door("GET", "public/mark-price")["code"] == "51000"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "nowhere", None, 404, "404"),
        ("POST", "public/time", {}, 405, "50115"),
        ("POST", "trade/order", None, 400, "50000"),
        ("GET", "market/ticker", None, 400, "50014"),
        ("GET", "market/ticker?instId=ETH-USDT-SWAP", None, 200, "51001"),
        ("GET", "market/candles?instId=BTC-USDT-SWAP&bar=7m", None, 400, "51000"),
        ("GET", "trade/order?instId=BTC-USDT-SWAP&ordId=1", None, 200, "51603"),
        ("POST", "trade/order", {**ORDER, "sz": "0.001"}, 200, "1"),
        ("POST", "trade/batch-orders", [], 400, "50014"),
        ("POST", "account/set-leverage", {**INST, "lever": "x", "mgnMode": "cross"}, 400, "51000"),
        ("POST", "account/set-leverage", {**INST, "lever": "101", "mgnMode": "cross"}, 200, "59102"),
    ],
)
def test_the_http_status_belongs_to_the_code(method: str, path: str, body: Any, status: int, code: str) -> None:
    answer = Door().ask(method, path, body)
    assert (answer.status, orjson.loads(answer.body)["code"]) == (status, code)


ROUTES = (
    "public/funding-rate-history", "public/position-tiers", "public/mark-price", "public/funding-rate",
    "market/index-tickers", "market/books", "market/history-candles", "system/status", "asset/currencies",
    "account/bills", "account/bills-archive", "account/max-size", "account/max-avail-size", "trade/order-algo",
    "trade/orders-history", "trade/orders-history-archive", "trade/fills", "trade/fills-history",
)  # fmt: skip
NAMES = (
    "instId", "instType", "instFamily", "tdMode", "tier", "after", "before", "limit", "begin", "end", "type",
    "subType", "ccy", "px", "leverage", "reduceOnly", "algoId", "algoClOrdId", "state", "sz", "bar", "quoteCcy", "uly",
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["BTC-USDT-SWAP", "BTC-USDT", "SWAP", "cross", "isolated", "1", "0", "-1", "1e9999", "NaN", "²", "9" * 5000,
         "true", "64000", "0.00000000001", "100", "ongoing", "1m", "2", "USDT", ","]
    ),
)  # fmt: skip


@given(st.sampled_from(ROUTES), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_whatever_is_asked_is_answered_in_the_envelope(path: str, query: dict[str, str]) -> None:
    door = Door()
    door("POST", "trade/order", ORDER)
    text = urlencode(query, quote_via=quote)
    answer = door.ask("GET", f"{path}?{text}")
    parsed = orjson.loads(answer.body)
    assert answer.status in (200, 400)
    assert parsed.keys() == {"code", "msg", "data"}
    assert (parsed["code"] == "0") or parsed["data"] == []
    assert all(isinstance(row, dict | list) for row in parsed["data"])


def test_pages_of_a_list_are_its_parts() -> None:
    door = Door()
    whole = door("GET", "public/funding-rate-history?instId=BTC-USDT-SWAP&limit=100")["data"]
    first = door("GET", "public/funding-rate-history?instId=BTC-USDT-SWAP&limit=40")["data"]
    rest = door("GET", f"public/funding-rate-history?instId=BTC-USDT-SWAP&after={first[-1]['fundingTime']}&limit=60")
    assert first + rest["data"] == whole
    newer = door("GET", f"public/funding-rate-history?instId=BTC-USDT-SWAP&before={whole[2]['fundingTime']}")["data"]
    assert newer == whole[:2]
