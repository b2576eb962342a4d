"""HALT: latch, close the command port, cancel what is open, and ask the venue until it says that nothing is.

Idempotent: a halt asked again is acknowledged again, under the id of the one that stands. Nothing but a RESUME that
names that id lifts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.latch import HaltLatch, Latched
from engine.venue.answers import VenueError
from engine.venue.rest import BATCH, Rest
from schemas.channels import ChannelError
from schemas.clock import Clock
from schemas.messages import Signal, TelemetryKind
from schemas.process import Reporter

_ASK_AGAIN_S: Final = 0.02
_AFTER_ERROR_S: Final = 0.25
_LATCH_AGAIN_S: Final = 1.0


class Halt:
    """Carries halts out. `close_port` refuses new connections to the command channel, `open_port` takes them again.

    `in_flight` says how many orders are on their way to the venue: the halt is not confirmed while there are any.
    """

    def __init__(
        self,
        *,
        latch: HaltLatch,
        causes: TradingCauses,
        rest: Rest,
        instrument: str,
        in_flight: Callable[[], int],
        close_port: Callable[[], None],
        open_port: Callable[[], None],
        reporter: Reporter,
        clock: Clock,
    ) -> None:
        self._latch, self._causes, self._rest, self._instrument = latch, causes, rest, instrument
        self._in_flight, self._close_port, self._open_port = in_flight, close_port, open_port
        self._reporter, self._clock = reporter, clock
        self._standing: Latched | None = None
        self._steps: dict[str, Any] = {}
        self._problems: list[str] = []
        self._asked: set[str] = set()
        self._resumed: set[str] = set()
        self._chase: asyncio.Task[None] | None = None
        self._latching: asyncio.Task[None] | None = None

    @property
    def halt_id(self) -> str | None:
        """Id of the halt that stands."""
        return self._standing.id if self._standing else None

    def recall(self) -> None:
        """At start: a latch that stands is obeyed before anything else."""
        found = self._latch.read(wall_ns=self._clock.wall_ns())
        if found is not None:
            self._begin(found)

    def on_signal(self, signal: Signal) -> None:
        """SYSTEM_HALT, also for the hundredth time."""
        if signal.id in self._resumed:
            return
        if self._standing is None:
            now = self._clock.wall_ns()
            self._begin(Latched(id=signal.id, issuer=signal.issuer, reason=signal.reason, wall_ns=now))
        elif signal.id not in self._asked and (self._chase is None or self._chase.done()):
            self._steps.pop("venue_confirmed_ns", None)  # asked anew: the venue is asked anew
            self._chase = asyncio.create_task(self._until_nothing_is_open())
        self._asked.add(signal.id)
        self._acknowledge(signal.id)

    def _begin(self, halt: Latched) -> None:
        self._standing, self._steps, self._problems = halt, {}, []
        problem = self._set_latch(halt)
        if problem:
            self._problems.append(problem)
            self._latching = asyncio.create_task(self._latch_later(halt, problem))
        self._causes.hold(CauseName.OPERATOR_HALT, True, f"{halt.id} by {halt.issuer}: {halt.reason}")
        self._close_port()
        self._steps["port_closed_ns"] = self._clock.monotonic_ns()
        self._chase = asyncio.create_task(self._until_nothing_is_open())

    def _set_latch(self, halt: Latched) -> str:
        """Returns why not, "" when it is on disk."""
        try:
            self._latch.set(halt)
        except OSError as error:
            return f"the latch could not be written ({error}); a restart would forget this halt"
        self._steps["latched_ns"] = self._clock.monotonic_ns()
        return ""

    async def _latch_later(self, halt: Latched, problem: str) -> None:
        """Until the disk takes it: a full one is not full for ever."""
        while self._set_latch(halt):
            await asyncio.sleep(_LATCH_AGAIN_S)
        self._problems.remove(problem)
        self._acknowledge("")

    async def _until_nothing_is_open(self) -> None:
        """Cancel and ask, until the venue says zero and nothing of ours is on its way."""
        while True:
            try:
                settled = self._in_flight() == 0  # asked first: one that arrives meanwhile is not in the list
                pending = await self._rest.pending(self._instrument)
                self._steps["open_orders"] = len(pending)
                if not pending and settled:
                    break
                for some in batched_ids([order.ordId for order in pending]):
                    await self._rest.cancel(self._instrument, some)
                self._steps["cancels_sent_ns"] = self._clock.monotonic_ns()
                await asyncio.sleep(_ASK_AGAIN_S)
            except VenueError as error:
                problem = f"venue: {error}"
                if problem not in self._problems:
                    self._problems.append(problem)
                self._acknowledge("")
                await asyncio.sleep(_AFTER_ERROR_S)
        self._steps["venue_confirmed_ns"] = self._clock.monotonic_ns()
        self._acknowledge("")

    def _acknowledge(self, asked: str) -> None:
        if self._standing is None:
            return
        data = {"id": self._standing.id, "asked": asked or self._standing.id, **self._steps}
        for each in {asked} | (self._asked if not asked else set()):
            self._reporter.send(
                TelemetryKind.HALT_ACK, {**data, "asked": each or self._standing.id, "problems": list(self._problems)}
            )

    def on_resume(self, signal: Signal) -> tuple[bool, str]:
        """Lift the halt that the signal names. Returns whether it was lifted, and why not."""
        if self._standing is None:
            return True, "no halt stands"
        if signal.target != self._standing.id:
            return False, f"halt {self._standing.id} stands, {signal.target or 'none'} was named"
        try:
            self._open_port()  # whatever comes in now is still refused
        except ChannelError as error:
            return False, f"{error}; the halt stands"
        try:
            self._latch.clear()
        except OSError as error:
            self._close_port()
            return False, f"the latch cannot be removed ({error.strerror}); the halt stands"
        for task in (self._chase, self._latching):
            if task is not None:
                task.cancel()
        self._resumed |= self._asked | {self._standing.id}
        self._standing, self._asked = None, set()
        self._causes.hold(CauseName.OPERATOR_HALT, False)
        return True, "trading may begin again"


def batched_ids(ids: list[str]) -> list[list[str]]:
    """Slices of at most BATCH."""
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
