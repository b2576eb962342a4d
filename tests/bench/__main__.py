"""`make bench`: prints the figures and keeps them in .bench/latest.json.

The machine drifts by a tenth or two, and where the scheduler puts the threads of a run decides as much. So each
placement is measured in rounds: floor, system, floor, system, ..., floor. A round's ratio is its system to the two
floors beside it, and what is printed is the median of the rounds, with the range beside it. The parts come after the
placements; BENCH_ONLY=gate,path,... runs only those. What could not be measured ends it with exit code 1.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from tests.bench.blackbox import blackbox_cost
from tests.bench.cockpit import cockpit_cost
from tests.bench.decide import decide_cost
from tests.bench.figures import NotMeasured, percentiles_us
from tests.bench.floor import idle_two_hops_ns, two_hops_ns
from tests.bench.gate import gate_cost
from tests.bench.path import order_path
from tests.bench.price_action import layer_one
from tests.bench.reconciling import reconciliation
from tests.bench.system import Measured, measure
from tests.bench.venue import venue_speed
from tests.bench.votes import votes

SECONDS = max(3.0, float(os.environ.get("BENCH_SECONDS", "5")))
"""Of a round. The processes tell their figures once a second, and two are needed."""
ROUNDS = max(1, int(os.environ.get("BENCH_ROUNDS", "5")))
FLOOR_SECONDS = min(SECONDS, 3)
PLACEMENTS = ((1_000, True, True), (1_000, False, False), (10_000, True, True))
"""Frames/s, CURVE, blackbox."""
LEGS = (
    ("frame -> published", "engine.frame_to_publish"),
    ("published -> brain holds the tick", "brain.publish_to_decode"),
    ("decide", "brain.decide"),
    ("order -> reply (brain)", "brain.order_round_trip"),
    ("tick-to-order (engine)", "engine.tick_to_order"),
)
LOSSES = ("brain.lost", "brain.gaps", "engine.book_errors", "engine.malformed")


def legs(runs: list[Measured]) -> dict[str, Any]:
    """Print the legs, the median of the rounds each; the figures for the file. Raises: NotMeasured."""
    print(f"  {'leg':<36}{'p50 us':>10}{'p99 us':>10}{'max us':>10}{'n':>10}")
    figures: dict[str, Any] = {}
    for label, name in LEGS:
        if any(f"{name}_p50_us" not in run.metrics for run in runs):
            raise NotMeasured(f"{label}: the processes told no {name}")
        p50, p99 = (median(run.metrics[f"{name}_{key}"] for run in runs) for key in ("p50_us", "p99_us"))
        largest = max(run.metrics[f"{name}_max_us"] for run in runs)
        count = sum(run.metrics[f"{name}_count"] for run in runs)
        figures[name] = {"p50_us": p50, "p99_us": p99, "max_us": largest, "count": count}
        print(f"  {label:<36}{p50:>10.1f}{p99:>10.1f}{largest:>10.1f}{count:>10.0f}")
    return figures


def placement(rate: int, curve: bool, blackbox: bool) -> tuple[str, dict[str, Any]]:
    """Measure and print one placement; its name and its figures."""
    name = f"{rate} frames/s, CURVE {_on(curve)}, blackbox {_on(blackbox)}"
    print(f"\n{name}")
    floors, runs = [percentiles_us(two_hops_ns(frames_per_s=rate, seconds=FLOOR_SECONDS))], []
    for _ in range(ROUNDS):
        runs.append(measure(frames_per_s=rate, seconds=SECONDS, blackbox=blackbox, curve=curve))
        floors.append(percentiles_us(two_hops_ns(frames_per_s=rate, seconds=FLOOR_SECONDS)))
    seen = median(run.rate for run in runs)
    floor_p50, floor_p99 = median(p50 for p50, _ in floors), median(p99 for _, p99 in floors)
    print(f"  {seen:,.0f} frames/s seen by the engine; floor, raw pyzmq two hops from the websocket callback:")
    print(f"  {'':<36}{floor_p50:>10.1f}{floor_p99:>10.1f}")
    figures = legs(runs)
    ratios = [
        run.metrics["engine.tick_to_order_p50_us"] / mean((before, after))
        for run, (before, _), (after, _) in zip(runs, floors[:-1], floors[1:], strict=True)
    ]
    lost = {what: sum(run.metrics[what] for run in runs) for what in LOSSES}
    print(
        f"  tick-to-order p50 is {median(ratios):.2f} x the raw two hops"
        f" ({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds); {lost}"
    )
    for line in sorted({line for run in runs for line in run.logs}):
        print(f"  said: {line}")
    return name, {
        "frames_per_s": seen, "floor_p50_us": floor_p50, "floor_p99_us": floor_p99, **figures,
        "ratio_to_floor": median(ratios), "ratios": ratios, **lost,
    }  # fmt: skip


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def system() -> dict[str, Any]:
    """All placements, one after the other."""
    print(f"{ROUNDS} rounds of {SECONDS:g} s, unpinned, tcp")
    idle = percentiles_us(idle_two_hops_ns(rate=1_000, seconds=FLOOR_SECONDS))
    print(f"raw two hops on the idle machine, for comparison: p50 {idle[0]:.1f} us, p99 {idle[1]:.1f} us")
    figures: dict[str, Any] = {"idle_floor_p50_us": idle[0], "idle_floor_p99_us": idle[1]}
    figures.update(placement(*each) for each in PLACEMENTS)
    return figures


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "system": system,
    "gate": gate_cost,
    "path": order_path,
    "reconcile": reconciliation,
    "exchange": venue_speed,
    "blackbox": blackbox_cost,
    "decide": decide_cost,
    "layer1": layer_one,
    "votes": votes,
    "cockpit": cockpit_cost,
}
"""In the order in which they run."""


def chosen(text: str) -> list[str]:
    """The parts that BENCH_ONLY names, all for "". Raises: NotMeasured, for one that there is not."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in PARTS:
            raise NotMeasured(f"BENCH_ONLY: {name!r} is no part; choose from {', '.join(PARTS)}")
    return [name for name in PARTS if name in wanted or not wanted]


def main(names: Sequence[str], target: Path) -> None:
    """Run the parts; what was measured is in the file even when a later part fails. Raises what a part raises."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: dict[str, Any] = {}
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    for name in names:
        figures[name] = PARTS[name]()
        target.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    try:
        main(chosen(os.environ.get("BENCH_ONLY", "")), Path(".bench") / "latest.json")
    except NotMeasured as problem:
        sys.exit(f"bench: {problem}")
