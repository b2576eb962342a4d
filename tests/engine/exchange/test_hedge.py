"""Hedge mode (long_short_mode): how it is entered, and what orders, algo orders, rows and pushes say of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.exchange.market.events import Print
from tests.engine.exchange.clients import Door, Line, hedged

SWAP = {"instId": "BTC-USDT-SWAP"}
LIMIT = {**SWAP, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": "63900", "sz": "1"}
STOP = {**SWAP, "tdMode": "isolated", "side": "sell", "ordType": "conditional", "slTriggerPx": "63000", "slOrdPx": "-1"}
OPENS = {"long": "buy", "short": "sell"}
CLOSES = {"long": "sell", "short": "buy"}


def opened(door: Door, direction: str, sz: str, mode: str = "isolated", **more: Any) -> Any:
    order = {**SWAP, "tdMode": mode, "ordType": "market", "sz": sz, "side": OPENS[direction], "posSide": direction}
    return code_of(door("POST", "trade/order", {**order, **more}))


def closed(door: Door, direction: str, sz: str, mode: str = "isolated", **more: Any) -> Any:
    return opened(door, direction, sz, mode, side=CLOSES[direction], **more)


def code_of(answer: Any) -> str:
    """The item's code, or that of the answer if it has no items."""
    items = answer["data"]
    return str(items[0].get("sCode", answer["code"])) if items else str(answer["code"])


def positions(door: Door, *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in door("GET", "account/positions")["data"]]


def pos_mode(door: Door) -> str:
    return str(door("GET", "account/config")["data"][0]["posMode"])


# -- the mode ---------------------------------------------------------------------------------------------------------


def test_an_account_starts_in_net_mode_and_is_switched_both_ways() -> None:
    door = Door()
    seen = [pos_mode(door)]
    for mode in ("long_short_mode", "long_short_mode", "net_mode"):
        assert door("POST", "account/set-position-mode", {"posMode": mode})["data"] == [{"posMode": mode}]
        seen.append(pos_mode(door))
    assert seen == ["net_mode", "long_short_mode", "long_short_mode", "net_mode"]
    assert door("POST", "account/set-position-mode", {"posMode": "hedge"})["code"] == "51000"


@pytest.mark.parametrize("to", ["net_mode", "long_short_mode"])
@pytest.mark.parametrize("open_", ["position", "order", "algo"])
def test_the_mode_is_kept_while_anything_is_open(open_: str, to: str) -> None:
    door = hedged() if to == "net_mode" else Door()
    before = pos_mode(door)
    side = {"posSide": "long"} if to == "net_mode" else {}
    if open_ == "position":
        ends = "trade/close-position", {**SWAP, "mgnMode": "isolated", **side}
        said = door("POST", "trade/order", {**LIMIT, "ordType": "market", **side})
    elif open_ == "order":
        said = door("POST", "trade/order", LIMIT | side)
        ends = "trade/cancel-order", {**SWAP, "ordId": said["data"][0]["ordId"]}
    else:
        said = door("POST", "trade/order-algo", {**STOP, **side, "sz": "1"})
        ends = "trade/cancel-algos", [{**SWAP, "algoId": said["data"][0]["algoId"]}]  # type: ignore[assignment]
    assert code_of(said) == "0"
    assert door("POST", "account/set-position-mode", {"posMode": to})["code"] == "59000"
    assert pos_mode(door) == before
    assert code_of(door("POST", *ends)) == "0"
    assert door("POST", "account/set-position-mode", {"posMode": to})["code"] == "0"
    assert pos_mode(door) == to


@pytest.mark.parametrize("pos_side", [None, "", "net", "both", 1])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("trade/order", LIMIT),
        ("trade/batch-orders", [LIMIT]),
        ("trade/order-algo", {**STOP, "sz": "1"}),
        ("trade/close-position", {**SWAP, "mgnMode": "isolated"}),
        ("account/set-leverage", {**SWAP, "mgnMode": "isolated", "lever": "5"}),
    ],
)
def test_every_call_must_say_long_or_short(path: str, body: Any, pos_side: object) -> None:
    side = {} if pos_side is None else {"posSide": pos_side}
    given = [item | side for item in body] if isinstance(body, list) else body | side
    assert code_of(hedged()("POST", path, given)) == "51000"


def test_in_net_mode_neither_long_nor_short_is_taken() -> None:
    for direction in ("long", "short"):
        assert code_of(Door()("POST", "trade/order", {**LIMIT, "posSide": direction})) == "51000"


# -- orders and positions ---------------------------------------------------------------------------------------------


def test_long_and_short_are_held_side_by_side_and_never_net() -> None:
    door = hedged()
    for direction, sz, mode in (("long", "3", "isolated"), ("short", "2", "isolated"), ("long", "1", "cross")):
        assert opened(door, direction, sz, mode) == "0"
    columns = ("mgnMode", "posSide", "pos", "availPos", "avgPx", "margin", "imr", "upl")
    assert positions(door, *columns) == [
        ("cross", "long", "1", "1", "64000", "", "213.333333333333", "0"),
        ("isolated", "long", "3", "3", "64000", "640", "", "0"),
        ("isolated", "short", "2", "2", "63999.9", "426.666", "", "-0.002"),
    ]
    assert len({row["posId"] for row in door("GET", "account/positions")["data"]}) == 3
    assert closed(door, "long", "3") == "0"
    assert positions(door, "mgnMode", "posSide", "pos") == [("cross", "long", "1"), ("isolated", "short", "2")]


def test_what_closes_must_find_so_much_that_nothing_closes_already() -> None:
    door = hedged()
    assert (closed(door, "long", "1"), opened(door, "long", "3"), closed(door, "short", "1")) == ("51169", "0", "51169")
    resting = {"ordType": "limit", "px": "64100"}
    assert (closed(door, "long", "3.01"), closed(door, "long", "2", **resting)) == ("51112", "0")
    assert positions(door, "pos", "availPos") == [("3", "1")]
    assert (closed(door, "long", "1.01"), closed(door, "long", "1")) == ("51112", "0")
    (waits,) = door("GET", "trade/orders-pending")["data"]
    assert (waits["posSide"], waits["side"], waits["sz"], waits["reduceOnly"]) == ("long", "sell", "2", "false")
    amend = {**SWAP, "ordId": waits["ordId"]}
    assert code_of(door("POST", "trade/amend-order", {**amend, "newSz": "2.01"})) == "51112"
    assert code_of(door("POST", "trade/amend-order", {**amend, "newSz": "1.5"})) == "0"
    assert positions(door, "pos", "availPos") == [("2", "0.5")]


def test_reduce_only_means_nothing_there() -> None:
    door = hedged()
    assert opened(door, "short", "2", reduceOnly=True) == "0"
    assert positions(door, "posSide", "pos") == [("short", "2")]


def test_what_closes_cannot_carry_a_take_profit_or_stop() -> None:
    door = hedged()
    opened(door, "long", "1")
    legs = [{"slTriggerPx": "63000", "slOrdPx": "-1"}]
    assert closed(door, "long", "1", attachAlgoOrds=legs) == "51100"


def test_fills_orders_and_bills_say_which_position() -> None:
    door = hedged()
    for act in (opened, closed):
        for direction in ("long", "short"):
            assert act(door, direction, "1") == "0"
    told = [("long", "buy"), ("short", "sell"), ("long", "sell"), ("short", "buy")]
    for path in ("trade/fills?instType=SWAP", "trade/orders-history?instType=SWAP"):
        assert [(row["posSide"], row["side"]) for row in reversed(door("GET", path)["data"])] == told
    assert [row["subType"] for row in reversed(door("GET", "trade/fills")["data"])] == ["3", "4", "5", "6"]
    assert [row["subType"] for row in reversed(door("GET", "account/bills")["data"])] == ["3", "4", "5", "6"]
    assert door("GET", "account/positions")["data"] == []


def test_close_position_closes_the_direction_it_names() -> None:
    door = hedged()
    opened(door, "long", "2")
    opened(door, "short", "1")
    body = {**SWAP, "mgnMode": "isolated", "posSide": "long"}
    closed(door, "long", "1", ordType="limit", px="64100")
    assert code_of(door("POST", "trade/close-position", body)) == "51115"
    said = door("POST", "trade/close-position", {**body, "autoCxl": True, "clOrdId": "bye"})
    assert said["data"] == [{"clOrdId": "bye", "instId": "BTC-USDT-SWAP", "posSide": "long", "tag": ""}]
    assert positions(door, "posSide", "pos") == [("short", "1")]
    assert code_of(door("POST", "trade/close-position", body)) == "51023"


# -- algo orders ------------------------------------------------------------------------------------------------------


def test_an_attached_stop_closes_its_own_direction_only() -> None:
    door = hedged()
    opened(door, "short", "2")
    opened(door, "long", "3", attachAlgoOrds=[{"slTriggerPx": "63000", "slOrdPx": "-1"}])
    (stop,) = door("GET", "trade/orders-algo-pending?ordType=conditional")["data"]
    assert (stop["posSide"], stop["side"], stop["sz"], stop["reduceOnly"]) == ("long", "sell", "3", "false")
    (long_, short) = door("GET", "account/positions")["data"]
    assert ([row["algoId"] for row in long_["closeOrderAlgo"]], short["closeOrderAlgo"]) == ([stop["algoId"]], [])
    door.venue.market(Print("sell", 629_999, 1, 1))
    assert positions(door, "posSide", "pos") == [("short", "2")]
    child = door("GET", "trade/orders-history?instType=SWAP")["data"][0]
    assert (child["posSide"], child["side"], child["algoId"]) == ("long", "sell", stop["algoId"])


@pytest.mark.parametrize(("side", "code"), [("sell", "0"), ("buy", "51000")])
@pytest.mark.parametrize("what", [{"closeFraction": "1"}, {"sz": "1", "cxlOnClosePos": True}])
def test_only_an_algo_that_closes_may_be_for_all_of_it_or_end_with_it(what: Any, side: str, code: str) -> None:
    door = hedged()
    opened(door, "long", "3")
    opened(door, "short", "1")
    px = {"slTriggerPx": "63000" if side == "sell" else "65000"}
    assert code_of(door("POST", "trade/order-algo", {**STOP, **px, **what, "side": side, "posSide": "long"})) == code
    if code == "0" and "sz" in what:
        assert closed(door, "short", "1") == "0"
        assert len(door.venue.exchange.protector.algos.live()) == 1
        assert closed(door, "long", "3") == "0"
        assert door.venue.exchange.protector.algos.live() == []
    elif code == "0":
        door.venue.market(Print("sell", 629_999, 1, 1))
        assert positions(door, "posSide", "pos") == [("short", "1")]


def test_a_trigger_opens_and_a_trailing_stop_closes_the_direction_that_it_names() -> None:
    door = hedged()
    opened(door, "long", "1")
    terms = {**SWAP, "tdMode": "isolated", "sz": "1"}
    entry = {**terms, "side": "sell", "posSide": "short", "ordType": "trigger", "triggerPx": "63900", "orderPx": "-1"}
    trail = {**terms, "side": "sell", "posSide": "long", "ordType": "move_order_stop", "callbackSpread": "200"}
    for algo in (entry, trail):
        assert code_of(door("POST", "trade/order-algo", algo)) == "0"
    door.venue.market(Print("sell", 638_999, 1, 1))
    assert positions(door, "posSide", "pos") == [("long", "1"), ("short", "1")]
    door.venue.market(Print("sell", 637_999, 1, 1))
    assert positions(door, "posSide", "pos") == [("short", "1")]


def test_a_stop_that_finds_too_little_to_close_fails_and_opens_nothing() -> None:
    door = hedged()
    opened(door, "long", "3", attachAlgoOrds=[{"slTriggerPx": "63000", "slOrdPx": "-1"}])
    closed(door, "long", "1")
    door.venue.market(Print("sell", 629_999, 1, 1))
    (stop,) = door("GET", "trade/orders-algo-history?ordType=conditional&state=order_failed")["data"]
    assert (stop["failCode"], stop["posSide"]) == ("51112", "long")
    assert positions(door, "posSide", "pos") == [("long", "2")]


# -- pushes -----------------------------------------------------------------------------------------------------------


def test_every_private_push_says_which_position() -> None:
    door = hedged()
    private, business = (Line(path, door.venue, door.hub) for path in ("private", "business"))
    swap = {"instType": "SWAP"}
    private.login()
    business.login()
    opened(door, "short", "1")
    channels = ({"channel": "orders", **swap}, {"channel": "positions", **swap})
    private.tick()
    greeted = private.ask("subscribe", *channels, {"channel": "account"}, {"channel": "balance_and_position"})
    snapshots = {m["arg"]["channel"]: m["data"] for m in greeted if "data" in m}
    assert [(row["posSide"], row["pos"]) for row in snapshots["positions"]] == [("short", "1")]
    both = [row for row in snapshots["balance_and_position"][0]["posData"] if row["pos"] != "0"]
    assert [(row["posSide"], row["pos"]) for row in both] == [("short", "1")]
    business.ask("subscribe", {"channel": "orders-algo", **swap})
    args = [{"instIdCode": 10459, "tdMode": "isolated", "side": "buy", "posSide": "long", "ordType": "market",
             "sz": "2", "attachAlgoOrds": [{"slTriggerPx": "63000", "slOrdPx": "-1"}]}]  # fmt: skip
    pushed = private.ask("order", *args, id="1")
    assert [m["code"] for m in pushed if m.get("op") == "order"] == ["0"]
    pushed += private.tick()
    rows = {m["arg"]["channel"]: m["data"][-1] for m in pushed if "arg" in m}
    assert (rows["orders"]["posSide"], rows["orders"]["state"]) == ("long", "filled")
    assert (rows["positions"]["posSide"], rows["positions"]["pos"]) == ("long", "2")
    (moved,) = rows["balance_and_position"]["posData"]
    assert (moved["posSide"], moved["pos"], moved["posId"]) == ("long", "2", rows["positions"]["posId"])
    (detail,) = rows["account"]["details"]
    assert (detail["isoEq"], detail["isoUpl"], detail["cashBal"], detail["eq"]) == (
        "639.998666666667", "-0.001", "99359.040333833333", "99999.0390005",
    )  # fmt: skip
    (algo,) = [row for m in business.sent if "data" in m for row in m["data"]]
    assert (algo["posSide"], algo["side"], algo["sz"]) == ("long", "sell", "2")
    private.sent.clear()
    closed(door, "short", "1")
    (gone,) = [m["data"] for m in private.sent if m["arg"]["channel"] == "positions"]
    assert [(row["posSide"], row["pos"]) for row in gone] == [("short", "0")]
