from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.messages import Alert, Cause, ProcessView, TradingState
from schemas.process import StartError
from sovereign_tui.ops.latencies import Quantiles
from sovereign_tui.ops.prometheus import Exporter, Snapshot

TOOK = Quantiles(p50=5.0, p90=9.0, p99=41.0, p999=800.0, max=900.0, count=60, sum_us=480.0)
ALL = Quantiles(p50=4.0, p90=9.0, p99=40.0, p999=800.0, max=900.0, count=6_000, sum_us=50_000.0)
ENGINE = ProcessView(
    name="engine", pid=7, state="RUNNING", restarts=2, heartbeat_age_ms=120.0, reason="", cpu_pct=8.0, memory_mb=80.0,
    open_files=41, open_files_limit=1_024, loop_lag_p99_ms=1.5, loop_lag_max_ms=35.0,
)  # fmt: skip
BRAIN = ProcessView(name="brain", pid=0, state="FATAL", restarts=0, heartbeat_age_ms=None, reason='it said "no"\n')
SNAPSHOT = Snapshot(
    state="REDUCING",
    causes=(Cause(name="brain_dead", since_ns=5_000_000_000, detail="why", forces=TradingState.REDUCING),),
    halt_id="a1",
    alerts=(Alert(kind="halt", text="x", since_ns=1, level="warning", active=True),),
    processes=(ENGINE, BRAIN),
    metrics={"engine.orders": 4.0, "engine.gate_p99_us": 41.0, "engine.gate_10s_p50_us": 5.0, "engine.gate_count": 60.0,
             "engine.a-b": 1.0, "engine.a.b": 2.0},
    legs={"engine.gate": {"10s": None, "60s": TOOK, "start": ALL},
          "brain.decide": {"10s": None, "60s": None, "start": ALL}},
)  # fmt: skip

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter()
    made.open(0)
    yield made
    made.close()


def read(exporter: Exporter) -> tuple[dict[str, str], Samples]:
    """Types of the families and values of the samples, as Prometheus reads them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return {family.name: family.type for family in families}, found


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def test_everything_that_ops_knows_is_there_in_base_units(exporter: Exporter) -> None:
    exporter.show(SNAPSHOT)
    types, samples = read(exporter)
    states = {state: of(samples, "sovereign_trading_state", state=state) for state in ("ACTIVE", "REDUCING", "UNKNOWN")}
    assert states == {"ACTIVE": 0.0, "REDUCING": 1.0, "UNKNOWN": 0.0}
    assert of(samples, "sovereign_cause_since_seconds", cause="brain_dead", forces="REDUCING") == 5.0
    assert (of(samples, "sovereign_halt_standing"), of(samples, "sovereign_halts_total")) == (1.0, 1.0)
    assert of(samples, "sovereign_alerts", kind="halt") == 1.0
    assert of(samples, "sovereign_process_up", process="engine", state="RUNNING") == 1.0
    assert of(samples, "sovereign_process_up", process="brain", state="FATAL") == 0.0
    assert of(samples, "sovereign_process_restarts_total", process="engine") == 2.0
    told = {name: value for (name, labels), value in samples.items() if ("process", "engine") in labels}
    assert {name.removeprefix("sovereign_process_"): value for name, value in told.items()} == {
        "up": 1.0, "restarts_total": 2.0, "cpu_ratio": 0.08, "resident_memory_bytes": 80.0 * 2**20, "open_fds": 41.0,
        "max_fds": 1_024.0, "heartbeat_age_seconds": 0.12, "loop_lag_p99_seconds": 0.0015,
        "loop_lag_max_seconds": 0.035,
    }  # fmt: skip
    assert of(samples, "sovereign_process_open_fds", process="brain") is None  # not known is not zero
    assert (types["sovereign_process_restarts"], types["sovereign_process_up"]) == ("counter", "gauge")


def test_legs_are_summaries_and_other_numbers_have_their_own_names(exporter: Exporter) -> None:
    exporter.show(SNAPSHOT)
    types, samples = read(exporter)
    assert types["sovereign_leg_seconds"] == "summary"
    ranks = {rank: of(samples, "sovereign_leg_seconds", leg="engine.gate", quantile=rank)
             for rank in ("0.5", "0.9", "0.99", "0.999")}  # fmt: skip
    assert ranks == pytest.approx({"0.5": 5e-6, "0.9": 9e-6, "0.99": 41e-6, "0.999": 800e-6})
    assert of(samples, "sovereign_leg_seconds_count", leg="engine.gate") == 6_000
    assert of(samples, "sovereign_leg_seconds_sum", leg="engine.gate") == pytest.approx(0.05)
    assert of(samples, "sovereign_leg_seconds", leg="brain.decide", quantile="0.5") is None
    assert (of(samples, "sovereign_engine_orders"), of(samples, "sovereign_engine_gate_count")) == (4.0, 60.0)
    assert (of(samples, "sovereign_engine_a_b"), of(samples, "sovereign_engine_gate_p99_us")) == (1.0, None)


def test_each_halt_is_counted_once(exporter: Exporter) -> None:
    for halt_id in ("a", "a", None, "a", "b", None, None):
        exporter.show(Snapshot(halt_id=halt_id, metrics={}, legs={}))
    _, samples = read(exporter)
    assert (of(samples, "sovereign_halts_total"), of(samples, "sovereign_halt_standing")) == (3.0, 0.0)


def test_before_anything_is_known_the_state_is_unknown(exporter: Exporter) -> None:
    _, samples = read(exporter)
    assert of(samples, "sovereign_trading_state", state="UNKNOWN") == 1.0


def test_a_taken_port_is_one_line_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as caught:
            Exporter().open(port)
    assert caught.value.code == 78
    assert str(caught.value) == (
        f"ops.prometheus_port = {port}: Address already in use; set it to a free port, or to 0 for none"
    )


def test_a_reader_that_says_nothing_keeps_no_other_waiting(exporter: Exporter) -> None:
    with socket.create_connection(("127.0.0.1", exporter.port)):
        _, samples = read(exporter)
    assert samples
