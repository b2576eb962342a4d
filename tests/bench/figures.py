"""How durations are taken, summed up and shown: the same for every part of the bench."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

_POLLUTE_NS = 1_000_000
_CHUNK = 4 << 20
_LINE = 64


class NotMeasured(Exception):
    """A part of the bench could not run, or what ran was not what was to be measured. Its text says which and why."""


@dataclass(slots=True)
class Table:
    """The figures of one part, printed as they come; `kept` is what the file gets."""

    title: str
    kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        print(f"\n{self.title}\n  {'':<58}{'p50 us':>10}{'p99 us':>10}{'n':>8}")

    def add(
        self, label: str, durations_ns: Sequence[float], *, floor: str = "", times: float = 1, rate: str = ""
    ) -> float:
        """One line; returns the p50 in us.

        `floor`: the label of an earlier line, of which `times` make the floor. `rate`: what `times` of happen in one
        duration, shown per second. Raises: NotMeasured, without a single duration.
        """
        if not durations_ns:
            raise NotMeasured(f"{label}: nothing was measured")
        p50, p99 = percentiles_us(durations_ns)
        figures: dict[str, Any] = {"p50_us": p50, "p99_us": p99, "n": len(durations_ns)}
        beside = ""
        if floor:
            figures["ratio_to_floor"] = p50 / (self.kept[floor]["p50_us"] * times)
            beside = f"  {figures['ratio_to_floor']:.2f} x {floor if times == 1 else f'{times:g} {floor}'}"
        if rate:
            figures[f"{rate}_per_s"] = times * len(durations_ns) * 1e9 / sum(durations_ns)
            beside = f"  {figures[f'{rate}_per_s']:,.0f} {rate}/s"
        self.kept[label] = figures
        print(f"  {label:<58}{p50:>10.2f}{p99:>10.2f}{len(durations_ns):>8}{beside}")
        return p50


def percentiles_us(durations_ns: Sequence[float]) -> tuple[float, float]:
    """p50 and p99, microseconds."""
    ordered = sorted(durations_ns)
    return ordered[len(ordered) // 2] / 1e3, ordered[len(ordered) * 99 // 100] / 1e3


def durations_ns(
    work: Callable[[], object], count: int, *, before: Callable[[], object] | None = None, times: int = 1
) -> list[float]:
    """`count` durations of `work`, ns; `before` runs before each of them, unmeasured. `times`: so many in one, for what

    is shorter than reading the clock.
    """
    found = []
    for _ in range(count):
        if before is not None:
            before()
        began = time.perf_counter_ns()
        for _ in range(times):
            work()
        found.append((time.perf_counter_ns() - began) / times)
    return found


class Pollution:
    """A millisecond of other work: what an order finds in the caches when nothing kept its path warm."""

    def __init__(self) -> None:
        self._memory = bytearray(8 * _CHUNK)
        self._text = orjson.dumps([{"px": str(n / 10), "sz": n, "rows": list(range(8))} for n in range(60)])
        self._at = 0

    def __call__(self) -> None:
        until = time.perf_counter_ns() + _POLLUTE_NS
        while time.perf_counter_ns() < until:
            bytes(self._memory[self._at : self._at + _CHUNK : _LINE])  # touches one line after the other
            self._at = (self._at + _CHUNK) % len(self._memory)
            rows = orjson.loads(self._text)
            sorted(rows, key=lambda row: float(row["px"]), reverse=True)


@contextmanager
def no_collector() -> Iterator[None]:
    """Without the garbage collector, as the engine runs once it is ready (engine/warm.py)."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
