from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.messages import Decision, Flow, Heatmap, LogLine, Receipt, Side, Structure, Telemetry, TelemetryKind
from schemas.telemetry_schema import telemetry_schema
from sovereign_tui.ops.telemetry import Intake, Listeners, SignalAck
from tests.support.clock import ManualClock

DECISION = {
    "sequence": 3, "timestamp_ns": 1, "instrument": "BTC-USDT-SWAP", "tick_sequence": 9, "tick_received_ns": 2,
    "frames": [], "direction": 1, "why_not": "COOLDOWN", "why_not_text": "12 s left", "intent_id": "",
    "contracts": "0.5", "price": 64000, "features": {"x": 1},
}  # fmt: skip


HEATMAP = {
    "timestamp_ns": 1, "instrument": "BTC-USDT-SWAP", "provider": "book", "bucket": 0.5, "first_price": 63999.5,
    "rows": 1, "column_ns": [5, 6], "peak_contracts": 4, "cells": "AP8=", "unknown": "",
}  # fmt: skip
FLOW = {
    "timestamp_ns": 1, "instrument": "BTC-USDT-SWAP", "frame": "1m", "imbalance": 0.5, "pressure": None,
    "counters": {"refused_size": 1},
    "marks": [{"kind": "large_trade", "side": 2, "at_ns": 1, "confirmed_ns": 1, "price": 9, "contracts": 3}],
}  # fmt: skip
STRUCTURE = {
    "timestamp_ns": 1, "instrument": "BTC-USDT-SWAP", "frames": [
        {"frame": "1m", "unknown": "", "bars": 3, "open_ns": 60, "structure": -1,
         "swing_high": {"price": 9, "open_ns": 1, "confirmed_ns": 2},
         "marks": [{"kind": "swing", "direction": 1, "price": 9, "open_ns": 1, "confirmed_ns": 2}]},
    ],
}  # fmt: skip


class Heard:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.intake = Intake(self.clock)
        self.pulses: list[tuple[str, int]] = []
        self.logs: list[LogLine] = []
        self.decisions: list[Decision] = []
        self.halts: list[Receipt] = []
        self.signals: list[tuple[str, SignalAck]] = []
        self.heatmaps: list[Heatmap] = []
        self.flows: list[Flow] = []
        self.structures: list[Structure] = []
        self.intake.listeners = Listeners(
            on_pulse=lambda process, pid: self.pulses.append((process, pid)), on_log=self.logs.append,
            on_decision=self.decisions.append, on_halt_ack=self.halts.append,
            on_signal_ack=lambda ack, process: self.signals.append((process, ack)),
            on_heatmap=self.heatmaps.append, on_flow=self.flows.append, on_structure=self.structures.append,
        )  # fmt: skip

    def take(self, kind: str, process: str, data: Any) -> None:
        fields = {"kind": kind, "process": process, "pid": 7, "sequence": 1, "timestamp_ns": 5, "mono_ns": 6}
        self.intake.take(memoryview(json.dumps(fields | {"data": data}).encode()))


def test_a_heartbeat_ages_by_our_clock_and_belongs_to_one_pid() -> None:
    heard = Heard()
    heard.take("heartbeat", "engine", {})
    heard.clock.advance(ms=250)
    assert heard.pulses == [("engine", 7)]
    assert heard.intake.pulse_age_ms("engine", 7) == 250.0
    assert heard.intake.pulse_age_ms("engine", 8) is None
    assert heard.intake.pulse_age_ms("brain", 7) is None


def test_a_decision_of_the_brain_is_read_whole() -> None:
    heard = Heard()
    heard.take("decision", "brain", DECISION)
    (decision,) = heard.decisions
    assert (decision.contracts, decision.price, decision.features) == (Decimal("0.5"), 64000.0, {"x": 1.0})


def test_the_structure_of_the_brain_is_read_whole() -> None:
    heard = Heard()
    heard.take("structure", "brain", STRUCTURE)
    (structure,) = heard.structures
    (frame,) = structure.frames
    assert frame.swing_high is not None
    assert (frame.swing_high.price, frame.swing_low, frame.marks[0].kind, frame.structure) == (9.0, None, "swing", -1)


def test_heatmap_and_flow_of_the_brain_are_read_whole() -> None:
    heard = Heard()
    heard.take("heatmap", "brain", HEATMAP)
    heard.take("flow", "brain", FLOW)
    (heatmap,), (flow,) = heard.heatmaps, heard.flows
    assert (heatmap.column_ns, heatmap.sizes()) == ((5, 6), ((0.0, 4.0),))
    assert (flow.imbalance, flow.pressure, flow.marks[0].side, flow.marks[0].contracts) == (0.5, None, Side.SELL, 3.0)


@pytest.mark.parametrize(
    ("kind", "process", "data"),
    [
        ("decision", "engine", DECISION),
        ("decision", "brain", DECISION | {"price": None}),
        ("heatmap", "engine", HEATMAP),
        ("heatmap", "brain", HEATMAP | {"cells": [1, 2]}),
        ("heatmap", "brain", HEATMAP | {"column_ns": [-1, 6]}),
        ("heatmap", "brain", HEATMAP | {"timestamp_ns": 2**63}),
        ("heatmap", "brain", HEATMAP | {"rows": 2**31}),
        ("flow", "engine", FLOW),
        ("structure", "engine", STRUCTURE),
        ("structure", "brain", STRUCTURE | {"timestamp_ns": -1}),
        ("structure", "brain", STRUCTURE | {"frames": [{"frame": "1m", "unknown": "", "structure": 2}]}),
        ("flow", "brain", FLOW | {"counters": {"refused_size": -1}}),
        ("flow", "brain", FLOW | {"imbalance": "half"}),
        ("halt_ack", "brain", {"id": "a"}),
        ("halt_ack", "engine", {"latched_ns": 1}),
        ("signal_ack", "engine", {"id": "a"}),
        ("log", "engine", {"level": "loud", "text": "x"}),
        ("log", "engine", {"level": "info"}),
        ("gossip", "engine", {}),
        ("heartbeat", "engine", []),
        ("heartbeat", "engine", {"tick_sequence": "7"}),
        ("metrics", "engine", {"engine.gate_p99_us": "fast"}),
        ("histogram", "engine", {"legs": {"engine.gate": [[-1, 1]]}}),
        ("histogram", "engine", {"legs": {"engine.gate": [[5, 0]]}}),
        ("histogram", "engine", {"legs": {"engine.gate": [[5, 2**64]]}}),
    ],
)
def test_what_is_not_as_its_kind_demands_is_dropped_and_counted(kind: str, process: str, data: Any) -> None:
    heard = Heard()
    heard.take(kind, process, data)
    assert heard.intake.counters["telemetry_malformed"] == 1
    assert (heard.decisions, heard.halts, heard.signals, heard.pulses) == ([], [], [], [])
    assert (heard.heatmaps, heard.flows, heard.structures) == ([], [], [])
    assert [line.level for line in heard.logs] == ["warning"]


EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "heartbeat": ("engine", {"tick_sequence": 1, "decision_sequence": 2, "state": "ACTIVE"}),
    "log": ("engine", {"level": "info", "text": "x"}),
    "metrics": ("engine", {"engine.ticks": 4}),
    "histogram": ("engine", {"legs": {"engine.gate": [[5_000, 3]]}, "missed": {"engine.gate": 2}}),
    "decision": ("brain", DECISION),
    "halt_ack": ("engine", {"id": "a", "requested_ns": 1, "latched_ns": 1, "problems": ["the disk is full"]}),
    "heatmap": ("brain", HEATMAP),
    "flow": ("brain", FLOW),
    "structure": ("brain", STRUCTURE),
    "signal_ack": ("engine", {"id": "a", "kind": "SYSTEM_RESUME", "ok": True, "text": ""}),
}


@pytest.mark.parametrize("kind", list(TelemetryKind))
def test_a_field_that_a_newer_process_adds_disturbs_no_kind(kind: TelemetryKind) -> None:
    process, data = EXAMPLES[kind]
    heard = Heard()
    heard.take(kind, process, data | {"added_later_ns": 5})
    assert (heard.intake.counters["telemetry"], heard.intake.counters["telemetry_malformed"]) == (1, 0)
    known = Telemetry(kind=kind, process=process, pid=7, sequence=1, timestamp_ns=5, mono_ns=6, data=data)
    newer = msgspec.structs.replace(known, data=data | {"added_later_ns": 5})
    if kind is not TelemetryKind.METRICS:  # there it is one metric more
        assert codec.read_telemetry(newer) == codec.read_telemetry(known)


def test_the_schema_has_each_kind_with_the_fields_of_its_data() -> None:
    schema = telemetry_schema()
    envelope, kinds = schema["allOf"]
    assert envelope == {"$ref": "#/$defs/Telemetry"}
    found = {one["properties"]["kind"]["const"]: one["properties"]["data"] for one in kinds["oneOf"]}
    assert set(found) == {kind.value for kind in TelemetryKind}
    for kind, (_, data) in EXAMPLES.items():
        if kind == "metrics":
            assert found[kind]["type"] == "object"
            continue
        shape = schema["$defs"][found[kind]["$ref"].removeprefix("#/$defs/")]
        assert set(data) <= set(shape["properties"]), kind
        assert shape["description"]
        assert shape.get("additionalProperties", True) is True


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=30))
def test_no_bytes_are_fatal_and_they_are_said_once_a_second(payloads: list[bytes]) -> None:
    heard = Heard()
    for payload in payloads:
        heard.intake.take(memoryview(payload))
    assert heard.intake.counters["telemetry_malformed"] == len(payloads)
    assert len(heard.logs) == 1
    heard.clock.advance(s=1)
    heard.intake.take(memoryview(b"{"))
    assert heard.logs[1].text.startswith(f"{len(payloads)} malformed telemetry messages dropped")


def test_metrics_are_merged_under_the_name_of_their_process() -> None:
    heard = Heard()
    heard.take("metrics", "engine", {"tick_us": 60, "engine.rss_mb": 2.5, "odd": None})
    heard.take("metrics", "brain", {"tick_us": 70})
    heard.take("metrics", "engine", {"tick_us": 61})
    assert heard.intake.metrics() == {"engine.tick_us": 61.0, "engine.rss_mb": 2.5, "brain.tick_us": 70.0}
