from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.latency import sparse
from schemas.messages import HistogramData
from sovereign_tui.ops.latencies import Latencies, Quantiles
from tests.support.clock import ManualClock

WHATS = ("p50", "p90", "p99", "p999", "max")


def report(*durations_ns: int, leg: str = "engine.gate", **missed: int) -> HistogramData:
    return HistogramData(legs={leg: tuple(sparse(sorted(durations_ns)))}, missed=missed)


def fresh(latencies: Latencies) -> Latencies:
    """Every span brought up to date, wherever its turn is."""
    for _ in range(6 * len(latencies.read())):
        latencies.refresh()
    return latencies


def test_a_leg_has_its_quantiles_of_ten_seconds_of_sixty_and_since_its_start() -> None:
    clock = ManualClock()
    latencies = Latencies(clock)
    latencies.take("engine", 7, report(*([1_000] * 99), 50_000))
    clock.advance(s=11)
    latencies.take("engine", 7, report(2_000, 2_000))
    spans = fresh(latencies).read()["engine.gate"]
    recent, minute, start = (spans[name] for name in ("10s", "60s", "start"))
    assert recent == Quantiles(p50=2.007, p90=2.007, p99=2.007, p999=2.007, max=2.007, count=2, sum_us=4.014)
    assert minute is not None
    assert (minute.count, minute.p50, minute.max) == (102, pytest.approx(1.0, rel=0.008), pytest.approx(50, rel=0.008))
    assert start == minute
    clock.advance(s=50)
    spans = fresh(latencies).read()["engine.gate"]
    assert (spans["10s"], spans["60s"], spans["start"]) == (None, recent, start)


def test_the_plain_names_are_those_of_the_last_minute_and_vanish_with_it() -> None:
    clock = ManualClock()
    latencies = Latencies(clock)
    known = {"engine.gate_p50_us": 77.0, "engine.gate_count": 5.0, "engine.ticks": 9.0}
    assert fresh(latencies).metrics(known) == known
    latencies.take("engine", 7, report(100))
    told = fresh(latencies).metrics(known)
    names = {f"engine.gate{span}_{what}_us" for span in ("", "_10s", "_start") for what in WHATS}
    assert {name: told[name] for name in names} == dict.fromkeys(names, 0.1)
    assert set(told) - names == {"engine.gate_count", "engine.ticks"}
    clock.advance(s=61)
    assert set(fresh(latencies).metrics(known)) == {
        "engine.gate_count", "engine.ticks", *(f"engine.gate_start_{what}_us" for what in WHATS)
    }  # fmt: skip


def test_a_leg_begins_anew_with_its_process() -> None:
    latencies = Latencies(ManualClock())
    latencies.take("engine", 7, report(100))
    latencies.take("engine", 8, report(50, 50))
    found = fresh(latencies).read()["engine.gate"]["start"]
    assert found is not None
    assert (found.count, found.max) == (2, 0.05)


def test_a_leg_is_named_after_its_process_and_what_was_missed_is_counted() -> None:
    latencies = Latencies(ManualClock())
    latencies.take("brain", 7, HistogramData(legs={"decide": ((5, 1),)}, missed={"decide": 3}))
    assert set(fresh(latencies).read()) == {"brain.decide"}
    assert latencies.missed == 3


def test_a_process_gone_mad_fills_no_memory() -> None:
    latencies = Latencies(ManualClock())
    latencies.take("engine", 7, HistogramData(legs={f"engine.{number}": ((5, 2),) for number in range(150)}))
    assert (len(fresh(latencies).read()), latencies.missed) == (100, 100)
    latencies.take("engine", 7, HistogramData(legs={"engine.0": ((2**53, 2**53),)}))
    found = fresh(latencies).read()["engine.0"]["start"]
    assert found is not None
    assert (found.count, found.max) == (2**53 + 2, 2**53 / 1_000)


@given(st.lists(st.lists(st.integers(0, 10**10), min_size=1, max_size=30), min_size=1, max_size=8))
def test_what_leaves_the_window_leaves_no_trace_and_all_quantiles_are_within_one_percent(
    reports: list[list[int]],
) -> None:
    clock = ManualClock()
    latencies = Latencies(clock)
    for durations in reports:
        latencies.take("engine", 7, report(*durations))
        clock.advance(s=4)
    spans = fresh(latencies).read()["engine.gate"]
    for name, kept in (("10s", reports[-2:]), ("start", reports)):
        true = sorted(ns for durations in kept for ns in durations)
        found = spans[name]
        assert found is not None
        assert found.count == len(true)
        assert found.max * 1_000 == pytest.approx(true[-1], rel=0.008)
        rank = max(int(len(true) * 0.5 + 0.5), 1)
        assert found.p50 * 1_000 == pytest.approx(true[rank - 1], rel=0.008)


def test_what_is_read_is_what_was_found_last_and_each_turn_brings_one_span_up_to_date() -> None:
    latencies = Latencies(ManualClock())
    latencies.take("engine", 7, report(100))
    assert [found and found.count for found in latencies.read()["engine.gate"].values()] == [1, 1, 1]
    latencies.take("engine", 7, report(100))
    counts = []
    for _ in range(3):
        latencies.refresh()
        counts.append([found and found.count for found in latencies.read()["engine.gate"].values()])
    assert counts == [[2, 1, 1], [2, 2, 1], [2, 2, 2]]
