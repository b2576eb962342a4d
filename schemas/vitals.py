"""What every process tells of itself once a second: how late its loop is, and the durations of its legs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from schemas.blackbox import BlackboxWriter
from schemas.latency import LatencyWindow, LegReport
from schemas.loop_watch import LoopWatch
from schemas.messages import TelemetryKind

LOOP_LAG: Final = "loop_lag"
_FOLDS: Final = 10
_FOLD_EVERY_S: Final = 0.1
_LOOK_EVERY_S: Final = 1.0


class Reports(Protocol):
    """What the watch of the blackbox needs of a reporter."""

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None: ...

    def log(self, level: str, text: str) -> None: ...


class Sends(Protocol):
    """What it needs of a reporter."""

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None: ...


async def watch_blackbox(writer: BlackboxWriter, reporter: Reports, process: str) -> None:
    """Tells what the record lacks, until it is cancelled: once when it begins, and as numbers every second."""
    said = ""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        status = writer.status
        reporter.send(
            TelemetryKind.METRICS,
            {f"{process}.blackbox_dropped": status.dropped, f"{process}.blackbox_lost_vital": status.lost_vital},
        )
        sparing = "the disk is nearly full (blackbox.min_free_mb): only commands and answers are recorded"
        problem = status.error or (sparing if status.sparing else "")
        if problem != said:
            reporter.log("error" if problem else "info", f"blackbox: {problem or 'everything is recorded again'}")
        said = problem


class Vitals:
    """The legs of one process; each gets the process' name in front."""

    def __init__(self, process: str, loop_watch: LoopWatch) -> None:
        self._process = process
        self._loop_watch = loop_watch
        self._legs: dict[str, LegReport] = {}
        self.add({LOOP_LAG: loop_watch.window})

    def add(self, legs: Mapping[str, LatencyWindow]) -> None:
        """Report these too: name without the process -> where its durations are added."""
        self._legs |= {f"{self._process}.{name}": LegReport(window) for name, window in legs.items()}

    async def run(self, reporter: Sends) -> None:
        """Once a second, until it is cancelled. In small steps, so that no message waits long for the counting."""
        while True:
            for _ in range(_FOLDS):
                await asyncio.sleep(_FOLD_EVERY_S)
                for leg in list(self._legs.values()):
                    leg.fold()
                    await asyncio.sleep(0)
            reporter.send(TelemetryKind.HISTOGRAM, self.histogram())
            reporter.send(TelemetryKind.METRICS, {**self._loop_watch.metrics(self._process)})

    def histogram(self) -> dict[str, Any]:
        """The data of a HISTOGRAM message: what came since the one before."""
        taken = {name: leg.take() for name, leg in self._legs.items()}
        return {
            "legs": {name: counts for name, (counts, _) in taken.items() if counts},
            "missed": {name: missed for name, (_, missed) in taken.items() if missed},
        }
