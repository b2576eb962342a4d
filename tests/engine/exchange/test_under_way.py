"""A venue that takes its time: what expires while it is under way, and amends that come faster than they are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.exchange.clients import Door
from tests.engine.exchange.real_process import CONSTRUCTOR, SYMBOL, exchange, keys

SWAP = {"instId": "BTC-USDT-SWAP"}
ORDER = {**SWAP, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": "63900", "sz": "1"}
LATENCY_MS = 100


def amended(door: Door, ord_id: str, sz: int) -> Any:
    return door("POST", "trade/amend-order", {**SWAP, "ordId": ord_id, "newSz": str(sz)})["data"][0]["sCode"]


@pytest.mark.parametrize(
    ("latency_ms", "left_ms", "code"),
    [(0, -1, "50036"), (0, 0, "0"), (LATENCY_MS, -1, "50036"), (LATENCY_MS, 0, "50037"), (LATENCY_MS, 99, "50037"),
     (LATENCY_MS, 100, "0")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["trade/order", "trade/batch-orders"])
def test_what_expires_before_it_arrives_or_while_it_is_under_way_is_not_processed(
    path: str, latency_ms: int, left_ms: int, code: str
) -> None:
    door = Door(latency_ms=latency_ms)
    deadline = str(door.venue.exchange.now_ms() + left_ms)
    body = [ORDER] if "batch" in path else ORDER
    assert door("POST", path, body, expTime=deadline)["code"] == code
    assert len(door.venue.exchange.desk.orders.pending()) == (code == "0")


def test_an_amend_that_expires_under_way_leaves_the_order_as_it_was() -> None:
    door = Door(latency_ms=LATENCY_MS)
    ord_id = door("POST", "trade/order", ORDER)["data"][0]["ordId"]
    deadline = str(door.venue.exchange.now_ms() + 50)
    amend = {**SWAP, "ordId": ord_id, "newSz": "2"}
    assert door("POST", "trade/amend-order", amend, expTime=deadline)["code"] == "50037"
    assert door("GET", "trade/orders-pending")["data"][0]["sz"] == "1"


def test_a_fourth_amend_of_one_order_is_refused_while_three_are_in_flight() -> None:
    door = Door(latency_ms=LATENCY_MS)
    first, other = (door("POST", "trade/order", ORDER)["data"][0]["ordId"] for _ in range(2))
    assert [amended(door, first, sz) for sz in (2, 3, 4, 5)] == ["0", "0", "0", "51513"]
    assert amended(door, other, 5) == "0"
    sizes = {row["ordId"]: row["sz"] for row in door("GET", "trade/orders-pending")["data"]}
    assert sizes == {first: "4", other: "5"}
    door.venue.clock.advance(ms=LATENCY_MS - 1)
    assert amended(door, first, 6) == "51513"
    door.venue.clock.advance(ms=1)
    assert amended(door, first, 6) == "0"


def test_a_batch_is_in_flight_at_once_and_cxl_on_fail_cancels() -> None:
    door = Door(latency_ms=LATENCY_MS)
    ord_id = door("POST", "trade/order", ORDER)["data"][0]["ordId"]
    batch = [{**SWAP, "ordId": ord_id, "newSz": str(sz), "cxlOnFail": sz == 5} for sz in (2, 3, 4, 5)]
    said = door("POST", "trade/amend-batch-orders", batch)
    assert (said["code"], [row["sCode"] for row in said["data"]]) == ("2", ["0", "0", "0", "51513"])
    assert door("GET", "trade/orders-pending")["data"] == []


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_never_more_than_three_amends_of_an_order_are_taken_within_the_latency(waits: list[int]) -> None:
    door = Door(latency_ms=LATENCY_MS)
    ord_id = door("POST", "trade/order", ORDER)["data"][0]["ordId"]
    taken: list[int] = []
    for number, wait_ms in enumerate(waits):
        door.venue.clock.advance(ms=wait_ms)
        now_ms = door.venue.exchange.now_ms()
        in_flight = sum(now_ms - at < LATENCY_MS for at in taken)
        code = amended(door, ord_id, number + 2)
        assert code == ("51513" if in_flight >= 3 else "0")
        if code == "0":
            taken.append(now_ms)


def test_ccxt_is_told_of_an_order_that_expired_under_way(tmp_path: Path) -> None:
    with exchange(tmp_path, "--latency-ms", "1000") as where:
        okx: Any = ccxt.okx({**CONSTRUCTOR, **keys(where)})
        okx.urls["api"]["rest"] = where["rest"]
        okx.load_markets()
        okx.headers = {"expTime": str(okx.milliseconds() + 900)}
        with pytest.raises(ccxt.ExchangeError, match="50037"):
            okx.create_order(SYMBOL, "limit", "buy", 1, 63900, {"tdMode": "isolated"})
        okx.headers = {}
        assert okx.fetch_open_orders(SYMBOL) == []
