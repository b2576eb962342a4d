"""`python -m tests.bench.switched engine|brain FILE`: the process as it is, its blackbox off and on by turns.

A machine drifts from one run to the next, and from one minute to the next, by more than a blackbox costs. A turn and
those beside it have the machine, the processes and the places of their memory in common. Engine and brain switch at the
same time: a turn is a number of the monotonic clock. While it is off nothing is recorded and the thread that writes
sleeps; what stays in both are the list in which a tick waits to be recorded, a call that asks whether it is on, and the
gate's tables. FILE gets the p50 of each leg in each turn, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import schemas.process
from schemas.blackbox import BlackboxWriter, Direction, Keep, NullTap
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.process import Runtime, run_process

TURN_NS: Final = 200 * NS_PER_MS
_SETTLE_NS: Final = 40 * NS_PER_MS
"""What was recorded in the turn before is written by then."""
_ASLEEP_S: Final = 3_600.0


class Switched:
    """Implements Tap."""

    def __init__(self, writer: BlackboxWriter) -> None:
        self._writer = writer
        self._flush_s = writer._flush_s
        self._on = True

    def switch(self, on: bool) -> None:
        self._on = on
        self._writer._flush_s = self._flush_s if on else _ASLEEP_S
        self._writer._queue.wake.set()

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        if self._on:
            self._writer.record(direction, channel, topic, payload, vital=vital)

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        kept = self._writer.lane(direction, channel, topic, vital=vital, skip=skip)

        def keep(message: bytes | memoryview) -> None:
            if self._on:
                kept(message)

        return keep


async def _take_turns(runtime: Runtime, tap: Switched, turns: list[dict[str, Any]]) -> None:
    """Until it is cancelled. Turns of an even number are without a blackbox."""
    number = runtime.clock.monotonic_ns() // TURN_NS
    while True:
        number = max(number + 1, runtime.clock.monotonic_ns() // TURN_NS)
        await _until(runtime, number * TURN_NS)
        tap.switch(number % 2 == 1)
        await _until(runtime, number * TURN_NS + _SETTLE_NS)
        windows = {name: leg._window for name, leg in runtime.vitals._legs.items()}
        before = {name: window.count for name, window in windows.items()}
        await _until(runtime, (number + 1) * TURN_NS)
        p50s = {}
        for name, window in windows.items():
            taken, missed = window.since(before[name])
            if taken and not missed:
                p50s[name] = median(taken)
        turns.append({"number": number, "on": number % 2 == 1, "p50_ns": p50s})


async def _until(runtime: Runtime, mono_ns: int) -> None:
    await asyncio.sleep(max(0, mono_ns - runtime.clock.monotonic_ns()) / NS_PER_S)


def main(name: str, path: Path) -> int:
    real_blackbox, real_main = schemas.process._blackbox, importlib.import_module(f"{name}.__main__")._main
    turns: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def blackbox(*args: Any) -> Iterator[Switched | NullTap]:
        with real_blackbox(*args) as tap:
            yield Switched(tap) if isinstance(tap, BlackboxWriter) else tap

    async def switched(runtime: Runtime) -> int:
        assert isinstance(runtime.tap, Switched)
        task = asyncio.create_task(_take_turns(runtime, runtime.tap, turns))
        try:
            return await real_main(runtime)
        finally:
            task.cancel()
            path.write_text(json.dumps(turns))

    schemas.process._blackbox = blackbox
    return run_process(name, switched)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
