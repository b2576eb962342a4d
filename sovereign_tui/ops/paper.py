"""The record of a paper run, written while it goes on: what counts is the time in which the system could trade."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from schemas.clock import NS_PER_S, Clock
from schemas.settings import Settings
from schemas.settings.records import PAPER, Record, digest, write

TURN_S: Final = 1.0
WRITE_EVERY_NS: Final = 60 * NS_PER_S
_LONGEST_STEP_NS: Final = 5 * NS_PER_S
"""What lies between two turns counts up to this much: nobody looked meanwhile."""


class PaperRun:
    """One run, from now on. `trading` says whether the system is up, not halted, and has fresh prices."""

    def __init__(
        self, *, directory: Path, settings: Settings, clock: Clock, trading: Callable[[], bool],
        complain: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._directory = directory
        self._instrument = settings.venue.instrument
        self._digest = digest(settings)
        self._clock = clock
        self._trading = trading
        self._complain = complain
        self._id = secrets.token_hex(4)
        self._begun_ns = clock.wall_ns()
        self._ran_ns = 0
        self._was_trading = False
        self._looked_ns = self._written_ns = clock.monotonic_ns()
        self._troubled = False
        self._write()

    def turn(self) -> None:
        """Looks, and writes once a minute. To be called every TURN_S."""
        now, trading = self._clock.monotonic_ns(), self._trading()
        if trading and self._was_trading:
            self._ran_ns += min(now - self._looked_ns, _LONGEST_STEP_NS)
        self._looked_ns, self._was_trading = now, trading
        if now - self._written_ns >= WRITE_EVERY_NS:
            self._written_ns = now
            self._write()

    def end(self) -> None:
        """The run is over."""
        self._write()

    def _write(self) -> None:
        """The disk's refusal is said once; the next minute may find it mended."""
        ended_ns = max(self._clock.wall_ns(), self._begun_ns + self._ran_ns)
        record = Record(
            kind=PAPER, id=self._id, begun_ns=self._begun_ns, ended_ns=ended_ns, ran_s=self._ran_ns / NS_PER_S,
            instrument=self._instrument, settings=self._digest,
        )  # fmt: skip
        try:
            write(self._directory, record)
        except OSError as error:
            if not self._troubled:
                self._complain(f"{self._directory}: the paper run cannot be recorded ({error.strerror})")
            self._troubled = True
        else:
            self._troubled = False
