"""A record in one line, and as a row of an export."""

from __future__ import annotations

import msgspec
import pytest

from schemas import codec
from schemas.blackbox import Direction, Record
from schemas.messages import (
    CancelRequest,
    Flow,
    Heartbeat,
    HeartbeatAck,
    Heatmap,
    OrderAck,
    Reply,
    Request,
    SignalKind,
    TelemetryKind,
    Trade,
)
from schemas.messages.market import Side
from sovereign_tui.cli.moment import BadMoment, moment_ns
from sovereign_tui.forensics.lines import exported, line, says
from sovereign_tui.forensics.subject import rows
from tests.sovereign_tui.forensics import support as s

BEAT = Request(sequence=1, timestamp_ns=1, body=Heartbeat(
    process="brain", last_tick_sequence=7, last_decision_sequence=1, created_ns=1,
))  # fmt: skip
CANCEL = Request(sequence=1, timestamp_ns=1, body=CancelRequest(
    intent_id="i1", instrument="X", reason="too slow", created_ns=1,
))  # fmt: skip
PULSE = Reply(sequence=1, timestamp_ns=1, request_sequence=1, body=HeartbeatAck(
    trading_state="ACTIVE", last_tick_sequence=7,
))  # fmt: skip
TRADE = Trade(
    instrument="X", sequence=1, exchange_ns=1, received_ns=1, price=64_000.1, size=2.0, side=Side.BUY, trade_id=4
)  # fmt: skip


HEATMAP = Heatmap(
    timestamp_ns=1, instrument="X", provider="book", bucket=0.5, first_price=99.5, rows=2, column_ns=(1,),
    peak_contracts=4.0, cells=b"\x00\xff",
)  # fmt: skip


def record(topic: str, payload: bytes, channel: str = "5555") -> Record:
    return Record(
        process="engine", monotonic_ns=5, wall_ns=s.START + 1_234, direction=Direction.SENT, channel=channel,
        topic=topic, payload=payload,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        ("tick.X", s.tick(), "tick 22  63999.8 x 78.1 | 63999.9 x 67.7  last 63999.9 x 1"),
        ("tick.trade.X", codec.encode_trade(TRADE), "trade BUY 2 at 64000.1"),
        ("request", s.request(),
         f"order {s.INTENT} SELL 0.78 contracts of BTC-USDT-SWAP at market TP 0.6 % SL 0.4 % on tick 22"),
        ("request", codec.encode_request(BEAT), "heartbeat of brain, tick 7"),
        ("request", codec.encode_request(CANCEL), "cancel i1 of X: too slow"),
        ("reply", s.reply(s.ACK), f"ack {s.INTENT}: {s.CLIENT} is {s.VENUE} at the venue"),
        ("reply", s.reply(s.REJECT),
         f"reject {s.INTENT}: RISK_VIOLATION by max_notional, observed 499.20 USDT, limit 100 USDT; no"),
        ("reply", codec.encode_reply(PULSE), "heartbeat ack, ACTIVE, tick 7"),
        ("signal", s.halt_signal("h1"), "SYSTEM_HALT h1, by me@tty, why not"),
        ("signal", s.halt_signal("r1", SignalKind.SYSTEM_RESUME, target="h1"),
         "SYSTEM_RESUME r1, by me@tty, why not, target h1"),
        ("push", s.telemetry(TelemetryKind.LOG, "brain", {"level": "info", "text": "hello"}),
         'log {"level":"info","text":"hello"}'),
        ("push", s.telemetry(TelemetryKind.HEATMAP, "brain", {"rows": 1, "column_ns": [1], "cells": "AP8="}),
         'heatmap {"rows":1}'),
        ("ops.heatmap", codec.encode_heatmap(HEATMAP), "heatmap of book, 2 prices from 99.5 by 0.5, 1 times"),
        ("ops.heatmap", codec.encode_heatmap(msgspec.structs.replace(HEATMAP, unknown="it failed")),
         "heatmap of book, it failed"),
        ("POST /api/v5/trade/order", b'{"sz":"1"}', '{"sz":"1"}'),
        ("closed", b"", ""),
        ("torn", b"at byte 7\x1b[2J", "617420627974652037" + "1b5b324a"),
        ("other", b"\xff\x00", "ff00"),
    ],
)  # fmt: skip
def test_what_a_record_says_in_words(topic: str, payload: bytes, words: str) -> None:
    assert says(record(topic, payload)) == words


def test_the_flow_is_said_by_its_fields() -> None:
    flow = Flow(timestamp_ns=1, instrument="X", frame="1m", counters={}, pressure=0.5)
    said = says(record("ops.flow", codec.encode_flow(flow)))
    assert msgspec.json.decode(said.removeprefix("Flow "), type=Flow) == flow


def test_a_payload_that_its_topic_does_not_promise_is_told_as_unreadable() -> None:
    said = says(record("request", b"\xff\xfe"))
    assert said.startswith("unreadable (")
    assert said.endswith("): fffe")
    assert exported(record("request", b"\xff\xfe"))["problem"]


def test_a_line_has_time_process_direction_channel_and_topic() -> None:
    assert line(record("x", b"{}", "venue")) == "2025-11-21 13:00:00.000001  engine   -> venue x: {}"


def test_an_exported_record_is_json_without_numbers_that_are_none() -> None:
    row = exported(record("tick.X", s.tick(msgspec.structs.replace(s.TICK, last_price=float("nan")))))
    assert (row["kind"], row["direction"], row["value"]["last_price"], row["value"]["sequence"]) == (
        "MarketTick", "SENT", None, 22,
    )  # fmt: skip
    assert exported(record("reply", s.reply(s.ACK)))["value"]["body"] == msgspec.to_builtins(s.ACK)
    assert isinstance(s.ACK, OrderAck)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-11-21T13:00:00", s.START), ("2025-11-21 13:00:00.5+00:00", s.START + 500_000_000),
        ("2025-11-21T14:00:00+01:00", s.START), ("13:00", s.START), ("9:30:01", s.START - 12_599_000_000_000),
        ("-10m", s.START + 60_000_000_000 - 600_000_000_000), ("-1.5s", s.START + 58_500_000_000),
    ],
)  # fmt: skip
def test_a_moment_is_a_date_a_time_of_today_or_how_long_ago(text: str, ns: int) -> None:
    assert moment_ns(text, s.START + 60_000_000_000) == ns


@pytest.mark.parametrize("text", ["", "yesterday", "25:00", "-10", "-10y", "2025-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadMoment, match="is no moment"):
        moment_ns(text, s.START)


def test_an_unknown_topic_and_a_nest_of_brackets_are_told_and_command_no_terminal() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    told = line(record("\x1b[2J", deep))
    assert told.isprintable()
    assert exported(record("POST x", deep))["kind"] == "text"
    assert rows(deep) == []


def test_a_moment_before_all_time_is_the_beginning() -> None:
    assert moment_ns(f"-{'9' * 400}s", 10**18) == 0
