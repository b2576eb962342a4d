"""Faults that bend the answers of REST: what the client is told, and what was done all the same."""

from __future__ import annotations

from typing import Any

import pytest

from engine.exchange.faults.answers import UNEXPLAINED
from engine.exchange.faults.switchboard import Fault
from tests.engine.exchange.faults.support import LIMIT, MARKET, SWAP, Rig, Said, audit


def test_ack_lost_executes_the_order_and_drops_the_connection() -> None:
    rig = Rig(Fault(name="ack_lost", times=1))
    peer = rig.connect("private", "orders", instType="SWAP")
    assert rig("GET", "trade/orders-pending?instType=SWAP") is not None
    assert rig("POST", "trade/order", {**MARKET, "clOrdId": "a"}) is None
    assert [row["state"] for row in peer.data("orders")] == ["live", "filled"]
    (row,) = rig.rows("trade/order?instId=BTC-USDT-SWAP&clOrdId=a")
    assert (row["state"], rig.venue.held) == ("filled", 100)
    assert rig.faults.injected() == {"ack_lost": 1}
    audit(rig.venue)


def test_ack_lost_strikes_a_cancel_too_and_only_the_call_it_is_meant_for() -> None:
    rig = Rig(Fault(name="ack_lost", times=1, call="trade/cancel-order"))
    assert rig("POST", "trade/order", {**LIMIT, "clOrdId": "a"}) is not None
    assert rig("POST", "trade/cancel-order", {**SWAP, "clOrdId": "a"}) is None
    (row,) = rig.rows("trade/order?instId=BTC-USDT-SWAP&clOrdId=a")
    assert (row["state"], row["cancelSource"]) == ("canceled", "1")


def test_fill_before_ack_pushes_first_and_answers_later() -> None:
    rig = Rig(Fault(name="fill_before_ack", times=1, delay_ms=300), latency_ms=20)
    peer = rig.connect("private", "orders", instType="SWAP")
    target, body = "/api/v5/trade/order", '{"instId":"BTC-USDT-SWAP","tdMode":"isolated","side":"buy",'
    body += '"ordType":"market","sz":"1"}'
    seen: list[list[str]] = []

    async def sleep(seconds: float) -> None:
        rig.slept.append(seconds)
        seen.append([row["state"] for row in peer.data("orders")])

    rig.door._sleep = sleep
    work = rig.door.request("POST", target, rig.headers("POST", target, body), body)
    with pytest.raises(StopIteration) as done:
        work.send(None)
    assert (done.value.value.status, rig.slept, seen) == (200, [0.32], [["live", "filled"]])
    rig("POST", "trade/order", MARKET)
    assert rig.slept == [0.32, 0.02]


def test_rate_limited_is_429_with_50011_and_processes_nothing() -> None:
    rig = Rig(Fault(name="rate_limited", times=2))
    assert rig("POST", "trade/order", MARKET) == Said(429, {"code": "50011", "msg": "Too Many Requests", "data": []})
    said = rig("GET", "public/time")
    assert said is not None and said.status == 429
    assert (rig.exchange.desk.orders.fills, rig.venue.held) == ([], 0)
    assert rig("GET", "public/time") is not None
    assert rig.faults.injected() == {"rate_limited": 2}


def test_unavailable_is_503_with_50001_and_processes_nothing() -> None:
    rig = Rig(Fault(name="unavailable", times=1, call="POST trade/order"))
    rig.rows("public/time")
    said = rig("POST", "trade/order", LIMIT)
    assert said is not None
    assert (said.status, said.json["code"], said.json["data"]) == (503, "50001", [])
    assert rig.exchange.desk.orders.pending() == []


@pytest.mark.parametrize("executed", [True, False])
def test_endpoint_timeout_says_50004_whether_or_not_it_was_done(executed: bool) -> None:
    rig = Rig(Fault(name="endpoint_timeout", times=1, executed=executed))
    said = rig("POST", "trade/order", LIMIT)
    assert said is not None
    assert (said.status, said.json["code"], said.json["data"]) == (400, "50004", [])
    assert len(rig.exchange.desk.orders.pending()) == executed


@pytest.mark.parametrize("executed", [True, False])
def test_order_timeout_says_51149_for_each_order_whether_or_not_it_was_done(executed: bool) -> None:
    rig = Rig(Fault(name="order_timeout", times=1, executed=executed))
    said = rig("POST", "trade/batch-orders", [{**LIMIT, "clOrdId": "a"}, {**LIMIT, "clOrdId": "b"}])
    assert said is not None
    assert (said.status, said.json["code"]) == (200, "1")
    assert [(r["sCode"], r["clOrdId"], r["ordId"]) for r in said.json["data"]] == [
        ("51149", "a", ""), ("51149", "b", ""),
    ]  # fmt: skip
    assert len(rig.exchange.desk.orders.pending()) == 2 * executed


@pytest.mark.parametrize("body", ["{", "[]", "7", "[7]", ""])
def test_order_timeout_survives_what_is_no_order(body: str) -> None:
    rig = Rig(Fault(name="order_timeout", executed=False))
    target = "/api/v5/trade/order"
    with pytest.raises(StopIteration) as done:
        rig.door.request("POST", target, {}, body).send(None)
    assert done.value.value.status == 200


@pytest.mark.parametrize("executed", [True, False])
def test_unexplained_answer_is_200_with_json_of_no_known_form(executed: bool) -> None:
    rig = Rig(Fault(name="unexplained_answer", executed=executed))
    said = [rig("POST", "trade/order", {**LIMIT, "sz": "0.01"}) for _ in range(30)]
    assert {s.status for s in said if s is not None} == {200}
    shapes: list[Any] = [s.json for s in said if s is not None]
    assert all(shape in UNEXPLAINED for shape in shapes)
    assert len({str(shape) for shape in shapes}) > 1
    assert len(rig.exchange.desk.orders.pending()) == 30 * executed
    audit(rig.venue)


def test_not_found_hides_a_young_order_for_some_look_ups_and_no_order_that_was_seen() -> None:
    rig = Rig()
    look_up = "trade/order?instId=BTC-USDT-SWAP&clOrdId="
    for name in ("old", "seen", "new"):
        rig("POST", "trade/order", {**LIMIT, "sz": "0.1", "clOrdId": name})
        if name == "old":
            rig.passes(1010)
    assert rig.rows(look_up + "seen")
    rig.faults.arm(Fault(name="not_found", lookups=2, within_ms=1000))
    rig.rows(look_up + "old")
    rig.rows(look_up + "seen")
    codes = [rig("GET", look_up + "new") for _ in range(3)]
    assert [said.json["code"] for said in codes if said is not None] == ["51603", "51603", "0"]
    absent = rig("GET", look_up + "never")
    assert absent is not None and absent.json["code"] == "51603"
    assert rig.faults.injected() == {"not_found": 1}
    assert len(rig.rows("trade/orders-pending?instType=SWAP")) == 3


def test_not_found_ends_when_it_is_cleared() -> None:
    rig = Rig(Fault(name="not_found", lookups=50))
    rig("POST", "trade/order", {**LIMIT, "clOrdId": "a"})
    look_up = "trade/order?instId=BTC-USDT-SWAP&clOrdId=a"
    hidden = rig("GET", look_up)
    assert hidden is not None and hidden.json["code"] == "51603"
    rig.faults.clear("not_found")
    assert rig.rows(look_up)


def test_slow_answer_delays_any_call_that_was_processed_at_once() -> None:
    rig = Rig(Fault(name="slow_answer", times=2, delay_ms=700))
    rig("POST", "trade/order", MARKET)
    assert (rig.slept, rig.exchange.desk.orders.fills[0].ts_ms) == ([0.7], rig.exchange.now_ms() - 700)
    rig.rows("account/positions")
    rig.rows("account/positions")
    assert rig.slept == [0.7, 0.7]


def test_disconnect_mid_order_cuts_private_websockets_before_they_hear_of_the_order() -> None:
    rig = Rig(Fault(name="disconnect_mid_order", times=1))
    orders = {"instType": "SWAP"}
    private = [rig.connect("private", "orders", **orders) for _ in range(2)]
    public, business = rig.connect("public", "trades", **SWAP), rig.connect("business", "orders-algo", **orders)
    assert rig("POST", "trade/order", MARKET) is None
    assert [(peer.ended, peer.take()) for peer in private] == [(["dropped"], [])] * 2
    assert (public.ended, business.ended, len(public.data("trades"))) == ([], [], 1)
    assert rig.venue.held == 100
    assert rig.connect("private", "orders", **orders).ended == []
    audit(rig.venue)


def test_a_call_that_does_not_exist_is_no_occasion_for_a_fault() -> None:
    rig = Rig(Fault(name="rate_limited"))
    said = rig("GET", "no/such")
    assert said is not None and said.status == 404
    assert rig.faults.injected() == {}


def test_one_call_meets_one_outcome_so_that_no_strike_is_wasted() -> None:
    rig = Rig(*(Fault(name=name, times=1) for name in ("ack_lost", "order_timeout", "rate_limited")))
    seen = [rig("POST", "trade/order", LIMIT) for _ in range(4)]
    assert [None if said is None else said.json["code"] for said in seen] == ["50011", "1", None, "0"]
    assert len(rig.exchange.desk.orders.pending()) == 3
