"""HALT: latch, close the command port, cancel what is open, and ask the venue until it says that nothing is.

It comes by a signal of ops, by SIGUSR1, by the halt file or by the engine's own trip, and ends in a receipt for each
that asked. Idempotent: a halt asked again is answered again, under the id of the one that stands. A FLATTEN is a halt
that closes the position, too. Nothing but a RESUME that names its id lifts it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Final

import msgspec

from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.chase import Chase
from engine.safety.latch import HaltLatch, Latched
from engine.safety.liquidation import Liquidation
from engine.safety.receipts import ReceiptDesk
from schemas.channels import ChannelError
from schemas.clock import Clock
from schemas.haltfile import HAND, UNREADABLE
from schemas.messages import Receipt, Signal

LATCH_WITHIN_S: Final = 0.25
"""A disk that stands still must not keep the cancels back: the halt goes on, and says that it is not latched."""
_LATCH_AGAIN_S: Final = 0.25
_CURED_BY_RESUME: Final = frozenset(
    {
        CauseName.OPERATOR_HALT.value, CauseName.ENGINE_HALT.value, CauseName.BRAIN_DEAD.value,
        CauseName.BRAIN_RETURNING.value, CauseName.UNPROTECTED.value,
    }
)  # fmt: skip
"""With the port closed no brain can prove itself, and while an operator's halt stands no stop can be made."""


class Halt:
    """Carries halts out. `close_port` refuses new connections to the command channel, `open_port` takes them again.

    `close_port` returns how many orders it stopped before they left for the venue, and how many are on their way.
    `disk`: who writes the latch; None: a thread of its own.
    """

    def __init__(
        self,
        *,
        latch: HaltLatch,
        causes: TradingCauses,
        chase: Chase,
        liquidation: Liquidation,
        receipts: ReceiptDesk,
        close_port: Callable[[], tuple[int, int]],
        open_port: Callable[[], None],
        clock: Clock,
        disk: Executor | None = None,
    ) -> None:
        self._latch, self._causes, self._chase, self._liquidation = latch, causes, chase, liquidation
        self._receipts, self._close_port, self._open_port, self._clock = receipts, close_port, open_port, clock
        self._standing: Latched | None = None
        self._resumed: set[str] = set()
        self._work: asyncio.Task[None] | None = None
        self._written: Future[None] | None = None
        self._latching: asyncio.Task[None] | None = None
        self._disk = disk or ThreadPoolExecutor(1, thread_name_prefix="latch")

    @property
    def halt_id(self) -> str | None:
        """Id of the halt that stands."""
        return self._standing.id if self._standing else None

    def recall(self) -> str:
        """At start: a latch that stands is obeyed before anything else. Returns why its space is not reserved."""
        self._disk.submit(lambda: None)  # the thread is there when it is needed
        found = self._latch.read(wall_ns=self._clock.wall_ns())
        if found is not None:
            self.take(found, path="latch", flatten=found.flatten)
            return ""
        try:
            self._latch.reserve()
        except OSError as error:
            return f"the halt latch has no space of its own ({error}); free the disk"
        return ""

    def on_signal(self, signal: Signal, *, flatten: bool = False) -> None:
        """SYSTEM_HALT or FLATTEN, also for the hundredth time."""
        if signal.id not in self._resumed:
            halt = Latched(
                id=signal.id, issuer=signal.issuer, reason=signal.reason, wall_ns=self._clock.wall_ns(),
                mono_ns=signal.mono_ns,
            )  # fmt: skip
            self.take(halt, path="signal", flatten=flatten)

    def take(self, halt: Latched, *, path: str, flatten: bool = False) -> None:
        """A halt that somebody asks for, by whatever path."""
        if halt.id in {HAND, UNREADABLE} and path != "signal":  # so that two of them do not share a receipt
            halt = msgspec.structs.replace(halt, id=f"{halt.id}-{secrets.token_hex(4)}")
        if self._receipts.knows(halt.id):
            self._receipts.say_again(halt.id, flatten=flatten)
            if flatten:  # its file, found later, does not say so
                self._stand(flatten=True)
            self._go_on()
            return
        halt = msgspec.structs.replace(halt, flatten=flatten)
        now_ns = self._clock.monotonic_ns()
        standing = self._standing or halt
        receipt = Receipt(
            id=standing.id, asked=halt.id, issuer=halt.issuer, reason=halt.reason, path=path, flatten=flatten,
            wall_ns=halt.wall_ns, received_ns=now_ns,
            requested_ns=halt.mono_ns if path != "latch" and 0 < halt.mono_ns <= now_ns else now_ns,
        )  # fmt: skip
        if self._standing is None:
            self._begin(halt, receipt)
            return
        self._receipts.begin(receipt)
        if self._standing.own and not halt.own:  # now nothing is sent but cancels
            self._causes.hold(CauseName.OPERATOR_HALT, True, f"{standing.id} by {halt.issuer}: {halt.reason}")
        self._stand(own=self._standing.own and halt.own, flatten=self._standing.flatten or flatten)
        if self._work is None or self._work.done():
            self._receipts.note("stands", latched_ns=now_ns, port_closed_ns=now_ns)
        self._go_on()

    def _begin(self, halt: Latched, receipt: Receipt) -> None:
        """The latch first; what comes after it is done without giving anybody else a turn."""
        self._standing = halt
        problem = self._write(halt)
        latched_ns = None if problem else self._clock.monotonic_ns()
        cause = CauseName.ENGINE_HALT if halt.own else CauseName.OPERATOR_HALT
        self._causes.hold(cause, True, f"{halt.id} by {halt.issuer}: {halt.reason}")
        dropped, chased = self._close_port()
        closed_ns = self._clock.monotonic_ns()
        self._receipts.begin(receipt)
        if problem:
            self._receipts.problem(problem)
            self._latch_again(problem)
        else:
            self._receipts.note("latched", latched_ns=latched_ns)
        self._receipts.note("port closed", port_closed_ns=closed_ns, dropped=dropped, chased=chased)
        self._go_on()

    def _stand(self, **changes: bool) -> None:
        """What stands has become more, or less: a restart is to know it."""
        assert self._standing is not None
        changed = msgspec.structs.replace(self._standing, **changes)
        if changed != self._standing:
            self._standing = changed
            problem = self._write(changed)
            if problem:
                self._receipts.problem(problem)
                self._latch_again(problem)

    def _go_on(self) -> None:
        """There may be something to be done again."""
        if self._receipts.open and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._until_done())

    def _write(self, halt: Latched) -> str:
        """Why it is not on disk, "" when it is.

        By a thread, so that a disk that stands still can be left behind; waited for without the GIL, so that nothing
        keeps that thread from its work.
        """
        self._written = self._disk.submit(self._latch.set, halt)
        try:
            self._written.result(LATCH_WITHIN_S)
        except TimeoutError:
            return f"the disk has not taken the latch within {LATCH_WITHIN_S:g} s; a restart would forget this halt"
        except OSError as error:
            return f"the latch could not be written ({error}); a restart would forget this halt"
        return ""

    def _latch_again(self, problem: str) -> None:
        if self._latching is not None:
            self._latching.cancel()  # one at a time, with what stands by then
        self._latching = asyncio.create_task(self._latch_later(problem))

    async def _latch_later(self, problem: str) -> None:
        """Until the disk takes it: a full one is not full for ever, nor does one stand still for ever."""
        while True:
            await asyncio.sleep(_LATCH_AGAIN_S)
            if self._written is None or not self._written.done():
                continue
            if self._written.exception() is None or self._standing is None:
                break
            self._written = self._disk.submit(self._latch.set, self._standing)
        self._receipts.solved(problem)

    async def _until_done(self) -> None:
        """Whatever is asked for meanwhile joins: the venue's answer is newer than its asking."""
        while self._receipts.open:
            await self._chase.until_nothing_is_open(self._receipts)
            self._receipts.confirmed()
            if self._receipts.wants_flat:
                found = await self._liquidation.step()
                self._receipts.position(found)
                if found.flat and not self._receipts.wants_flat:
                    self._stand(flatten=False)  # what is opened by hand from now on is not the next start's business

    def on_resume(self, signal: Signal) -> tuple[bool, str]:
        """Lift the halt that the signal names. Returns whether it was lifted, and why not."""
        if self._standing is None:
            return True, "no halt stands"
        if signal.target != self._standing.id:
            return False, f"halt {self._standing.id} stands, {signal.target or 'none'} was named"
        against = [cause for cause in self._causes.standing() if cause.name not in _CURED_BY_RESUME]
        if against:
            said = "; ".join(f"{cause.name}: {cause.detail}" for cause in against)
            return False, f"{said}; the halt stands until that is over (some of it waits for `sovereign rearm`)"
        if self._receipts.wants_flat:
            return False, "the position is still being closed; the halt stands"
        if self._receipts.open:
            return False, "the venue has not confirmed yet that nothing is open; the halt stands"
        if self._written is not None and not self._written.done():
            return False, "the latch is still being written; the halt stands"
        try:
            self._open_port()  # whatever comes in now is still refused
        except ChannelError as error:
            return False, f"{error}; the halt stands"
        if problem := self._clear():
            self._close_port()
            return False, f"the latch cannot be removed ({problem}); the halt stands"
        for task in (self._work, self._latching):
            if task is not None:
                task.cancel()
        self._resumed |= self._receipts.over()
        self._standing = None
        for cause in (CauseName.OPERATOR_HALT, CauseName.ENGINE_HALT):
            self._causes.hold(cause, False)
        return True, "trading may begin again"

    def _clear(self) -> str:
        """Why the latch is not lifted; then it is set again, after whatever that thread still does."""
        assert self._standing is not None
        try:
            self._disk.submit(self._latch.clear).result(LATCH_WITHIN_S)
        except TimeoutError:
            problem = f"the disk has not taken it within {LATCH_WITHIN_S:g} s"
        except OSError as error:
            problem = str(error.strerror)
        else:
            return ""
        lost = self._write(self._standing)
        if lost:
            self._latch_again(lost)
        return problem
