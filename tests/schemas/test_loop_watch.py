from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_MS, NS_PER_S, SystemClock
from schemas.latency import LatencyWindow
from schemas.loop_watch import WAKE_NS, LoopWatch
from schemas.messages import TelemetryKind
from schemas.vitals import Vitals
from tests.support.clock import ManualClock


class Stopped(Exception):
    """The end of a test's loop."""


def watched(latenesses_ms: list[float], bound_ms: float = 1e9) -> tuple[LoopWatch, ManualClock, list[int]]:
    """A watch whose sleeps were late by these."""
    clock, left, heard = ManualClock(), list(latenesses_ms), list[int]()

    async def sleep(seconds: float) -> None:
        if not left:
            raise Stopped
        clock.advance(ns=round(seconds * NS_PER_S) + round(left.pop(0) * NS_PER_MS))

    watch = LoopWatch(clock, sleep=sleep)
    watch.when_frozen(round(bound_ms * NS_PER_MS), heard.append)
    with contextlib.suppress(Stopped):
        asyncio.run(watch.run())
    return watch, clock, heard


def test_the_worst_lateness_counts_for_two_seconds() -> None:
    watch, clock, _ = watched([0, 35, 1])
    assert watch.lag_ns() == 35 * NS_PER_MS
    clock.advance(ns=WAKE_NS)  # the next wake is due now
    assert watch.lag_ns() == 35 * NS_PER_MS
    watch, _, _ = watched([35, *([1.0] * 100)])
    assert watch.lag_ns() == NS_PER_MS


def test_a_lateness_that_goes_on_is_seen_by_who_runs_before_the_watch() -> None:
    watch, clock, _ = watched([0])
    clock.advance(ns=WAKE_NS + 700 * NS_PER_MS)
    assert watch.lag_ns() == 700 * NS_PER_MS


def test_who_asked_hears_of_each_freeze_beyond_his_bound() -> None:
    _, _, heard = watched([0, 499, 500, 1, 2_000], bound_ms=500)
    assert heard == [500 * NS_PER_MS, 2_000 * NS_PER_MS]


def test_telemetry_has_p99_and_maximum_of_the_last_ten_seconds() -> None:
    watch, _, _ = watched([4.0, *([1.0] * 198), 9.0])
    assert watch.metrics("brain") == {"brain.loop_lag_p99_ms": 4.0, "brain.loop_lag_max_ms": 9.0}
    watch, _, _ = watched([4.0, *([1.0] * 600)])
    assert watch.metrics("brain") == {"brain.loop_lag_p99_ms": 1.0, "brain.loop_lag_max_ms": 1.0}
    assert LoopWatch(ManualClock()).metrics("brain") == {}


@given(st.lists(st.integers(0, 5_000), max_size=60))
def test_the_lag_is_the_worst_of_what_lies_within_two_seconds(latenesses_ms: list[int]) -> None:
    watch, _, _ = watched([float(ms) for ms in latenesses_ms])
    at_ms, wakes = 0, list[tuple[int, int]]()
    for late in latenesses_ms:
        at_ms += WAKE_NS // NS_PER_MS + late
        wakes.append((at_ms, late))
    expected = max((late for at, late in wakes if at_ms - at <= 2_000), default=0)
    assert watch.lag_ns() == expected * NS_PER_MS


class Told:
    def __init__(self) -> None:
        self.sent: list[tuple[TelemetryKind, dict[str, Any]]] = []
        self.enough = asyncio.Event()

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None:
        self.sent.append((kind, data))
        if len(self.sent) == 2:
            self.enough.set()


def test_a_blocked_loop_is_told_with_the_legs_of_the_process() -> None:
    async def scenario() -> tuple[int, list[tuple[TelemetryKind, dict[str, Any]]]]:
        watch, told, leg = LoopWatch(SystemClock()), Told(), LatencyWindow()
        vitals = Vitals("engine", watch)
        vitals.add({"gate": leg})
        tasks = [asyncio.ensure_future(watch.run()), asyncio.ensure_future(vitals.run(told))]
        await asyncio.sleep(0.05)
        leg.add(5)
        time.sleep(0.15)
        lag_ns = watch.lag_ns()
        async with asyncio.timeout(10):
            await told.enough.wait()
        for task in tasks:
            task.cancel()
        return lag_ns, told.sent

    lag_ns, ((first, histogram), (second, metrics)) = asyncio.run(scenario())
    assert lag_ns >= 100 * NS_PER_MS
    assert (first, second) == (TelemetryKind.HISTOGRAM, TelemetryKind.METRICS)
    assert histogram["legs"]["engine.gate"] == [(5, 1)]
    assert histogram["legs"]["engine.loop_lag"][-1][0] >= 100 * NS_PER_MS
    assert histogram["missed"] == {}
    assert set(metrics) == {"engine.loop_lag_p99_ms", "engine.loop_lag_max_ms"}
    assert metrics["engine.loop_lag_max_ms"] >= 100
