"""The critical path without a venue: requests in, answers out."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from engine.desk import Desk
from engine.execution.journal import Journal
from engine.execution.lifecycle import OrderEvent
from engine.limits import Limits
from engine.market import Market
from engine.risk.ledger import Ledger
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.watches import BrainWatch
from engine.touch import Touch
from engine.trading import Trading
from engine.verdicts import VerdictLog
from schemas import codec
from schemas.channels import Reply as Answer
from schemas.channels import Wire
from schemas.messages import DecidedOn, Heartbeat, HeartbeatAck, OrderReject, OrderRequest, RejectCode, Reply, Request
from schemas.settings import Settings
from tests.support.clock import ManualClock
from tests.support.orders import INSTRUMENT, TERMS, DeepBook, order
from tests.support.tape import Tape

MS = 1_000_000
NOW = 1_721_347_020_000_000_000


class FakeMarket:
    """Ticks 1..9 came 50 ms apart, the newest just now."""

    instrument = INSTRUMENT
    book = DeepBook()

    def __init__(self) -> None:
        self.touch = Touch(
            bid=64_000.0, ask=64_000.1, sequence=9, received_ns=NOW, mono_ns=10_000 * MS, book_valid=True
        )

    def tick_mono_ns(self, sequence: int) -> int | None:
        return 10_000 * MS - (9 - sequence) * 50 * MS if 5 <= sequence <= 9 else None

    def at_the_latest_ns(self, sequence: int) -> int:
        return self.tick_mono_ns(max(5, sequence)) or 0


class Heard(list[bytes]):
    """What was answered to one request."""

    answered = False

    def __call__(self, payload: bytes) -> bool:
        assert not self.answered
        self.answered = True
        self.append(payload)
        return True


class Scene:
    def __init__(self, tmp_path: Path, *, active: bool = True) -> None:
        clock, settings = ManualClock(), Settings()
        self.causes = TradingCauses(clock=clock, on_change=lambda cause, raised: None)
        self.causes.hold(CauseName.RECONCILING, not active)
        self.rejects: list[OrderReject] = []
        self.brain = BrainWatch(3)
        ledger = Ledger(day_starts_utc_hour=0)
        ledger.whole = True
        log = cast(Any, lambda level, text: None)
        trading = Trading(
            settings=settings, clock=clock, rest=cast(Any, None), journal=Journal(tmp_path / "orders.log"),
            ledger=ledger, causes=self.causes, risk=lambda: self.limits.risk, send=lambda message: False,
            decided_on=lambda: decided(9), before_arming=lambda: None, log=log,
            on_change=lambda: None,
        )  # fmt: skip
        limits = Limits(
            settings=settings, clock=clock, memory=RiskMemory(tmp_path / "limits.json"), ledger=ledger,
            causes=self.causes, log=log,
        )  # fmt: skip
        trading.account.equity, trading.account.contracts = Decimal(100_000), Decimal(0)
        trading.terms = TERMS
        self.limits = limits
        self.desk = Desk(
            wire=cast(Wire, None), endpoint="", market=cast(Market, FakeMarket()), trading=trading, limits=limits,
            causes=self.causes, brain=self.brain, clock=clock, on_reject=self.rejects.append,
        )  # fmt: skip

    def ask(self, payload: bytes) -> Reply:
        said = Heard()
        self.desk.on_request(memoryview(payload), cast(Answer, said))
        (answer,) = said
        return codec.decode_reply(answer)

    def order(self, request: OrderRequest) -> OrderReject:
        reply = self.ask(codec.encode_request(Request(sequence=7, timestamp_ns=1, body=request)))
        assert reply.request_sequence == 7
        assert isinstance(reply.body, OrderReject)
        return reply.body


def decided(sequence: int, age_ms: float = 0.0) -> DecidedOn:
    return DecidedOn(tick_sequence=sequence, timestamp_ns=NOW - int(age_ms * MS))


def test_an_unreadable_request_is_answered_and_counted(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    reject = scene.ask(b"\xff rubbish").body
    assert isinstance(reject, OrderReject)
    assert (reject.code, scene.desk.counters.malformed) == (RejectCode.MALFORMED, 1)
    assert scene.desk.tick_to_order.count == 0


def test_a_heartbeat_is_answered_with_the_state_also_while_halted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, active=False)
    beat = Heartbeat(process="brain", last_tick_sequence=9, last_decision_sequence=3, created_ns=1)
    reply = scene.ask(codec.encode_request(Request(sequence=1, timestamp_ns=1, body=beat)))
    assert reply.body == HeartbeatAck(trading_state="HALTED", last_tick_sequence=9)
    assert scene.brain.last_decision_sequence == 3


@pytest.mark.parametrize(
    ("decided_on", "observed"),
    [
        (decided(6, 150), "150.0 ms"),  # both clocks say so
        (decided(6, 0), "150.0 ms"),  # a fresh timestamp does not make an old tick young
        (decided(9, 150), "150.0 ms"),  # nor a fresh sequence an old timestamp
        (decided(9, -150), "150.0 ms"),  # a price of the future is no price
        (decided(2, 0), "200.0 ms"),  # older than what is remembered
        (decided(0, 150), "150.0 ms"),  # no sequence: the timestamp alone
        (decided(10, 0), None),  # a tick that this engine never made
    ],
)
def test_a_price_is_as_old_as_the_older_of_its_two_times(
    tmp_path: Path, decided_on: DecidedOn, observed: str | None
) -> None:
    scene = Scene(tmp_path)
    reject = scene.order(order(decided_on=decided_on))
    assert (reject.code, reject.observed, reject.limit) == (RejectCode.TTL_EXPIRED, observed, "100 ms")
    assert scene.rejects == [reject]
    assert (scene.desk.counters.orders, scene.desk.counters.rejects) == (1, 1)
    assert scene.desk.counters.by_rule() == {reject.rule: 1}


def test_a_refused_intent_is_not_remembered_as_sent(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    oversized = order(decided_on=decided(9), contracts=Decimal(1_000))
    assert [scene.order(oversized).code for _ in range(2)] == [RejectCode.RISK_VIOLATION] * 2


def test_while_halted_every_order_is_refused_with_the_cause(tmp_path: Path) -> None:
    reject = Scene(tmp_path, active=False).order(msgspec.structs.replace(order(), decided_on=decided(9)))
    assert (reject.code, reject.observed, reject.text) == (
        RejectCode.TRADING_STATE, "HALTED", "because of reconciling",
    )  # fmt: skip


def test_a_violation_cuts_the_authority_and_the_cut_is_in_the_view(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    oversized = order(decided_on=decided(9), contracts=Decimal(20), created_ns=NOW)
    assert scene.order(oversized).rule == "account_share"
    assert scene.desk.view(oversized).authority_pct == 50
    assert scene.order(order(decided_on=decided(9), contracts=Decimal(9), created_ns=NOW)).rule == "authority"
    assert scene.desk.view(oversized).authority_pct == 25


class FakeReplier:
    """A port with requests that wait for the venue."""

    def __init__(self, pending: list[Answer]) -> None:
        self.pending, self.closed = pending, False

    def close(self) -> None:
        self.closed = True


def test_a_port_that_closes_does_not_call_what_is_on_its_way_refused(tmp_path: Path) -> None:
    scene, said = Scene(tmp_path), Heard()
    replier = FakeReplier([cast(Answer, said)])
    scene.desk._replier = cast(Any, replier)
    scene.causes.hold(CauseName.OPERATOR_HALT, True, "a test")
    scene.desk.close()
    (answer,) = said
    body = codec.decode_reply(answer).body
    assert isinstance(body, OrderReject)
    assert (body.code, replier.closed, scene.desk.is_open) == (RejectCode.VENUE_UNKNOWN, True, False)


@pytest.mark.parametrize(
    ("left", "code", "counted"),
    [(False, RejectCode.TRADING_STATE, (1, 0)), (True, RejectCode.VENUE_UNKNOWN, (0, 1))],
)
def test_a_port_that_closes_says_which_orders_it_stopped_and_which_are_on_their_way(
    tmp_path: Path, left: bool, code: RejectCode, counted: tuple[int, int]
) -> None:
    scene, said = Scene(tmp_path), Heard()
    asked = order(decided_on=decided(9))
    record = scene.desk._orders.open(asked, "so1", tp_price=None, sl_price=None)
    if left:
        scene.desk._orders.apply(record, OrderEvent.SEND)
    scene.desk._waiting[id(said)] = asked.intent_id
    scene.desk._replier = cast(Any, FakeReplier([cast(Answer, said)]))
    scene.causes.hold(CauseName.OPERATOR_HALT, True, "a test")
    assert scene.desk.close() == counted
    body = codec.decode_reply(said[0]).body
    assert isinstance(body, OrderReject)
    assert (body.code, body.intent_id) == (code, asked.intent_id)
    scene.desk._answer(cast(Answer, said), 1, body)  # its task ends later, and has nothing to add
    assert len(said) == 1


def test_every_verdict_is_told_to_the_record_the_engines_own_too(tmp_path: Path) -> None:
    tape = Tape()

    async def scene() -> None:
        here = Scene(tmp_path, active=False)
        here.desk.verdicts = VerdictLog(tape, ManualClock())
        here.order(order(intent_id="i1", decided_on=decided(9)))
        assert isinstance(await here.desk.operate(order(intent_id="close1", decided_on=decided(9))), OrderReject)
        here.desk.verdicts.flush()

    asyncio.run(scene())
    notes = [(one.channel, one.topic, json.loads(one.payload)) for one in tape.taken]
    assert [(channel, topic, note["by"], note["refusal"]["rule"]) for channel, topic, note in notes] == [
        ("gate", "i1", "brain", "trading_state"), ("gate", "close1", "engine", "trading_state"),
    ]  # fmt: skip
    assert notes[0][2]["view"]["causes"] == "reconciling"
