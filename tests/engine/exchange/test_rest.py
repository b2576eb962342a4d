"""Signatures, envelope, codes and limits of REST, without a socket."""

from __future__ import annotations

import orjson
import pytest

from engine.exchange.auth import check_login, check_rest, sign
from engine.exchange.market.events import Print
from tests.engine.exchange.clients import Door
from tests.engine.exchange.support import CREDENTIALS

ORDER = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": "63900", "sz": "1"}


def test_the_signature_is_the_one_that_openssl_computes() -> None:
    # printf '2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC' | openssl dgst -sha256 -hmac SECRET -binary
    payload = "2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC"
    assert sign(CREDENTIALS.secret, payload) == "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"OK-ACCESS-SIGN": "wrong"}, "50113"),
        ({"OK-ACCESS-KEY": "other"}, "50111"),
        ({"OK-ACCESS-PASSPHRASE": "other"}, "50105"),
        ({"OK-ACCESS-TIMESTAMP": "yesterday"}, "50112"),
        ({"OK-ACCESS-SIGN": ""}, "50106"),
    ],
)
def test_a_wrong_header_is_named_by_its_code(change: dict[str, str], code: str | None) -> None:
    door, target = Door(), "/api/v5/account/balance?ccy=USDT%2CBTC"
    headers = door.headers("GET", target, "") | change
    failure = check_rest(CREDENTIALS, headers, "GET", target, "", door.venue.exchange.now_ms())
    assert (failure.code if failure else None) == code


def test_the_signature_is_over_the_raw_target_not_a_decoded_one() -> None:
    door = Door()
    headers = door.headers("GET", "/api/v5/account/balance?ccy=USDT,BTC", "")
    answer = door.rest.handle("GET", "/api/v5/account/balance?ccy=USDT%2CBTC", headers, "")
    assert (answer.status, orjson.loads(answer.body)["code"]) == (401, "50113")


@pytest.mark.parametrize(("skew_s", "status"), [(-29.0, 200), (29.0, 200), (-31.0, 401), (31.0, 401)])
def test_a_request_is_believed_for_30_seconds(skew_s: float, status: int) -> None:
    door, target = Door(), "/api/v5/account/config"
    answer = door.rest.handle("GET", target, door.headers("GET", target, "", skew_s), "")
    assert answer.status == status
    assert (orjson.loads(answer.body)["code"] == "50102") is (status == 401)


@pytest.mark.parametrize(
    ("stamp", "code"), [("1721347020", None), ("1721346980", "60006"), ("nan", "60006"), ("x", "60004")]
)
def test_a_login_needs_a_fresh_timestamp_in_seconds(stamp: str, code: str | None) -> None:
    signature = sign(CREDENTIALS.secret, stamp + "GET/users/self/verify")
    args = {"apiKey": "key", "passphrase": "phrase", "timestamp": stamp, "sign": signature}
    failure = check_login(CREDENTIALS, args, 1_721_347_020_000)
    assert (failure.code if failure else None) == code


def test_the_outer_code_of_a_batch_tells_all_some_or_none() -> None:
    door = Door()
    good, wrong = ORDER, {**ORDER, "sz": "0.005"}
    answers = [door("POST", "trade/batch-orders", items) for items in ([good, good], [good, wrong], [wrong, wrong])]
    assert [a["code"] for a in answers] == ["0", "2", "1"]
    assert [[row["sCode"] for row in a["data"]] for a in answers] == [["0", "0"], ["0", "51121"], ["51121", "51121"]]
    assert all(len(a["inTime"]) == len(a["outTime"]) == 16 for a in answers)


def test_an_order_is_found_amended_canceled_and_then_absent_from_pending() -> None:
    door = Door()
    placed = door("POST", "trade/order", {**ORDER, "clOrdId": "a1"})["data"][0]
    name = {"instId": "BTC-USDT-SWAP", "clOrdId": "a1"}
    assert door("POST", "trade/amend-order", {**name, "newSz": "2", "reqId": "r"})["data"][0]["reqId"] == "r"
    (row,) = door("GET", "trade/order?instId=BTC-USDT-SWAP&clOrdId=a1")["data"]
    assert (row["ordId"], row["state"], row["sz"], row["avgPx"]) == (placed["ordId"], "live", "2", "")
    assert door("POST", "trade/cancel-order", name)["data"][0]["sCode"] == "0"
    assert door("POST", "trade/cancel-order", name)["data"][0]["sCode"] == "51401"
    assert door("POST", "trade/amend-order", {**name, "newSz": "3"})["data"][0]["sCode"] == "51503"
    assert door("GET", "trade/orders-pending?instType=SWAP")["data"] == []
    assert [r["state"] for r in door("GET", "trade/orders-history?instType=SWAP")["data"]] == ["canceled"]
    door.venue.clock.advance(s=2 * 3600 + 1)
    assert door("GET", "trade/orders-history?instType=SWAP")["data"] == []
    assert door("GET", "trade/order?instId=BTC-USDT-SWAP&clOrdId=a1")["code"] == "51603"


def test_an_order_past_its_exp_time_is_not_processed() -> None:
    door = Door()
    now_ms = door.venue.exchange.now_ms()
    assert door("POST", "trade/order", ORDER, expTime=str(now_ms - 1))["code"] == "50036"
    assert door("GET", "trade/orders-pending")["data"] == []
    assert door("POST", "trade/order", ORDER, expTime=str(now_ms + 500))["code"] == "0"


def test_more_than_60_orders_in_2_seconds_are_refused_and_not_processed() -> None:
    door = Door()
    small = {**ORDER, "sz": "0.01"}
    codes = [door("POST", "trade/order", small)["code"] for _ in range(61)]
    assert codes == ["0"] * 60 + ["50011"]
    assert len(door.venue.exchange.desk.orders.pending()) == 60
    door.venue.clock.advance(s=2)
    assert door("POST", "trade/order", small)["code"] == "0"


def test_an_algo_order_that_is_refused_has_outer_code_0() -> None:
    door = Door()
    raw = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "sell", "ordType": "oco", "sz": "1"}
    answer = door("POST", "trade/order-algo", {**raw, "slTriggerPx": "63000", "slOrdPx": "-1"})
    assert (answer["code"], answer["data"][0]["sCode"]) == ("0", "51000")
    legs = {"tpTriggerPx": "65000", "tpOrdPx": "-1", "slTriggerPx": "63000", "slOrdPx": "-1"}
    algo_id = door("POST", "trade/order-algo", {**raw, **legs, "reduceOnly": True})["data"][0]["algoId"]
    assert [a["algoId"] for a in door("GET", "trade/orders-algo-pending?ordType=oco")["data"]] == [algo_id]
    cancel = [{"instId": "BTC-USDT-SWAP", "algoId": algo_id}]
    assert [door("POST", "trade/cancel-algos", cancel)["code"] for _ in range(2)] == ["0", "1"]


def test_cancel_all_after_takes_text_or_number_and_once_a_second() -> None:
    door = Door()
    placed = door("POST", "trade/order", ORDER)["data"][0]
    armed = door("POST", "trade/cancel-all-after", {"timeOut": 10})
    assert int(armed["data"][0]["triggerTime"]) == door.venue.exchange.now_ms() + 10_000
    assert door("POST", "trade/cancel-all-after", {"timeOut": "0"})["code"] == "50011"
    door.venue.clock.advance(s=10)
    (row,) = door("GET", f"trade/order?instId=BTC-USDT-SWAP&ordId={placed['ordId']}")["data"]
    assert (row["state"], row["cancelSource"]) == ("canceled", "20")
    assert door("POST", "trade/cancel-all-after", {"timeOut": "0"})["data"][0]["triggerTime"] == "0"
    door.venue.clock.advance(s=1)
    assert door("POST", "trade/cancel-all-after", {"timeOut": "9"})["code"] == "51000"


def test_fills_are_paged_newest_first() -> None:
    door = Door()
    for _ in range(3):
        door("POST", "trade/order", {**ORDER, "ordType": "market"})
    bills = [row["billId"] for row in door("GET", "trade/fills")["data"]]
    assert bills == sorted(bills, reverse=True)
    assert [row["billId"] for row in door("GET", f"trade/fills?after={bills[1]}")["data"]] == [bills[2]]
    assert [row["billId"] for row in door("GET", f"trade/fills?before={bills[1]}")["data"]] == [bills[0]]


def test_closing_needs_a_position_and_no_order_in_the_way() -> None:
    door = Door()
    close = {"instId": "BTC-USDT-SWAP", "mgnMode": "isolated"}
    assert door("POST", "trade/close-position", close)["code"] == "51023"
    door("POST", "trade/order", {**ORDER, "ordType": "market"})
    door("POST", "trade/order", {**ORDER, "side": "sell", "px": "64100"})
    assert door("POST", "trade/close-position", close)["code"] == "51115"
    answer = door("POST", "trade/close-position", {**close, "autoCxl": True})
    assert "ordId" not in answer["data"][0]
    assert door("GET", "account/positions")["data"] == []


def test_the_public_calls_answer_in_okx_shape() -> None:
    door = Door()
    door.venue.market(Print("buy", 640_000, 250, 2))
    assert door("GET", "public/instruments?instType=SWAP")["data"][0]["instIdCode"] == 10459
    assert door("GET", "public/instruments?instType=SPOT")["data"] == []
    (book,) = door("GET", "market/books?instId=BTC-USDT-SWAP&sz=2")["data"]
    assert book["bids"] == [["63999.9", "100", "0", "1"], ["63999.8", "500", "0", "1"]]
    (trade,) = door("GET", "market/trades?instId=BTC-USDT-SWAP")["data"]
    assert (trade["px"], trade["sz"], trade["side"], trade["count"], type(trade["seqId"])) == (
        "64000",
        "2.5",
        "buy",
        "2",
        int,
    )
    assert door("GET", "market/ticker?instId=ETH-USDT-SWAP")["code"] == "51001"
    (fee,) = door("GET", "account/trade-fee?instType=SWAP&instFamily=BTC-USDT")["data"]
    assert (fee["makerU"], fee["takerU"]) == ("-0.0002", "-0.0005")
    assert door("POST", "account/set-leverage", {"instId": "BTC-USDT-SWAP", "lever": 7, "mgnMode": "isolated"})[
        "data"
    ] == [{"lever": "7", "mgnMode": "isolated", "instId": "BTC-USDT-SWAP", "posSide": "net"}]
