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
from schemas.clock import SystemClock
from tests.bench.figures import NotMeasured
from tests.bench.system import measure

HOUR_RECORDS: Final = int(os.environ.get("BENCH_HOUR_RECORDS", str(3_600 * 1_000)))
"""An hour of 1,000 frames/s: some ten times what OKX sends of one instrument."""
_ROUNDS: Final = max(1, int(os.environ.get("BENCH_ROUNDS", "5")))
_SECONDS: Final = max(3.0, float(os.environ.get("BENCH_SECONDS", "5")))
_TICK_BYTES: Final = 904
_BATCH: Final = 2_000
_VITAL_EVERY: Final = 1_000
_LEGS: Final = (("frame -> published", "engine.frame_to_publish"), ("tick-to-order (engine)", "engine.tick_to_order"))


def blackbox_cost() -> dict[str, Any]:
    """Print and return both. Raises: NotMeasured."""
    print("\nblackbox")
    return {"hot_path": _on_and_off(), "hour": hour(HOUR_RECORDS)}


def _on_and_off() -> dict[str, Any]:
    """Rounds of both by turns, since the machine drifts by more than what is measured."""
    runs: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(2 * _ROUNDS):
        on = number % 4 in {1, 2}  # off, on, on, off: neither is always the first
        runs[on].append(measure(frames_per_s=1_000, seconds=_SECONDS, blackbox=on).metrics)
    figures: dict[str, Any] = {}
    print(f"  {'1,000 frames/s, p50 us':<36}{'off':>10}{'on':>10}{'on/off':>10}")
    for label, name in _LEGS:
        off, on = ([run[f"{name}_p50_us"] for run in runs[which]] for which in (False, True))
        ratios = [with_it / without for with_it, without in zip(on, off, strict=True)]
        figures[name] = {"off_p50_us": median(off), "on_p50_us": median(on), "ratio": median(ratios), "ratios": ratios}
        print(f"  {label:<36}{median(off):>10.1f}{median(on):>10.1f}{median(ratios):>10.3f}")
    return figures


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
