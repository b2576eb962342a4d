"""Layer 1: candles a second in batch with the growth order, a bar's cost live, and smart-money-concepts beside it.

All signals on the same candles, a seeded random walk of bars of 5 minutes. Theirs run in an environment of their own
(.bench/smc, made at first use) and have a time bound: what does not end within it is a proven lower bound, not an
extrapolation. BENCH_SMC_BOUND=times our time (400), BENCH_CANDLES=the sizes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from brain.price_action.batch import Bars, price_action
from brain.price_action.live import PriceAction
from schemas.settings.price_action import PriceAction as Settings
from tests.bench.figures import NotMeasured, Table, no_collector

SIZES = tuple(int(text) for text in os.environ.get("BENCH_CANDLES", "10000,100000,1000000").split(","))
BOUND = float(os.environ.get("BENCH_SMC_BOUND", "400"))
_SLACK_S = 20.0
"""For starting Python, importing pandas, and the tenth or two by which the machine drifts."""
_INSTALL_S = 600.0
_ENVIRONMENT = Path(".bench") / "smc"
_WANTED = ("smartmoneyconcepts==0.0.27", "pandas")
_TARGETS = {100_000: 100.0, 1_000_000: 300.0}
_LIVE_TARGET_US = 60.0
_FRAME_NS = 300 * 10**9
_SETTINGS = Settings()


def layer_one(*, sizes: Sequence[int] = SIZES, live_bars: int = 20_000, runs: int = 5) -> dict[str, Any]:
    """Measure and print it."""
    table = Table("layer 1, price action, all signals")
    _live(table, live_bars)
    seconds = _batch(table, sizes, runs)
    try:
        python = _environment()
        for size in sizes:
            _beside(table, python, size, seconds[size])
    except NotMeasured as problem:
        print(f"  smart-money-concepts not measured: {problem}")
        table.kept["smart-money-concepts"] = {"not_measured": str(problem)}
    return table.kept


def candles(count: int, seed: int = 1) -> Bars:
    """A walk of the logarithm in steps of 25 s, with the highs and lows that it really had."""
    steps = np.random.default_rng(seed).normal(0.0, 3e-4, (count, 12))
    path = np.cumsum(steps, axis=1)
    before = np.concatenate(([0.0], np.cumsum(path[:, -1])[:-1]))[:, None]
    price = 20_000.0 * np.exp(np.concatenate((np.zeros((count, 1)), path), axis=1) + before)
    times = 1_672_617_600 * 10**9 + _FRAME_NS * np.arange(count, dtype=np.int64)
    return Bars(times, price[:, 0].copy(), price.max(axis=1), price.min(axis=1), price[:, -1].copy())


def _live(table: Table, count: int) -> None:
    layer = PriceAction(_SETTINGS, frame_ns=_FRAME_NS)
    rows = list(zip(*(column.tolist() for column in candles(count)), strict=True))
    with no_collector():
        bars = [_taken_ns(lambda row=row: layer.on_bar(*row)) for row in rows]
        layer.reset()
        views = [_taken_ns(lambda: layer.view) for row in rows[:2_000] if layer.on_bar(*row) == ""]
    if layer.unknown:
        raise NotMeasured(f"layer 1 refused a bar: {layer.unknown}")
    table.add("live: on_bar", bars, rate="bars")
    table.add("live: the view, once a bar", views)
    mean_us = sum(bars) / len(bars) / 1e3
    table.kept["live: on_bar"]["mean_us"] = mean_us
    print(f"    on_bar {mean_us:.1f} us on average, target {_LIVE_TARGET_US:g} us: {_met(mean_us <= _LIVE_TARGET_US)}")


def _taken_ns(work: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def _batch(table: Table, sizes: Sequence[int], runs: int) -> dict[int, float]:
    """Seconds by size; compiled beforehand."""
    compile_s = _taken_ns(lambda: price_action(candles(1_000), _SETTINGS)) / 1e9
    print(f"  compiled in {compile_s:.1f} s, not counted below")
    table.kept["compile_s"] = compile_s
    seconds: dict[int, float] = {}
    for size in sizes:
        bars = candles(size)
        taken = [_taken_ns(lambda bars=bars: price_action(bars, _SETTINGS)) for _ in range(runs)]
        seconds[size] = median(taken) / 1e9
        table.add(f"batch: {size:,} candles", taken, times=size, rate="candles")
    if len(sizes) > 1:
        order = float(np.polyfit([log(size) for size in sizes], [log(seconds[size]) for size in sizes], 1)[0])
        table.kept["growth_order"] = order
        print(f"    grows with order {order:.2f} of the candles")
    return seconds


def _environment() -> Path:
    """The python that has smart-money-concepts. Raises: NotMeasured, where it cannot be installed."""
    python = _ENVIRONMENT / "bin" / "python"
    done = _ENVIRONMENT / "installed"
    if not done.exists():
        print(f"  installing {', '.join(_WANTED)} into {_ENVIRONMENT}")
        steps = (
            [sys.executable, "-m", "venv", str(_ENVIRONMENT)],
            [str(python), "-m", "pip", "install", "-q", *_WANTED],
        )
        for step in steps:
            try:
                made = subprocess.run(step, capture_output=True, text=True, check=False, timeout=_INSTALL_S)
            except subprocess.TimeoutExpired:
                raise NotMeasured(f"its environment was not made within {_INSTALL_S:g} s") from None
            if made.returncode:
                lines = (made.stderr or made.stdout).strip().splitlines() or ["no word why"]
                raise NotMeasured(f"its environment could not be made: {lines[-1]}")
        done.touch()
    return python.absolute()


def _beside(table: Table, python: Path, size: int, ours_s: float) -> None:
    bound_s = BOUND * ours_s + _SLACK_S
    found, worked_s, ended = _theirs(python, size, bound_s)
    theirs_s = sum(found.values()) if ended else max(sum(found.values()), worked_s)
    ratio, target = theirs_s / ours_s, _TARGETS.get(size)
    amount = f"{theirs_s:,.1f} s, {ratio:,.0f}x ours"
    if not ended:
        amount = f"stopped after {theirs_s:,.0f} s, more than {ratio:,.0f}x ours"
    verdict = ""
    if target is not None:
        is_known = ended or ratio >= target
        verdict = f"; target {target:g}x: {_met(ratio >= target) if is_known else 'not decided within the bound'}"
    each = ", ".join(f"{name} {taken:.2f}" for name, taken in sorted(found.items(), key=lambda item: -item[1]))
    print(f"  smart-money-concepts, {size:,} candles: {amount}{verdict}\n    {each}")
    table.kept[f"smart-money-concepts: {size}"] = {
        "seconds": theirs_s, "ratio": ratio, "finished": ended, "parts_s": found, "target": target,
    }  # fmt: skip


def _theirs(python: Path, size: int, bound_s: float) -> tuple[dict[str, float], float, bool]:
    """Seconds by function; seconds that the candles were worked on in all; did it end? Raises: NotMeasured."""
    script = Path(__file__).with_name("smc_theirs.py")
    with tempfile.TemporaryDirectory(prefix="sv-") as directory:
        file = Path(directory) / "candles.npz"
        np.savez(file, **candles(size)._asdict())
        command = [str(python), str(script), str(file), str(_SETTINGS.swing_bars)]
        began = time.perf_counter()
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=bound_s)
        except subprocess.TimeoutExpired as stopped:
            said = stopped.stdout or b""
            lines = (said.decode() if isinstance(said, bytes) else said).splitlines()
            return dict(map(json.loads, lines)), time.perf_counter() - began - _SLACK_S, False
        taken = time.perf_counter() - began
    if run.returncode:
        raise NotMeasured(f"{size:,} candles: {(run.stderr.strip().splitlines() or ['no word why'])[-1]}")
    return dict(map(json.loads, run.stdout.splitlines())), taken, True


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
