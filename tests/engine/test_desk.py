"""The critical path without a venue: requests in, answers out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest

from engine.account import Account
from engine.desk import Desk
from engine.execution.orders import OrderBookkeeper
from engine.market import Market, Touch
from engine.risk.gate import default_gate
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.watches import BrainWatch
from schemas import codec
from schemas.channels import Reply as Answer
from schemas.channels import Wire
from schemas.messages import DecidedOn, Heartbeat, HeartbeatAck, OrderReject, OrderRequest, RejectCode, Reply, Request
from schemas.settings.risk import Risk
from tests.support.clock import ManualClock
from tests.support.orders import INSTRUMENT, TERMS, order

MS = 1_000_000
NOW = 1_721_347_020_000_000_000


class FakeMarket:
    """Ticks 1..9 came 50 ms apart, the newest just now."""

    instrument = INSTRUMENT

    def __init__(self) -> None:
        self.touch = Touch(
            bid=64_000.0, ask=64_000.1, sequence=9, received_ns=NOW, mono_ns=10_000 * MS, book_valid=True
        )

    def tick_mono_ns(self, sequence: int) -> int | None:
        return 10_000 * MS - (9 - sequence) * 50 * MS if 5 <= sequence <= 9 else None

    def at_the_latest_ns(self, sequence: int) -> int:
        return self.tick_mono_ns(max(5, sequence)) or 0


class Scene:
    def __init__(self, *, active: bool = True) -> None:
        clock = ManualClock()
        self.causes = TradingCauses(clock=clock, on_change=lambda cause, raised: None)
        self.causes.hold(CauseName.RECONCILING, not active)
        self.rejects: list[OrderReject] = []
        self.brain = BrainWatch(3)
        account = Account(instrument=INSTRUMENT, currency="USDT", clock=clock)
        account.equity, account.contracts = Decimal(100_000), Decimal(0)
        self.desk = Desk(
            wire=cast(Wire, None), endpoint="", market=cast(Market, FakeMarket()), account=account,
            orders=OrderBookkeeper(clock), router=cast(Any, None), rest=cast(Any, None), gate=default_gate(Risk()),
            causes=self.causes, brain=self.brain, intents=set(), clock=clock, on_reject=self.rejects.append,
            on_unknown=lambda: None,
        )  # fmt: skip
        self.desk.terms = TERMS

    def ask(self, payload: bytes) -> Reply:
        said: list[bytes] = []
        self.desk.on_request(memoryview(payload), cast(Answer, said.append))
        (answer,) = said
        return codec.decode_reply(answer)

    def order(self, request: OrderRequest) -> OrderReject:
        reply = self.ask(codec.encode_request(Request(sequence=7, timestamp_ns=1, body=request)))
        assert reply.request_sequence == 7
        assert isinstance(reply.body, OrderReject)
        return reply.body


def decided(sequence: int, age_ms: float = 0.0) -> DecidedOn:
    return DecidedOn(tick_sequence=sequence, timestamp_ns=NOW - int(age_ms * MS))


def test_an_unreadable_request_is_answered_and_counted() -> None:
    scene = Scene()
    reject = scene.ask(b"\xff rubbish").body
    assert isinstance(reject, OrderReject)
    assert (reject.code, scene.desk.counters.malformed) == (RejectCode.MALFORMED, 1)
    assert scene.desk.tick_to_order.count == 0


def test_a_heartbeat_is_answered_with_the_state_also_while_halted() -> None:
    scene = Scene(active=False)
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
def test_a_price_is_as_old_as_the_older_of_its_two_times(decided_on: DecidedOn, observed: str | None) -> None:
    scene = Scene()
    reject = scene.order(order(decided_on=decided_on))
    assert (reject.code, reject.observed, reject.limit) == (RejectCode.TTL_EXPIRED, observed, "100 ms")
    assert scene.rejects == [reject]
    assert (scene.desk.counters.orders, scene.desk.counters.rejects) == (1, 1)


def test_a_refused_intent_is_not_remembered_as_sent() -> None:
    scene = Scene()
    oversized = order(decided_on=decided(9), contracts=Decimal(1_000))
    assert [scene.order(oversized).code for _ in range(2)] == [RejectCode.RISK_VIOLATION] * 2


def test_while_halted_every_order_is_refused_with_the_cause() -> None:
    reject = Scene(active=False).order(msgspec.structs.replace(order(), decided_on=decided(9)))
    assert (reject.code, reject.observed, reject.text) == (
        RejectCode.TRADING_STATE, "HALTED", "because of reconciling",
    )  # fmt: skip
