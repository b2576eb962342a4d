"""The story of an order and of a halt from records made by hand: merged, ordered, and honest about what is missing."""

from __future__ import annotations

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from schemas.blackbox.record import encode_header
from schemas.blackbox.scan import read_header
from schemas.messages import Receipt, SignalKind, TelemetryKind
from schemas.receipts import keep
from schemas.settings import Home
from schemas.signing import Signer
from sovereign_tui.forensics.page import page
from sovereign_tui.forensics.search import Ambiguous, NotFound
from sovereign_tui.forensics.story import tell
from sovereign_tui.forensics.trace import Trace
from tests.sovereign_tui.forensics import support as s
from tests.sovereign_tui.forensics.support import CLIENT, INTENT, NOTE, RECEIVED, SENT, STOP, VENUE, Scribe

CHANNEL = "tcp://127.0.0.1:5556"
ROW = {"ordId": VENUE, "clOrdId": CLIENT, "sz": "0.78", "side": "sell"}
FILL = {"fillSz": "0.78", "fillPx": "63999.8", "tradeId": "7", "accFillSz": "0.78", "avgPx": "63999.8"}


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    return Scribe(s.home_of(tmp_path))


def asked(scribe: Scribe) -> None:
    """From the tick to the engine, as it is recorded: what goes first is written down later."""
    scribe.record(50, "engine", SENT, "5555", "tick.BTC-USDT-SWAP", s.tick())
    scribe.record(400, "brain", RECEIVED, "5555", "tick.BTC-USDT-SWAP", s.tick())
    scribe.record(500, "brain", SENT, CHANNEL, "request", s.request())
    scribe.record(650, "engine", RECEIVED, CHANNEL, "request", s.request())


def decided(scribe: Scribe) -> None:
    scribe.record(20_000, "brain", SENT, "5557", "push", s.telemetry(TelemetryKind.DECISION, "brain", s.decision()))


def traded(scribe: Scribe) -> None:
    """An order that is cleared, sent over REST, filled, and protected by what was attached to it."""
    asked(scribe)
    body = {"clOrdId": CLIENT, "sz": "0.78", "side": "sell", "attachAlgoOrds": [{"attachAlgoClOrdId": STOP}]}
    call = "POST /api/v5/trade/order"
    scribe.record(900, "engine", SENT, "venue", call, body)
    scribe.record(1_000, "exchange", RECEIVED, "rest", call, body)
    matched = {"kind": "order", "mono_ns": 1_001_050_000, **ROW}
    scribe.record(1_050, "exchange", NOTE, "matching", CLIENT, {**matched, "state": "live", "accFillSz": "0"})
    filled = {**matched, "mono_ns": 1_001_060_000, "state": "filled", **FILL}
    scribe.record(1_060, "exchange", NOTE, "matching", CLIENT, filled)
    held = {"kind": "algo", "mono_ns": 1_001_070_000, "algoClOrdId": STOP, "state": "live", "slTriggerPx": "64255.8"}
    scribe.record(1_070, "exchange", NOTE, "matching", STOP, held)
    push = {"arg": {"channel": "orders"}, "data": [{**ROW, "state": "filled", **FILL}]}
    scribe.record(1_200, "engine", RECEIVED, "venue", "ws/private", push)
    answer = {"code": "0", "msg": "", "data": [{"ordId": VENUE, "clOrdId": CLIENT, "sCode": "0"}]}
    scribe.record(1_300, "exchange", SENT, "rest", call, answer)
    scribe.record(1_400, "engine", RECEIVED, "venue", call, answer)
    scribe.record(1_500, "engine", SENT, CHANNEL, "reply", s.reply(s.ACK))
    scribe.record(1_600, "brain", RECEIVED, CHANNEL, "reply", s.reply(s.ACK))
    decided(scribe)
    scribe.record(20_600, "engine", NOTE, "gate", INTENT, s.gate())
    began = {"event": "intent", "intent_id": INTENT, "client_order_id": CLIENT, "wall_ns": s.START + 700_000}
    scribe.journal(began, {**began, "event": "end", "wall_ns": s.START + 1_250_000, "state": "filled"})
    scribe.close()


STEPS = [
    ("engine", "tick", 0.0), ("brain", "decision", 0.45), ("brain", "request_sent", 0.5),
    ("engine", "request_received", 0.6), ("engine", "gate", 0.6), ("engine", "journal", 0.7),
    ("engine", "venue_request", 0.9), ("exchange", "exchange_received", 1.0), ("exchange", "accepted", 1.05),
    ("exchange", "matched", 1.06), ("exchange", "protection_held", 1.07), ("engine", "fill", 1.2),
    ("engine", "journal_end", 1.25), ("exchange", "exchange_answered", 1.3), ("engine", "venue_answer", 1.4),
    ("engine", "reply_sent", 1.5), ("brain", "reply_received", 1.6),
]  # fmt: skip


def told(trace: Trace) -> list[tuple[str, str, float]]:
    return [(step.process, step.what, round(trace.since_began_ms(step), 3)) for step in trace.steps]


def names(trace: Trace) -> list[str]:
    return [step.what for step in trace.steps]


@pytest.mark.parametrize("query", [INTENT, CLIENT, VENUE, CLIENT[:9], VENUE[:10]])
def test_every_step_of_every_process_is_told_in_the_order_of_one_clock(scribe: Scribe, query: str) -> None:
    traded(scribe)
    trace = tell(scribe.home, query)
    assert told(trace) == STEPS
    assert (trace.outcome, trace.missing, trace.left_out) == ("filled and protected", (), 0)
    assert (trace.subject.intent_id, trace.subject.client_order_id, trace.subject.venue_order_id) == (
        INTENT, CLIENT, VENUE,
    )  # fmt: skip
    assert trace.tick is not None
    assert (trace.tick["source"], trace.tick["sequence"], trace.tick["bid_price"]) == ("record", 22, 63_999.8)
    shape = trace.as_json()
    json.dumps(shape, allow_nan=False)
    assert shape["steps"][2] == {
        "what": "request_sent", "process": "brain", "at_ns": 1_000_500_000, "since_began_ms": 0.5,
        "since_step_ms": 0.05, "text": trace.steps[2].text, "data": dict(trace.steps[2].data),
    }  # fmt: skip


def test_the_page_shows_layers_size_rules_and_times(scribe: Scribe) -> None:
    traded(scribe)
    console = Console(file=io.StringIO(), width=160)
    console.print(page(tell(scribe.home, INTENT)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for words in (
        "SELL 0.78 contracts of BTC-USDT-SWAP at market, TP 0.6 %, SL 0.4 %", "-1.5  vote -1", "UNKNOWN  vote +0",
        "0.5 % of equity 100000.0 USDT", "499.20 USDT", "0.450  0.450  decision", "filled and protected",
    ):  # fmt: skip
        assert words in shown, words


def test_no_text_of_a_trace_commands_the_terminal(scribe: Scribe) -> None:
    traded(scribe)
    trace = tell(scribe.home, INTENT)
    evil = "\x1b]0;evil\x07[/red]"
    steps = (replace(trace.steps[0], text=evil, what=evil, process=evil), *trace.steps[1:])
    console = Console(file=io.StringIO(), width=160)
    console.print(page(replace(trace, outcome=evil, receipt={evil: evil}, steps=steps)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert not {"\x1b", "\x07"} & set(shown)
    assert shown.count("?]0;evil?[/red]") == 6


def test_a_refused_intent_ends_at_the_refusal(scribe: Scribe) -> None:
    asked(scribe)
    scribe.record(700, "engine", SENT, CHANNEL, "reply", s.reply(s.REJECT))
    scribe.record(800, "brain", RECEIVED, CHANNEL, "reply", s.reply(s.REJECT))
    decided(scribe)
    scribe.record(20_600, "engine", NOTE, "gate", INTENT, s.gate(refusal=s.REFUSAL))
    scribe.close()
    trace = tell(scribe.home, INTENT)
    assert names(trace) == [
        "tick", "decision", "request_sent", "request_received", "gate", "reply_sent", "reply_received",
    ]  # fmt: skip
    assert trace.missing == ()
    assert trace.outcome == (
        "refused by max_notional: RISK_VIOLATION, observed 499.20 USDT, limit 100 USDT; no"
    )  # fmt: skip


def test_what_is_not_in_the_record_is_named_and_the_tick_is_told_by_the_decision(scribe: Scribe) -> None:
    scribe.record(500, "brain", SENT, CHANNEL, "request", s.request())
    decided(scribe)
    scribe.close()
    trace = tell(scribe.home, INTENT)
    assert names(trace) == ["tick", "decision", "request_sent"]
    assert trace.tick == {
        "source": "decision", "sequence": 22, "received_ns": s.START, "bid_price": 63_999.8, "bid_size": 78.1,
        "ask_price": 63_999.9, "ask_size": 67.7,
    }  # fmt: skip
    assert trace.missing == (
        "request_received", "gate", "reply_sent", "reply_received", "journal", "venue_request", "venue_answer",
    )  # fmt: skip
    assert trace.outcome == "no answer is in the record"


@pytest.mark.parametrize("lost", [False, True])
def test_an_answer_that_names_no_order_is_found_by_the_request(scribe: Scribe, lost: bool) -> None:
    asked(scribe)
    frame = {"id": "o7", "op": "order", "args": [{"clOrdId": CLIENT}]}
    scribe.record(900, "engine", SENT, "venue", "ws/private", frame)
    other = {"id": "o6", "op": "order", "code": "0", "data": []}
    scribe.record(950, "engine", RECEIVED, "venue", "ws/private", other)
    if not lost:
        late = {"id": "o7", "op": "order", "code": "50036", "msg": "too late", "data": []}
        scribe.record(1_000, "engine", RECEIVED, "venue", "ws/private", late)
    scribe.record(20_600, "engine", NOTE, "gate", INTENT, s.gate())
    scribe.close()
    trace = tell(scribe.home, INTENT)
    answers = [step.text for step in trace.steps if step.what == "venue_answer"]
    assert answers == ([] if lost else ["ws/private, code 50036 too late"])
    assert ("venue_answer" in trace.missing) == lost


def test_protection_of_the_whole_position_is_found_after_the_fill(scribe: Scribe) -> None:
    traded(scribe)
    later = Scribe(scribe.home)
    call, oco = "POST /api/v5/trade/order-algo", {"algoClOrdId": "spother", "closeFraction": "1"}
    later.record(9_000, "engine", SENT, "venue", call, oco)
    later.record(9_500, "engine", RECEIVED, "venue", call, {"code": "0", "data": [{"algoId": "5", "sCode": "0"}]})
    later.close()
    assert [what for what in names(tell(scribe.home, INTENT)) if what.startswith("protection")] == [
        "protection_held", "protection_request", "protection_answer",
    ]  # fmt: skip


def test_the_child_of_a_stop_belongs_to_its_order(scribe: Scribe) -> None:
    traded(scribe)
    later = Scribe(scribe.home)
    child = {"ordId": "4711000", "clOrdId": "", "algoClOrdId": STOP, "state": "filled", **FILL}
    later.record(90_000, "engine", RECEIVED, "venue", "ws/private", {"arg": {"channel": "orders"}, "data": [child]})
    later.close()
    trace = tell(scribe.home, "4711000")
    assert trace.subject.intent_id == INTENT
    assert (names(trace)[-1], trace.subject.children) == ("protection_order", ("4711000",))


def test_records_of_another_boot_are_left_out(scribe: Scribe, tmp_path: Path) -> None:
    traded(scribe)
    for path in (scribe.home.blackbox / "brain").glob("*.bbx"):  # the same, told by a machine that was started anew
        data = path.read_bytes()
        header = read_header(data)
        assert header is not None
        size = len(encode_header(header))
        path.write_bytes(encode_header(replace(header, boot=b"another boot 123")) + data[size:])
    trace = tell(scribe.home, INTENT)
    assert {step.process for step in trace.steps} == {"engine", "exchange"}
    assert trace.left_out == 3
    assert set(trace.missing) >= {"decision", "request_sent", "reply_received"}


def test_several_that_begin_so_are_listed_and_an_exact_one_is_taken(scribe: Scribe) -> None:
    for number in (1, 2, 12):
        intent = INTENT[:-1] + str(number)
        scribe.record(number, "engine", NOTE, "gate", intent, {**s.gate(), "client_order_id": f"so{number}"})
    scribe.close()
    assert tell(scribe.home, INTENT).subject.intent_id == INTENT
    with pytest.raises(Ambiguous) as several:
        tell(scribe.home, INTENT[:-1])
    assert several.value.candidates == [f"order {INTENT[:-1]}{number} = so{number}" for number in (1, 2, 12)]


def test_nothing_found_says_where_it_was_looked_for(tmp_path: Path) -> None:
    home = s.home_of(tmp_path)
    with pytest.raises(NotFound, match="nosuch: no order, intent or halt of this id in 0 files"):
        tell(home, "nosuch")
    shutil.rmtree(home.blackbox)
    with pytest.raises(NotFound):
        tell(home, "nosuch")


def ack(**more: Any) -> bytes:
    return s.telemetry(TelemetryKind.HALT_ACK, "engine", {"id": "60e1a0f3", "asked": "60e1a0f3", **more})


def test_a_halt_is_told_from_the_request_to_the_receipt(scribe: Scribe) -> None:
    halt = "60e1a0f3"
    scribe.record(-20, "ops", RECEIVED, "control", "halt", {"cmd": "halt", "issuer": "me@tty"})
    for us in (10, 110):
        scribe.record(us, "ops", SENT, "signal", "signal", s.halt_signal(halt))
    scribe.record(200, "engine", RECEIVED, "signal", "signal", s.halt_signal(halt))
    scribe.record(210, "engine", NOTE, "halt", halt, {"step": "latching", "file": "halt.json"})
    scribe.record(300, "engine", SENT, "5556", "reply", s.reply(s.REJECT))
    cancel = "POST /api/v5/trade/cancel-batch-orders"
    scribe.record(400, "engine", SENT, "venue", cancel, [{"ordId": VENUE}])
    gone = {"kind": "order", "mono_ns": 1, "state": "canceled", **ROW}
    scribe.record(450, "exchange", NOTE, "matching", CLIENT, gone)
    scribe.record(500, "engine", RECEIVED, "venue", cancel, {"code": "0", "data": [{"ordId": VENUE, "sCode": "0"}]})
    scribe.record(600, "engine", RECEIVED, "venue", "GET /api/v5/trade/orders-pending", {"code": "0", "data": []})
    at = 1_000_000_000
    done = {"latched_ns": at + 220_000, "port_closed_ns": at + 250_000, "cancels_sent_ns": at + 400_000}
    scribe.record(650, "engine", SENT, "5557", "push", ack(**done, venue_confirmed_ns=at + 610_000, open_orders=0))
    scribe.record(900_000, "ops", SENT, "signal", "signal", s.halt_signal("r1", SignalKind.SYSTEM_RESUME, target=halt))
    scribe.close()
    receipt = Receipt(id=halt, requested_ns=at, verified=True, total_ms=0.61, cancels_sent_ns=at + 400_000)
    scribe.home.keys.mkdir(exist_ok=True)
    signed = Signer.load_or_create(scribe.home.keys).sign(receipt)
    keep(scribe.home.data / "receipts", signed)
    trace = tell(scribe.home, halt[:5])
    assert told(trace) == [
        ("ops", "halt_asked", -0.02), ("ops", "signal_sent", 0.01), ("ops", "signal_sent", 0.11),
        ("engine", "signal_received", 0.2), ("engine", "note", 0.21), ("engine", "latched", 0.22),
        ("engine", "port_closed", 0.25), ("engine", "order_dropped", 0.3), ("engine", "cancels_sent", 0.4),
        ("engine", "cancel_sent", 0.4), ("exchange", "gone", 0.45), ("engine", "cancel_answered", 0.5),
        ("engine", "venue_listed", 0.6), ("engine", "venue_confirmed", 0.61), ("engine", "ack", 0.65),
        ("ops", "resume_sent", 900.0),
    ]  # fmt: skip
    assert (trace.outcome, trace.missing) == ("verified by the venue in 0.610 ms; signed by this instance", ())
    assert trace.receipt is not None
    assert trace.receipt["signature"] == signed.signature
    assert trace.steps[4].text == 'latching  {"file":"halt.json"}'
    keep(scribe.home.data / "receipts", msgspec.structs.replace(signed, open_orders=7))
    forged = tell(scribe.home, halt[:5]).outcome
    assert forged.endswith("signature: it does not match: the receipt was changed, or is damaged")


def test_a_halt_that_its_file_told_needs_no_signal_and_the_answer_to_who_asked_is_its_last_step(scribe: Scribe) -> None:
    halt = "60e1a0f3"
    scribe.record(10, "engine", NOTE, "halt", halt, {"step": "asked", "asked": halt, "path": "halt file"})
    scribe.record(20, "engine", NOTE, "halt", halt, {"step": "asked", "asked": "another", "path": "signal"})
    done = {"latched_ns": 1_000_100_000, "port_closed_ns": 1_000_200_000, "venue_confirmed_ns": 1_000_300_000}
    scribe.record(400, "engine", SENT, "5557", "push", ack(**done, open_orders=0))
    scribe.record(500, "ops", RECEIVED, "control", "halt", {"cmd": "halt", "id": halt, "progress": True})
    scribe.record(600, "ops", SENT, "control", "halt", {"progress": {"id": halt, "verified": True}})
    scribe.record(700, "ops", SENT, "control", "halt", {"id": halt, "verified": True})
    scribe.record(800, "ops", SENT, "control", "halt", {"id": "another", "verified": True})
    scribe.close()
    keep(scribe.home.data / "receipts", Receipt(id=halt, requested_ns=1_000_000_000, verified=True))
    trace = tell(scribe.home, halt)
    assert [what for _, what, _ in told(trace)][-4:] == ["ack", "halt_asked", "halt_answered", "halt_answered"]
    assert trace.missing == ()


def test_a_halt_of_a_signal_that_is_not_on_record_says_so(scribe: Scribe) -> None:
    halt = "60e1a0f3"
    scribe.record(10, "engine", NOTE, "halt", halt, {"step": "asked", "asked": halt, "path": "signal"})
    scribe.close()
    assert tell(scribe.home, halt).missing[:2] == ("signal_sent", "signal_received")


def test_a_halt_without_a_receipt_says_what_is_missing(scribe: Scribe) -> None:
    scribe.record(0, "engine", NOTE, "halt", "abcd1234", {"step": "the brain was silent"})
    scribe.close()
    trace = tell(scribe.home, "abcd1234")
    assert trace.missing == ("latched", "port_closed", "venue_confirmed", "receipt")
    assert trace.outcome == "no receipt; nothing is known to be done"
    assert isinstance(scribe.home, Home)


def test_the_page_shows_each_step_of_the_size_the_model_the_filters_and_what_was_unknown(scribe: Scribe) -> None:
    traded(scribe)
    trace = tell(scribe.home, INTENT)
    assert trace.decision is not None
    more = {
        "size": [{"name": "equity_usdt", "value": "100000", "text": "as state.account says"},
                 {"name": "lot_contracts", "value": "0.78", "text": "least of them, on lots of 0.01"}],
        "model": "trend.onnx", "model_score": -0.5,
        "filters": [{"name": "structure", "passed": True, "text": "the last break is bearish, the entry short"}],
        "unknown": [{"part": "order_flow.cvd", "reason": "trade 8 is missing"}],
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=160)
    console.print(page(replace(trace, decision={**trace.decision, **more})))
    assert isinstance(console.file, io.StringIO)
    shown = re.sub(" +", " ", console.file.getvalue())
    for words in (
        "equity_usdt 100000 as state.account says", "lot_contracts 0.78 least of them, on lots of 0.01",
        "model: trend.onnx, score -0.5", "filter structure: passed, the last break is bearish",
        "UNKNOWN order_flow.cvd: trade 8 is missing",
    ):  # fmt: skip
        assert words in shown, words
