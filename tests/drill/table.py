"""Figures of a drill: percentiles, targets, a table, and whether all was met."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

MILLIS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Target:
    """ms. `p99` at most; `least` and `most` of every single one."""

    p99: float | None = None
    least: float | None = None
    most: float | None = None

    def missed(self, values: Sequence[float]) -> bool:
        """Whether these values miss it. None at all do."""
        if not values:
            return True
        return (
            (self.p99 is not None and percentile(values, 99) > self.p99)
            or (self.least is not None and min(values) < self.least)
            or (self.most is not None and max(values) > self.most)
        )

    def __str__(self) -> str:
        parts = [f"p99 <= {self.p99:g}"] if self.p99 is not None else []
        parts += [f"{self.least:g}..{self.most:g}"] if self.least is not None and self.most is not None else []
        return ", ".join(parts)


@dataclass(slots=True)
class Row:
    """One line of the table: the times of one step, ms."""

    drill: str
    step: str
    load: str
    values: list[float] = field(default_factory=list)
    lacking: int = 0
    """How often the step was not seen."""
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """ok, MISSED, or nothing where there is no target."""
        if self.lacking:
            return "MISSED"
        return "" if self.target is None else "MISSED" if self.target.missed(self.values) else "ok"

    def figures(self) -> dict[str, Any]:
        """For the file."""
        return {**asdict(self), "target": str(self.target or ""), "verdict": self.verdict}


class Table:
    """Rows by drill, step and load, in the order in which they came."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}

    def add(
        self, drill: str, step: str, load: str, began_ns: int | None, ended_ns: int | None, target: Target | None = None
    ) -> None:
        """One time from here to there; one of them None: it was not seen."""
        row = self._rows.setdefault((drill, step, load), Row(drill, step, load, target=target))
        if began_ns is None or ended_ns is None:
            row.lacking += 1
        else:
            row.values.append((ended_ns - began_ns) / MILLIS)

    @property
    def rows(self) -> list[Row]:
        """All of them."""
        return list(self._rows.values())

    @property
    def missed(self) -> bool:
        """Whether a target was."""
        return any(row.verdict == "MISSED" for row in self.rows)


def percentile(values: Iterable[float], percent: float) -> float:
    """By the nearest rank: the smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def lines(rows: Iterable[Row]) -> Iterable[str]:
    """The table."""
    yield f"{'drill':<31}{'step':<30}{'load':<8}{'n':>5}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}  target"
    for row in rows:
        head = f"{row.drill:<31}{row.step:<30}{row.load:<8}{len(row.values):>5}"
        if row.values:
            shown = (percentile(row.values, 50), percentile(row.values, 99), max(row.values))
            head += "".join(f"{value:>10.2f}" for value in shown)
        else:
            head += f"{'-':>10}" * 3
        lacking = f"  ({row.lacking} not seen)" if row.lacking else ""
        yield f"{head}  {row.target or ''!s:<16}{row.verdict}{lacking}".rstrip()
