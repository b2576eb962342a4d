"""Carrying a HALT through: file first, then the signal, repeated until the engine and the venue have answered.

The engine is told of a new file at once (SIGUSR2), and is halted by whatever it hears first, under the same id.

A HALT that the engine has not answered yet is repeated every 100 ms, and every second from then on until the venue
has confirmed: an engine that dies in between is asked again when it is back. Asking again while one is not verified
joins it. Asking again afterwards asks the venue anew; the receipt then carries the id of the halt that stands. A
FLATTEN is a HALT that closes the position, too. Receipts are the engine's; only one that it has not answered is kept
by us. A halt that came another way (SIGUSR1, the halt file, the engine's own trip) is told to the screens as it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from schemas import haltfile, receipts
from schemas.clock import NS_PER_S, Clock
from schemas.haltfile import StandingHalt
from schemas.messages import Receipt, SignalKind
from schemas.settings import Home
from sovereign_tui.ops.receipt import missing

REPEAT_S: Final = 0.1
_SLOW: Final = 10
"""Once answered, every so many turns."""
_PROGRESS_S: Final = 1.0
_REMEMBERED: Final = 64
"""Halts whose late acknowledgements are known to be late."""


class Megaphone(Protocol):
    """What the desk needs of the hub."""

    def signal(
        self, kind: SignalKind, *, issuer: str, reason: str, target: str = "", id_: str | None = None,
        mono_ns: int = 0,
    ) -> str: ...  # fmt: skip

    def receipt(self, value: Receipt) -> None: ...


class Ask:
    """One HALT that somebody asked for."""

    def __init__(self, asked: str, receipt: Receipt, problems: tuple[str, ...]) -> None:
        self.asked = asked
        self.receipt = receipt
        self.own_problems = problems
        self.heard = False
        self.resume_asked = False
        """The engine may have lifted it, and then it is deaf to this id."""
        self.file: Path | None = None
        self._changed = asyncio.Event()

    def change(self, receipt: Receipt) -> None:
        """The receipt as it is from now on."""
        self.receipt = receipt
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, timeout_s: float) -> None:
        """Returns at the next change, or when the time is over."""
        with contextlib.suppress(TimeoutError):  # the caller looks at the receipt and at its own deadline
            await asyncio.wait_for(self._changed.wait(), timeout_s)


class HaltDesk:
    """All HALTs of one ops. `engine` says the state of the engine's process, for the receipt's problems.

    `on_foreign` hears of halts that came another way. `poke` tells the engine that the file is there: it need not wait
    for the threads of two sockets, who are as busy as the market.
    """

    def __init__(
        self, *, home: Home, clock: Clock, hub: Megaphone, deadline_s: float, engine: Callable[[], str],
        on_foreign: Callable[[Receipt], None] = lambda receipt: None, poke: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._runtime = home.runtime
        self._receipts = home.data / "receipts"
        self._clock = clock
        self._hub = hub
        self._deadline_s = deadline_s
        self._engine = engine
        self._on_foreign = on_foreign
        self._poke = poke
        self._current: Ask | None = None
        self._held: Ask | None = None
        self._lifted: deque[str] = deque(maxlen=_REMEMBERED)

    @property
    def standing_file(self) -> StandingHalt | None:
        """The HALT that an engine would latch at its start."""
        return haltfile.read(self._runtime)

    def recall(self) -> Receipt | None:
        """At the start of ops: a HALT file stands, so the engine has to hear of it, whoever started that engine."""
        found = self.standing_file
        if found is None:
            return None
        known = found.id not in {haltfile.HAND, haltfile.UNREADABLE}  # others had that id before, and were lifted
        return self._begin(found.id if known else haltfile.new_id(), found.issuer, found.reason, ()).receipt

    async def halt(
        self, issuer: str, reason: str, *, flatten: bool = False, mono_ns: int = 0, halt_id: str = ""
    ) -> AsyncGenerator[Receipt, None]:
        """Asks for a HALT at once and yields the receipt at each change; the last one is final.

        Ends when the venue has confirmed what was asked for, or at the deadline; the HALT goes on without us.
        `mono_ns`: when the operator asked for it, 0: now. `halt_id`: of the file that was written before we were asked;
        the engine may have been faster than we are.
        """
        ask = self._current
        if ask is None or ask.resume_asked or (flatten and not ask.receipt.flatten):
            ask = self._ask(issuer, reason, flatten=flatten, mono_ns=mono_ns, halt_id=halt_id)
        elif not ask.receipt.done:
            self._publish(ask)
        elif ask.asked != halt_id:
            ask = self._ask(issuer, reason, flatten=flatten, mono_ns=mono_ns, halt_id=halt_id)
        end = self._deadline_ns()
        while not ask.receipt.done and (left := end - self._clock.monotonic_ns()) > 0:
            yield ask.receipt
            await ask.changed(min(_PROGRESS_S, left / NS_PER_S))
        final = self._concluded(ask)
        self._keep(ask, final)
        yield final

    def outcome(self) -> Coroutine[Any, Any, Receipt] | None:
        """How the HALT that was asked for last ends, at the deadline at the latest; asks for nothing. None: no HALT."""
        return None if self._current is None else self._settled(self._current)

    async def _settled(self, ask: Ask) -> Receipt:
        end = self._deadline_ns()
        while not ask.receipt.done and (left := end - self._clock.monotonic_ns()) > 0:
            await ask.changed(left / NS_PER_S)
        return self._concluded(ask)

    def _deadline_ns(self) -> int:
        return self._clock.monotonic_ns() + round(self._deadline_s * NS_PER_S)

    def on_ack(self, receipt: Receipt) -> None:
        """The engine says how far it is."""
        if receipt.asked in self._lifted or receipt.id in self._lifted:
            return  # said before the RESUME
        if self._held is not None and self._held.asked == receipt.asked:
            self._held.heard = True
            self._held.change(receipt)
            return  # said before the RESUME that is being asked for
        ask = self._current
        if ask is None or ask.asked != receipt.asked:
            if ask is not None and not ask.receipt.done:
                self._hub.receipt(receipt)
                return
            ask = self._current = Ask(receipt.asked, receipt, ())
            self._on_foreign(receipt)
        ask.heard = True
        ask.change(receipt)
        standing = self.standing_file
        if standing is None or standing.id != receipt.id:
            self._write_file(StandingHalt(id=receipt.id, issuer=receipt.issuer, reason=receipt.reason), ask)
        self._keep(ask, self._concluded(ask) if receipt.done else receipt)

    async def repeat(self) -> None:
        """Repeats what has not been answered. Runs as long as ops."""
        turn = 0
        while True:
            await asyncio.sleep(REPEAT_S)
            turn += 1
            ask = self._current
            if ask is not None and not ask.receipt.done and (not ask.heard or turn % _SLOW == 0):
                self._publish(ask)

    def lifted(self, halt_id: str) -> str | None:
        """After a resume: nothing is repeated, and nothing halts the next start. A problem, or None.

        Another HALT, asked for meanwhile, goes on: the engine heard of it after the RESUME, or has not heard of it yet.
        """
        held, ask = self._held, self._current
        self._lifted.extend([halt_id, *([held.asked] if held else [])])
        self._held = None
        if ask is not None and ask.receipt.id != halt_id:
            self._write_file(StandingHalt(id=ask.receipt.id, issuer=ask.receipt.issuer, reason=ask.receipt.reason), ask)
            return None
        if ask is not None:
            self._lifted.append(ask.asked)
        self._current = None
        standing = self.standing_file
        if standing is None or standing.id not in self._lifted:
            return None  # the engine has removed its file; whoever has made one since wants another halt
        try:
            haltfile.remove(self._runtime)
        except OSError as error:
            return f"{haltfile.path_in(self._runtime)} cannot be removed ({error.strerror}); remove it yourself"
        return None

    def hold_back(self) -> Ask | None:
        """No more repetitions from now on; what was repeated, for `go_on`."""
        ask, self._current = self._current, None
        self._held = ask or self._held
        if ask is not None:
            ask.resume_asked = True
        return ask

    @property
    def is_quiet(self) -> bool:
        """Has nobody asked for a HALT, by whatever way, since `hold_back`?"""
        return self._current is None

    def go_on(self, ask: Ask | None) -> None:
        """Repeat it again, unless another HALT was asked for meanwhile."""
        self._held = None
        if self._current is None:
            self._current = ask

    def _ask(self, issuer: str, reason: str, *, flatten: bool, mono_ns: int, halt_id: str) -> Ask:
        problems: tuple[str, ...] = ()
        known = halt_id and halt_id not in self._lifted
        asked, now_ns = halt_id if known else haltfile.new_id(), self._clock.monotonic_ns()
        requested_ns = mono_ns if 0 < mono_ns <= now_ns else now_ns
        if self.standing_file is None:
            try:
                haltfile.write(self._runtime, StandingHalt(id=asked, issuer=issuer, reason=reason), requested_ns)
            except OSError as error:
                problems = (_file_problem(self._runtime, error),)
            else:
                self._poke()
        return self._begin(asked, issuer, reason, problems, flatten=flatten, requested_ns=requested_ns)

    def _begin(
        self, asked: str, issuer: str, reason: str, problems: tuple[str, ...], *, flatten: bool = False,
        requested_ns: int = 0,
    ) -> Ask:  # fmt: skip
        receipt = Receipt(
            id=asked, asked=asked, requested_ns=requested_ns or self._clock.monotonic_ns(), issuer=issuer,
            reason=reason, path="signal", flatten=flatten, wall_ns=self._clock.wall_ns(),
        )  # fmt: skip
        self._current = ask = Ask(asked, receipt, problems)
        self._publish(ask)
        self._keep(ask, receipt)
        return ask

    def _publish(self, ask: Ask) -> None:
        receipt = ask.receipt
        kind = SignalKind.FLATTEN if receipt.flatten else SignalKind.SYSTEM_HALT
        self._hub.signal(
            kind, issuer=receipt.issuer, reason=receipt.reason, id_=ask.asked, mono_ns=receipt.requested_ns
        )  # fmt: skip

    def _concluded(self, ask: Ask) -> Receipt:
        waited_s = (self._clock.monotonic_ns() - ask.receipt.requested_ns) / NS_PER_S
        lacks = missing(ask.receipt, engine=self._engine(), waited_s=round(waited_s, 1), heard=ask.heard)
        problems = tuple(dict.fromkeys((*ask.own_problems, *ask.receipt.problems, *lacks)))
        if problems == ask.receipt.problems:
            return ask.receipt
        return msgspec.structs.replace(ask.receipt, problems=problems, key="", signature="")  # no more what was signed

    def _write_file(self, halt: StandingHalt, ask: Ask) -> None:
        try:
            haltfile.write(self._runtime, halt, ask.receipt.requested_ns)
        except OSError as error:
            ask.own_problems = (_file_problem(self._runtime, error),)

    def _keep(self, ask: Ask, receipt: Receipt) -> None:
        """Publishes the receipt. One that the engine has not answered is kept on disk by us, and by it from then on."""
        self._hub.receipt(receipt)
        try:
            path = receipts.file_of(self._receipts, receipt)
            ours = ask.file == path or not path.exists()  # the engine may be faster than its ack
            if ours and not ask.heard:
                receipts.keep(self._receipts, receipt)
                ask.file = path
            elif ask.heard and ask.file is not None and ask.file != path:
                ask.file.unlink(missing_ok=True)
                ask.file = None
        except OSError as error:
            ask.own_problems = (*ask.own_problems[:1], f"{self._receipts}: no receipt can be kept ({error.strerror})")


def receipt_fields(receipt: Receipt) -> dict[str, Any]:
    """A receipt as JSON takes it."""
    return receipts.fields_of(receipt)


def _file_problem(runtime: Path, error: OSError) -> str:
    return (
        f"{haltfile.path_in(runtime)} cannot be written ({error.strerror}): an engine that starts now relies on the "
        "signal alone"
    )
