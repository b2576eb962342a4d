"""How long each leg takes, from the counts that the processes report: of the last 10 s, the last 60 s, and the start.

Quantiles are of HdrHistogram with two digits; with the processes' own counting the error is 0.8 %, for each of them and
for the maximum.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec
from hdrh.histogram import HdrHistogram

from schemas.clock import NS_PER_S, Clock
from schemas.messages import HistogramData

_LONGEST_NS: Final = 3_600 * NS_PER_S
_DIGITS: Final = 2
_MAX_LEGS: Final = 100
_US: Final = 1_000
QUANTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
SINCE_START: Final = "start"
SHOWN: Final = "60s"
"""The window whose numbers have the plain names (`engine.gate_p99_us`)."""
_SPANS_NS: Final[dict[str, int | None]] = {"10s": 10 * NS_PER_S, SHOWN: 60 * NS_PER_S, SINCE_START: None}

_Counts = tuple[tuple[int, int], ...]


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """What one leg took within one span, us; `count` durations, `sum_us` of them together."""

    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    count: int
    sum_us: float


class _Span:
    """The durations of one leg within one span of time; None: all."""

    def __init__(self, span_ns: int | None) -> None:
        self._span_ns = span_ns
        self._histogram = HdrHistogram(1, _LONGEST_NS, _DIGITS)
        self._held: deque[tuple[int, int, _Counts]] = deque()  # when, the longest, all
        self._max_ns = 0
        self._sum_ns = 0
        self._found: Quantiles | None = None
        self._shown: Quantiles | None = None
        self._fresh = False

    def add(self, now_ns: int, counts: _Counts) -> None:
        self._record(counts, 1)
        longest = max((value for value, _ in counts), default=0)
        self._max_ns = max(self._max_ns, longest)
        if self._span_ns is not None:
            self._held.append((now_ns, longest, counts))

    def shown(self, now_ns: int) -> Quantiles | None:
        """As they were at the last `refresh`; now, before the first."""
        return self._shown if self._fresh else self.refresh(now_ns)

    def refresh(self, now_ns: int) -> Quantiles | None:
        """Takes a millisecond or three: the quantiles are looked for from the shortest duration on."""
        self._shown, self._fresh = self.quantiles(now_ns), True
        return self._shown

    def quantiles(self, now_ns: int) -> Quantiles | None:
        """None: there is nothing."""
        self._forget(now_ns)
        if self._found is None and self._histogram.total_count:
            by_rank = self._histogram.get_percentile_to_value_dict(list(QUANTILES.values()))
            found = {name: min(by_rank[rank], self._max_ns) / _US for name, rank in QUANTILES.items()}
            self._found = Quantiles(
                **found, max=self._max_ns / _US, count=self._histogram.total_count, sum_us=self._sum_ns / _US
            )
        return self._found

    def _forget(self, now_ns: int) -> None:
        """What is older is taken out of the histogram again."""
        before = len(self._held)
        while self._held and self._span_ns is not None and now_ns - self._held[0][0] > self._span_ns:
            self._record(self._held.popleft()[2], -1)
        if len(self._held) < before:
            self._max_ns = max((longest for _, longest, _ in self._held), default=0)

    def _record(self, counts: _Counts, sign: int) -> None:
        self._found = None
        for value, count in counts:
            self._histogram.record_value(min(value, _LONGEST_NS), sign * count)
            self._sum_ns += sign * count * value


class _Leg:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.spans = {name: _Span(span_ns) for name, span_ns in _SPANS_NS.items()}


class Latencies:
    """The legs of all processes. A leg begins anew with the process that reports it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._legs: dict[str, _Leg] = {}
        self._turns: deque[_Span] = deque()
        self.missed = 0
        """Durations that are in no histogram, since more came than a process, or we, keep."""

    def take(self, process: str, pid: int, data: HistogramData) -> None:
        """One report."""
        now = self._clock.monotonic_ns()
        self.missed += sum(data.missed.values())
        for told, counts in data.legs.items():
            name = told if told.startswith(f"{process}.") else f"{process}.{told}"
            leg = self._legs.get(name)
            if leg is None and len(self._legs) >= _MAX_LEGS:
                self.missed += sum(count for _, count in counts)
                continue
            if leg is None or leg.pid != pid:
                leg = self._legs[name] = _Leg(pid)
            for span in leg.spans.values():
                span.add(now, counts)

    def read(self) -> dict[str, dict[str, Quantiles | None]]:
        """Leg -> span ("10s", "60s", "start") -> its quantiles; None: nothing came within it.

        As `refresh` found them last: all of them at once would hold up whatever ops has to do, a halt too.
        """
        now = self._clock.monotonic_ns()
        return {name: {span: held.shown(now) for span, held in leg.spans.items()} for name, leg in self._legs.items()}

    def refresh(self) -> None:
        """Bring one span up to date, each time another one."""
        if not self._turns:
            self._turns.extend(span for leg in self._legs.values() for span in leg.spans.values())
        if self._turns:
            self._turns.popleft().refresh(self._clock.monotonic_ns())

    def metrics(self, known: Mapping[str, float]) -> dict[str, float]:
        """The metrics of the processes with our quantiles in place of theirs, as `<leg>_p99_us` and `<leg>_10s_p99_us`.

        What a leg took when it was last used is not told as what it takes now: after 60 s its plain names are gone.
        """
        values = dict(known)
        for name, spans in self.read().items():
            for what in (*QUANTILES, "max"):
                values.pop(f"{name}_{what}_us", None)
            for span, found in spans.items():
                prefix = name if span == SHOWN else f"{name}_{span}"
                if found is not None:
                    values |= {f"{prefix}_{what}_us": getattr(found, what) for what in (*QUANTILES, "max")}
        return values
