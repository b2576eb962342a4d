"""What the gate saw goes into the record as it saw it, later, and not without bound."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

from engine.book import Book
from engine.execution.router import client_order_id_of
from engine.risk.gate import Cleared, default_gate
from engine.risk.view import Refusal
from engine.verdicts import DepthSeen, VerdictLog
from schemas.blackbox import Direction, NullTap
from schemas.messages import OrderRequest
from schemas.settings.risk import Risk
from tests.support.clock import ManualClock
from tests.support.orders import INSTRUMENT, ORDER, DeepBook, order, view
from tests.support.tape import Tape

GATE = default_gate(Risk(), brain_timeout_s=3)
S = 1_000_000_000


class GateTape(Tape):
    @property
    def notes(self) -> list[tuple[str, str, dict[str, Any]]]:
        assert all(one.direction is Direction.NOTE and one.vital for one in self.taken)
        return [(one.channel, one.topic, json.loads(one.payload)) for one in self.taken]


class Scene:
    def __init__(self) -> None:
        self.tape, self.clock = GateTape(), ManualClock()
        self.log = VerdictLog(self.tape, self.clock)

    def judge(self, request: OrderRequest, now_ns: int = S, **seen: Any) -> Cleared | Refusal:
        looked = view(**seen)
        verdict = GATE.judge(request, looked)
        self.log.add(request, looked, GATE, verdict, judged_ns=now_ns, cost_ns=7_000, by="brain")
        return verdict


def run(work: Any) -> None:
    async def body() -> None:
        work()

    asyncio.run(body())


def test_a_verdict_is_told_whole_and_not_at_once() -> None:
    here = Scene()

    async def body() -> None:
        here.judge(ORDER, causes="")
        assert here.tape.notes == []
        await asyncio.sleep(0.03)

    asyncio.run(body())
    ((channel, topic, note),) = here.tape.notes
    assert (channel, topic) == ("gate", "i1")
    assert (note["judged_ns"], note["cost_ns"], note["by"], note["verdict"]) == (S, 7_000, "brain", "cleared")
    assert note["refusal"] is None
    assert note["order"]["contracts"] == "1"
    assert note["client_order_id"] == client_order_id_of("i1")
    assert note["view"]["equity"] == "100000"
    assert note["view"]["terms"]["lot"] == "0.01"
    assert note["view"]["day"]["opening"] == "100000"
    assert [row["rule"] for row in note["rules"]] == [rule.name for rule in GATE.rules]
    assert note["rules"][5] == {
        "rule": "account_share", "code": "RISK_VIOLATION", "observed": "0.6400 %", "limit": "10.0 %",
        "outcome": "passed",
    }  # fmt: skip


def test_the_book_and_the_known_intents_are_told_as_the_gate_saw_them() -> None:
    here = Scene()
    book, known = DeepBook(behind=3.2), {"i9"}

    def work() -> None:
        assert isinstance(here.judge(ORDER, depth=DepthSeen(book), known_intents=known), Cleared)
        book._behind = 1_000.0
        known.add("i1")
        assert isinstance(here.judge(order(intent_id="i9"), depth=DepthSeen(DeepBook()), known_intents=known), Refusal)
        known.clear()
        here.log.flush()

    run(work)
    (_, _, cleared), (_, _, refused) = here.tape.notes
    rows = {row["rule"]: (row["observed"], row["outcome"]) for row in cleared["rules"]}
    assert rows["slippage"] == ("0.50 bps", "passed")
    assert rows["duplicate_intent"] == ("i1, new", "passed")
    assert refused["rules"][-1] == {
        "rule": "duplicate_intent", "code": "DUPLICATE_INTENT", "observed": "i9", "limit": "once", "outcome": "refused",
    }  # fmt: skip
    assert refused["refusal"]["rule"] == "duplicate_intent"


def test_a_book_is_asked_once_for_a_verdict_and_its_table() -> None:
    book = Book(INSTRUMENT)
    rows = [["64000", "2", "0", "1"]]
    book.snapshot([["63999", "2", "0", "1"]], rows, sequence=1, checksum=0)
    seen = DepthSeen(book)
    assert seen.average_price(buy=True, contracts=1.0) == 64_000.0
    book.invalidate()
    assert seen.average_price(buy=True, contracts=1.0) == 64_000.0
    assert DepthSeen(book).average_price(buy=True, contracts=1.0) is None


def test_in_a_storm_of_refusals_fifty_a_second_are_told_and_the_rest_are_counted() -> None:
    here = Scene()

    def work() -> None:
        for number in range(1_000):
            here.judge(order(intent_id=f"i{number}", contracts=Decimal(100)), S + number)
        here.judge(order(intent_id="fine"), S + 1_001)
        here.judge(order(intent_id="later", contracts=Decimal(100)), 2 * S + 1_001)
        here.log.flush()

    run(work)
    told = [topic for _, topic, _ in here.tape.notes]
    assert told == [*(f"i{number}" for number in range(50)), "fine", "later", "untold"]
    assert here.tape.notes[-1][2] == {
        "refused_without_table": 950, "since_ns": S + 50, "until_ns": here.clock.monotonic_ns(),
    }  # fmt: skip


def test_without_a_blackbox_nothing_is_kept() -> None:
    log = VerdictLog(NullTap(), ManualClock())
    log.add(ORDER, view(), GATE, GATE.judge(ORDER, view()), judged_ns=1, cost_ns=1, by="brain")  # needs no loop
    log.flush()
