"""`make bench`: prints the figures and keeps them in .bench/latest.json."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from tests.bench.floor import idle_two_hops_ns, two_hops_ns
from tests.bench.system import Measured, measure

SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))
FLOOR_SECONDS = min(SECONDS, 4)
LEGS = (
    ("frame -> published", "engine.frame_to_publish"),
    ("published -> brain holds the tick", "brain.publish_to_decode"),
    ("decide", "brain.decide"),
    ("order -> reply (brain)", "brain.order_round_trip"),
    ("tick-to-order (engine)", "engine.tick_to_order"),
)


def percentiles_us(durations_ns: list[int]) -> tuple[float, float]:
    """p50 and p99, microseconds."""
    ordered = sorted(durations_ns)
    return ordered[len(ordered) // 2] / 1e3, ordered[len(ordered) * 99 // 100] / 1e3


def table(title: str, run: Measured, floor_us: float) -> dict[str, Any]:
    """Print one run; the figures for the file."""
    print(f"\n{title}: {run.rate:,.0f} frames/s seen by the engine")
    print(f"  {'leg':<36}{'p50 us':>10}{'p99 us':>10}{'max us':>10}{'n':>10}")
    figures: dict[str, Any] = {"frames_per_s": run.rate}
    for label, name in LEGS:
        row = {key: run.metrics.get(f"{name}_{key}") for key in ("p50_us", "p99_us", "max_us", "count")}
        if row["p50_us"] is None:
            print(f"  {label:<36}{'none':>10}")
            continue
        figures[name] = row
        print(f"  {label:<36}{row['p50_us']:>10.1f}{row['p99_us']:>10.1f}{row['max_us']:>10.1f}{row['count']:>10.0f}")
    ratio = figures["engine.tick_to_order"]["p50_us"] / floor_us
    lost = {
        name: run.metrics.get(name) for name in ("brain.lost", "brain.gaps", "engine.book_errors", "engine.malformed")
    }
    print(f"  tick-to-order p50 is {ratio:.2f} x the raw two hops; {lost}")
    return figures | {"ratio_to_floor": ratio, **lost}


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def main() -> int:
    """Each run stands between two floors of the same placement, since the machine drifts."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, unpinned, tcp, {SECONDS:g} s a run")
    idle = percentiles_us(idle_two_hops_ns(rate=1_000, seconds=min(SECONDS, 5)))
    print(f"raw two hops on the idle machine, for comparison: p50 {idle[0]:.1f} us, p99 {idle[1]:.1f} us")
    figures: dict[str, Any] = {"idle_floor_p50_us": idle[0], "idle_floor_p99_us": idle[1]}
    for rate, curve, blackbox in ((1_000, True, True), (1_000, False, False), (10_000, True, True)):
        before = two_hops_ns(frames_per_s=rate, seconds=FLOOR_SECONDS)
        run = measure(frames_per_s=rate, seconds=SECONDS, blackbox=blackbox, curve=curve)
        p50, p99 = percentiles_us(before + two_hops_ns(frames_per_s=rate, seconds=FLOOR_SECONDS))
        name = f"{rate} frames/s, CURVE {_on(curve)}, blackbox {_on(blackbox)}"
        print(
            f"\nfloor, raw pyzmq two hops from the websocket callback, {rate} frames/s: p50 {p50:.1f}, p99 {p99:.1f} us"
        )
        figures[name] = {"floor_p50_us": p50, "floor_p99_us": p99, **table(name, run, p50)}
        for line in run.logs[-3:]:
            print(f"  said: {line}")
    target = Path(".bench")
    target.mkdir(exist_ok=True)
    (target / "latest.json").write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
