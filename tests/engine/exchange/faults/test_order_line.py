"""Orders over the websocket meet the same faults as over REST: late, lost, bent, or not done at all."""

from __future__ import annotations

from typing import Any

import pytest

from engine.exchange.faults.order_line import CALLS, OUTCOMES
from engine.exchange.faults.switchboard import Fault
from tests.engine.exchange.faults.support import Peer, Rig

ORDER = {"instIdCode": 10459, "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": "60000", "sz": "1"}


def scene() -> tuple[Rig, Peer]:
    rig = Rig()
    return rig, rig.connect("private")


def place(line: Peer, **more: Any) -> None:
    line.says(id="7", op="order", args=[{**ORDER, **more}])


def resting(rig: Rig) -> int:
    return len(rig.exchange.desk.orders.pending())


def test_without_a_fault_an_order_is_answered_at_once_with_its_id_first() -> None:
    rig, line = scene()
    place(line)
    assert line.raw[0].startswith(b'{"id":"7","op":"order","code":"0"')
    assert resting(rig) == 1


@pytest.mark.parametrize(("name", "code", "rests"), [("rate_limited", "50011", 0), ("unavailable", "50001", 0)])
def test_what_is_not_processed_says_so_and_leaves_no_order(name: str, code: str, rests: int) -> None:
    rig, line = scene()
    rig.faults.arm(Fault(name=name, times=1))
    place(line)
    (answer,) = line.take()
    assert (answer["id"], answer["op"], answer["code"], resting(rig)) == ("7", "order", code, rests)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("name", ["endpoint_timeout", "order_timeout", "unexplained_answer"])
def test_what_says_neither_yes_nor_no_is_done_or_not(name: str, executed: bool) -> None:
    rig, line = scene()
    rig.faults.arm(Fault(name=name, times=1, executed=executed))
    place(line, clOrdId="so1")
    (answer,) = line.take()
    codes = [answer.get("code"), *(row.get("sCode") for row in answer.get("data") or [] if isinstance(row, dict))]
    assert {"endpoint_timeout": "50004", "order_timeout": "51149"}.get(name, codes[0]) in codes
    assert (answer["id"], resting(rig)) == ("7", int(executed))


def test_a_lost_ack_cuts_the_connection_that_asked_after_the_order_was_taken() -> None:
    rig, line = scene()
    other = Peer(rig, "private")
    rig.faults.arm(Fault(name="ack_lost", times=1))
    place(line)
    assert (line.take(), line.ended, other.ended, resting(rig)) == ([], ["dropped"], [], 1)


def test_a_disconnect_mid_order_cuts_every_private_connection() -> None:
    rig, line = scene()
    other = Peer(rig, "private")
    rig.faults.arm(Fault(name="disconnect_mid_order", times=1))
    place(line)
    assert (line.take(), line.ended, other.ended, resting(rig)) == ([], ["dropped"], ["dropped"], 1)


@pytest.mark.parametrize("name", ["fill_before_ack", "slow_answer"])
def test_a_late_answer_comes_late_and_the_order_is_there_before_it(name: str) -> None:
    rig, line = scene()
    rig.faults.arm(Fault(name=name, times=1, delay_ms=300))
    place(line)
    assert (line.take(), resting(rig)) == ([], 1)
    rig.passes(290)
    assert line.take() == []
    rig.passes(20)
    (answer,) = line.take()
    assert (answer["id"], answer["data"][0]["sCode"]) == ("7", "0")


def test_a_fault_for_another_call_does_not_strike() -> None:
    rig, line = scene()
    rig.faults.arm(Fault(name="ack_lost", times=1, call="trade/cancel-order"))
    place(line)
    (answer,) = line.take()
    assert (answer["code"], line.ended) == ("0", [])
    line.says(id="8", op="cancel-order", args=[{"instIdCode": 10459, "ordId": answer["data"][0]["ordId"]}])
    assert (line.ended, resting(rig)) == (["dropped"], 0)


def test_every_op_has_its_call_and_outcomes_are_faults_of_the_catalogue() -> None:
    assert {call.partition("/")[0] for call in CALLS.values()} == {"trade"}
    assert all(Fault(name=name).name == name for name in OUTCOMES)
