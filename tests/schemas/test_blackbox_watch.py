"""What a process says of its own record."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from schemas.blackbox import BlackboxWriter
from schemas.messages import TelemetryKind
from schemas.vitals import watch_blackbox
from tests.support.virtual import LoopClock, run_virtually


class Reporter:
    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.numbers: list[dict[str, Any]] = []

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None:
        assert kind is TelemetryKind.METRICS
        self.numbers.append(data)

    def log(self, level: str, text: str) -> None:
        self.said.append((level, text))


def test_what_the_record_lacks_is_said_when_it_begins_and_when_it_is_over_and_counted_always() -> None:
    async def act(clock: LoopClock) -> None:
        status = SimpleNamespace(error=None, sparing=False, dropped=0, lost_vital=0)
        reporter = Reporter()
        watching = asyncio.create_task(
            watch_blackbox(cast(BlackboxWriter, SimpleNamespace(status=status)), reporter, "engine")
        )
        await asyncio.sleep(3.5)
        assert reporter.said == []
        status.sparing, status.dropped = True, 7
        await asyncio.sleep(3)
        status.error = "box/engine: No space left on device"
        await asyncio.sleep(3)
        status.error, status.sparing = None, False
        await asyncio.sleep(3)
        assert reporter.said == [
            (
                "error",
                "blackbox: the disk is nearly full (blackbox.min_free_mb): only commands and answers are recorded",
            ),
            ("error", "blackbox: box/engine: No space left on device"),
            ("info", "blackbox: everything is recorded again"),
        ]
        assert reporter.numbers[-1] == {"engine.blackbox_dropped": 7, "engine.blackbox_lost_vital": 0}
        watching.cancel()

    run_virtually(act)
