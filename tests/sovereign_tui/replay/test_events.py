from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from schemas.messages import (
    Alert,
    DecidedOn,
    OrderAck,
    OrderReject,
    OrderRequest,
    OrdersState,
    OrderView,
    RejectCode,
    Reply,
    Request,
    Side,
    Signal,
    SignalKind,
)
from schemas.topology import BRAIN, ENGINE, OPS
from sovereign_tui.replay.events import Events
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.replay import support as s
from tests.sovereign_tui.replay.support import Tape


def _told(*messages: object, apart_ns: int = 1) -> list[tuple[str, str]]:
    events = Events(since_ns=0)
    for number, message in enumerate(messages):
        events.take(message, number * apart_ns, make.WALL_NS)
    return [(event.kind.value, event.text) for event in events.found]


def _request(number: int = 1) -> Request:
    order = OrderRequest(
        intent_id=f"i{number}", instrument=make.INSTRUMENT, side=Side.SELL, contracts=Decimal("0.78"),
        decided_on=DecidedOn(tick_sequence=1, timestamp_ns=1), created_ns=1,
    )  # fmt: skip
    return Request(sequence=1, timestamp_ns=1, body=order)


def _reply(body: OrderAck | OrderReject) -> Reply:
    return Reply(sequence=1, timestamp_ns=1, request_sequence=1, body=body)


def _reject(number: int = 1, code: RejectCode = RejectCode.MARGIN) -> Reply:
    return _reply(OrderReject(intent_id=f"i{number}", code=code, rule="r", observed=None, limit=None, text="no"))


ACK = _reply(OrderAck(intent_id="i1", client_order_id="k", venue_order_id="v", accepted_ns=1))


def _signal(kind: SignalKind, id_: str, **fields: str) -> Signal:
    return Signal(kind=kind, id=id_, issuer="op", reason="", timestamp_ns=1, **fields)


def _orders(*working: OrderView) -> OrdersState:
    return OrdersState(timestamp_ns=1, working=working, recent=())


def test_a_halt_is_told_when_it_is_asked_for_and_when_the_venue_verifies_it() -> None:
    asked, verified = make.receipt(5, 1), msgspec.structs.replace(make.receipt(5, 4), total_ms=41.3)
    signal = _signal(SignalKind.SYSTEM_HALT, "8f3c")
    resume = _signal(SignalKind.SYSTEM_RESUME, "r1", target="8f3c")
    assert _told(make.pulse(), asked, signal, signal, asked, verified, verified, resume, resume) == [
        ("halt", "HALT 8f3c by op@pts/2: kill key"), ("halt", "HALT 8f3c verified by the venue in 41 ms"),
        ("halt", "RESUME of 8f3c by op"),
    ]  # fmt: skip
    assert _told(signal, asked) == [("halt", "HALT 8f3c by op")]
    shutdown, rearm = _signal(SignalKind.SHUTDOWN, "d", target="brain"), _signal(SignalKind.REARM, "a")
    assert _told(shutdown, rearm, _signal(SignalKind.FLATTEN, "f")) == [
        ("process", "brain is told to end by op"), ("halt", "REARM by op"), ("halt", "FLATTEN f by op"),
    ]  # fmt: skip


def test_an_alert_is_told_when_it_comes_and_when_it_is_over() -> None:
    standing = Alert(kind="loss_80", text="80 % of the day's loss", since_ns=1, level="warning", active=True)
    over = msgspec.structs.replace(standing, active=False)
    again = msgspec.structs.replace(standing, since_ns=2)
    assert _told(standing, standing, over, over, again) == [
        ("alert", "loss_80: 80 % of the day's loss"), ("alert", "loss_80 is over"),
        ("alert", "loss_80: 80 % of the day's loss"),
    ]  # fmt: skip


def test_an_order_is_told_at_each_change_and_not_if_it_ended_before_the_session() -> None:
    live, part = make.order(1, "buy", "LIVE", 0), make.order(1, "buy", "PARTIALLY_FILLED", 5)
    assert _told(_orders(live), _orders(live), _orders(part)) == [
        ("order", "entry buy 12 LIVE"), ("order", "entry buy 12 PARTIALLY_FILLED, 5 filled at 64012.4"),
    ]  # fmt: skip
    events = Events(since_ns=make.WALL_NS)
    events.take(_orders(live), 1, 2)
    assert events.found == []


def test_a_decision_is_told_if_it_traded_at_the_time_of_its_request() -> None:
    events = Events(since_ns=0)
    events.take(_request(), 10, 110)
    events.take(ACK, 20, 120)
    (event,) = events.found
    assert (event.at_ns, event.wall_ns, event.kind) == (10, 110, "decision")
    assert event.text == "decided to SELL 0.78 contracts, intent i1"


def test_refusals_of_one_kind_are_told_once_in_five_seconds() -> None:
    many = [message for number in range(20) for message in (_request(number), _reject(number))]
    assert _told(*many, _reject(1, RejectCode.COOLDOWN)) == [
        ("order", "refused MARGIN: no"), ("order", "refused COOLDOWN: no"),
    ]  # fmt: skip
    assert len(_told(*many, apart_ns=1_000_000_000)) == 7  # every sixth second of 40


def test_restarts_and_broken_ends_of_processes_are_told(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE, BRAIN)
    tape.clock.advance(s=2)
    tape.end(ENGINE, in_order=False)
    tape.clock.advance(s=1)
    tape.start(ENGINE)
    tape.clock.advance(s=2)
    tape.end()
    index = s.indexed(tmp_path)
    index.build()  # what was told is not told again
    pid = index.session.runs[0].pid
    assert [((e.at_ns - index.first_ns) / 1e9, e.kind.value, e.text) for e in index.events.found] == [
        (2.0, "process", f"engine ended without saying so, pid {pid}"),
        (3.0, "process", f"engine restarted, pid {pid}"),
    ]  # fmt: skip


def test_the_index_finds_them_where_they_were_recorded(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    for message in (_request(), ACK, make.receipt(5, 1), make.orders(), _reject()):
        tape.clock.advance(s=1)
        tape.say(message)
    tape.end()
    index = s.indexed(tmp_path)
    assert [(round((e.at_ns - index.first_ns) / 1e9), e.kind.value) for e in index.events.found] == [
        (1, "decision"), (3, "halt"), (5, "order"),
    ]  # fmt: skip
    assert index.events.found[1].wall_ns == index.wall_of(index.events.found[1].at_ns)
