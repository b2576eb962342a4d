"""What every process does first and last: home, settings, keys, blackbox, sockets, signals, and an honest exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop

from schemas import codec
from schemas.blackbox import BlackboxWriter
from schemas.channels import ChannelError, Keyring, NullTap, Pusher, Tap, Wire
from schemas.clock import Clock, SystemClock
from schemas.loop_watch import LoopWatch
from schemas.messages import Telemetry, TelemetryKind
from schemas.printable import printable
from schemas.settings import Home, HomeError, Settings, SettingsError, load_settings
from schemas.vitals import Vitals, watch_blackbox

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 78
"""Bad configuration (EX_CONFIG): a supervisor never restarts it."""

_FLUSH_MS: Final = 40.0
"""What the blackbox may lose to a kill: each time that its thread wakes costs the frames after it (README, Decisions).
A thread that a message wakes at once costs that very message 100 us."""


class StartError(Exception):
    """This process cannot start; the message names the thing and the mend. `code` is the exit code."""

    def __init__(self, text: str, *, code: int = EXIT_CONFIG) -> None:
        super().__init__(text)
        self.code = code


class Reporter:
    """Pushes telemetry to ops. Never blocks and never raises: a full pipe drops, and counts."""

    def __init__(self, *, process: str, clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._pusher: Pusher | None = None
        self._sequence = 0
        self._pid = os.getpid()

    def connect(self, pusher: Pusher) -> None:
        """From now on push through `pusher`."""
        self._pusher = pusher

    def send(self, kind: TelemetryKind, data: dict[str, Any], *, vital: bool = False) -> None:
        """One telemetry message; schemas.messages.telemetry says what `data` holds, by kind.

        `vital`: never missing from the blackbox.
        """
        self._sequence += 1
        if self._pusher is None:
            return
        message = Telemetry(
            kind=kind,
            process=self._process,
            pid=self._pid,
            sequence=self._sequence,
            timestamp_ns=self._clock.wall_ns(),
            mono_ns=self._clock.monotonic_ns(),
            data=data,
        )
        self._pusher.push(codec.encode_telemetry(message), vital=vital)

    def log(self, level: str, text: str) -> None:
        """One event worth showing. `level`: debug, info, warning, error."""
        self.send(TelemetryKind.LOG, {"level": level, "text": text})
        if level in {"warning", "error"}:
            with contextlib.suppress(OSError, ValueError):  # the disk of the log is full, or it is gone
                sys.stderr.write(f"{self._process}: {level}: {printable(text)}\n")

    def heartbeat(self, *, tick_sequence: int, decision_sequence: int, state: str) -> None:
        """A pulse that shows progress."""
        data = {"tick_sequence": tick_sequence, "decision_sequence": decision_sequence, "state": state}
        self.send(TelemetryKind.HEARTBEAT, data)


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What a process is built from. `stopping` is set by SIGTERM and SIGINT, and by the process itself.

    `loop_watch` runs; `vitals` takes the legs whose durations shall be told.
    """

    name: str
    home: Home
    settings: Settings
    clock: Clock
    wire: Wire
    tap: Tap
    reporter: Reporter
    loop_watch: LoopWatch
    vitals: Vitals
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def run_process(name: str, main: Callable[[Runtime], Awaitable[int]], *, telemetry: bool = True) -> int:
    """Run `main` with everything that it needs; returns the exit code.

    What a user can mend (settings, home, keys, a taken port) is one line a problem on stderr and exit code 78.
    `telemetry`: connect the reporter to the telemetry pipeline (everybody but ops, which binds it).
    """
    try:
        home = Home.from_environment()
        settings = load_settings(home.settings_file)
        home.prepare()
        keys = Keyring.load_or_create(home.keys) if settings.wire.curve else None
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(name, main, home, settings, keys, telemetry))
    except (SettingsError, HomeError, ChannelError) as error:
        _complain(name, str(error))
        return EXIT_CONFIG
    except StartError as error:
        _complain(name, str(error))
        return error.code


async def _run(
    name: str,
    main: Callable[[Runtime], Awaitable[int]],
    home: Home,
    settings: Settings,
    keys: Keyring | None,
    telemetry: bool,
) -> int:
    clock = SystemClock()
    with _blackbox(name, home, settings, clock) as tap:
        wire = Wire(process=name, keys=keys, tap=tap, clock=clock)
        reporter = Reporter(process=name, clock=clock)
        loop_watch = LoopWatch(clock)
        runtime = Runtime(
            name=name, home=home, settings=settings, clock=clock, wire=wire, tap=tap, reporter=reporter,
            loop_watch=loop_watch, vitals=Vitals(name, loop_watch),
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runtime.stopping.set)
        beside = [loop.create_task(loop_watch.run(), name="loop watch")]
        if isinstance(tap, BlackboxWriter):
            beside.append(loop.create_task(watch_blackbox(tap, reporter, name), name="blackbox watch"))
        try:
            if telemetry:
                reporter.connect(wire.pusher(settings.wire.telemetry))
                beside.append(loop.create_task(runtime.vitals.run(reporter), name="vitals"))
            return await main(runtime)
        finally:
            for task in beside:
                task.cancel()
            wire.close()


@contextlib.contextmanager
def _blackbox(name: str, home: Home, settings: Settings, clock: Clock) -> Iterator[Tap]:
    if not settings.blackbox.enabled:
        yield NullTap()
        return
    writer = BlackboxWriter(
        home.blackbox,
        name,
        clock,
        segment_bytes=settings.blackbox.segment_mb * 2**20,
        queue_records=settings.blackbox.queue_records,
        keep_bytes=int(settings.blackbox.keep_gb * 2**30),
        min_free_bytes=settings.blackbox.min_free_mb * 2**20,
        flush_ms=_FLUSH_MS,
        vital_wakes=False,
    )
    try:
        yield writer
    finally:
        writer.close()


def _complain(name: str, text: str) -> None:
    for line in text.splitlines():
        sys.stderr.write(f"sovereign {name}: {line}\n")
