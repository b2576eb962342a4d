"""The blackbox: what it costs the hot path, on and off in one run, and an hour of it written, verified and timed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from schemas.blackbox import BlackboxReader, BlackboxWriter, Direction, SegmentOk
from schemas.clock import NS_PER_S, SystemClock
from tests.bench.figures import NotMeasured
from tests.bench.switched import TURN_NS
from tests.bench.system import measure

HOUR_RECORDS: Final = int(os.environ.get("BENCH_HOUR_RECORDS", str(3_600 * 1_000)))
"""An hour of 1,000 frames/s: some ten times what OKX sends of one instrument."""
_ROUNDS: Final = max(1, int(os.environ.get("BENCH_ROUNDS", "3")))
_SECONDS: Final = max(3.0, float(os.environ.get("BENCH_SECONDS", "20")))
_LEAST: Final = 10
_TICK_BYTES: Final = 904
_BATCH: Final = 2_000
_VITAL_EVERY: Final = 1_000
_LEGS: Final = (("frame -> published", "engine.frame_to_publish"), ("tick-to-order (engine)", "engine.tick_to_order"))


def blackbox_cost() -> dict[str, Any]:
    """Print and return both. Raises: NotMeasured."""
    print("\nblackbox")
    return {"hot_path": on_and_off(_ROUNDS, _SECONDS), "hour": hour(HOUR_RECORDS)}


def on_and_off(rounds: int, seconds: float) -> dict[str, Any]:
    """Each turn with a blackbox is compared with the two without that it lies between: see tests.bench.switched."""
    runs = [measure(frames_per_s=1_000, seconds=seconds, blackbox=True, switched=True).turns for _ in range(rounds)]
    figures: dict[str, Any] = {}
    print(f"  {'1,000 frames/s, p50 us':<36}{'off':>10}{'on':>10}{'on/off':>10}{'95 % of it':>18}{'turns':>8}")
    for label, name in _LEGS:
        triples = [one for run in runs for one in _triples(run[name.partition(".")[0]], name, seconds)]
        if len(triples) < _LEAST:
            raise NotMeasured(f"blackbox: {len(triples)} turns of {name}, {_LEAST} are needed")
        ratios = sorted(on / ((before + after) / 2) for before, on, after in triples)
        off_us, on_us = median(before for before, _, _ in triples) / 1e3, median(on for _, on, _ in triples) / 1e3
        low, high = _interval(ratios)
        figures[name] = {
            "off_p50_us": off_us, "on_p50_us": on_us, "ratio": median(ratios), "low": low, "high": high,
            "turns": len(ratios),
        }  # fmt: skip
        between = f"{low:.3f} to {high:.3f}"
        print(f"  {label:<36}{off_us:>10.1f}{on_us:>10.1f}{median(ratios):>10.3f}{between:>18}{len(ratios):>8}")
    return figures


def _triples(turns: list[dict[str, Any]], name: str, seconds: float) -> list[tuple[float, float, float]]:
    """p50s, ns, of turns off, on, off that follow each other; the first seconds of a run are not among them."""
    end = turns[-1]["number"] if turns else 0
    late = [turn for turn in turns if (end - turn["number"]) * TURN_NS < seconds * NS_PER_S]
    p50s = {turn["number"]: turn["p50_ns"][name] for turn in late if name in turn["p50_ns"]}
    on = [turn["number"] for turn in late if turn["on"]]
    return [(p50s[n - 1], p50s[n], p50s[n + 1]) for n in on if {n - 1, n, n + 1} <= p50s.keys()]


def _interval(ordered: list[float]) -> tuple[float, float]:
    """Where the true median is, 19 times of 20: the ranks at 1.96 standard deviations of a fair coin's heads."""
    half = 0.98 * len(ordered) ** 0.5
    low, high = int(len(ordered) / 2 - half), int(len(ordered) / 2 + half)
    return ordered[max(0, low)], ordered[min(len(ordered) - 1, high)]


def hour(records: int, directory: Path = Path(".bench")) -> dict[str, Any]:
    """Writes as fast as the writer takes it, reads all of it back and walks the chain. Raises: NotMeasured."""
    directory.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="hour-", dir=directory))
    try:
        began = time.perf_counter()
        _write(scratch, records)
        written_s = time.perf_counter() - began
        size = sum(path.stat().st_size for path in scratch.rglob("*.bbx"))
        began = time.perf_counter()
        found = list(BlackboxReader(scratch).verify())
        verified_s = time.perf_counter() - began
    finally:
        shutil.rmtree(scratch)
    if not all(isinstance(one, SegmentOk) for one in found):
        raise NotMeasured(f"blackbox: a segment is broken: {[one for one in found if not isinstance(one, SegmentOk)]}")
    whole = sum(one.records for one in found)
    print(
        f"  an hour at 1,000 frames/s: {whole:,} records, {size / 1e9:.2f} GB, {len(found)} files; written in "
        f"{written_s:.0f} s ({records / written_s:,.0f}/s), verified whole in {verified_s:.0f} s "
        f"({whole / verified_s:,.0f}/s)"
    )
    return {
        "records": whole, "bytes": size, "segments": len(found), "written_s": written_s, "verified_s": verified_s,
    }  # fmt: skip


def _write(directory: Path, records: int) -> None:
    writer = BlackboxWriter(directory, "engine", SystemClock(), queue_records=10 * _BATCH, vital_wakes=False)
    payload = bytearray(os.urandom(_TICK_BYTES))
    for number in range(records):
        payload[:8] = number.to_bytes(8, "little")
        vital = number % _VITAL_EVERY == 0
        writer.record(Direction.SENT, "market", "tick.BTC-USDT-SWAP", memoryview(payload), vital=vital)
        if number % _BATCH == 0:
            while number - writer.status.written > 8 * _BATCH:
                time.sleep(0.001)
    if not writer.close(60.0):
        raise NotMeasured(f"blackbox: not written: {writer.status}")
    status = writer.status
    if status.written != records:
        raise NotMeasured(f"blackbox: {status.written} of {records} records were written, {status.dropped} dropped")
