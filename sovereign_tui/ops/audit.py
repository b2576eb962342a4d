"""The audit tape: what operators did, what came of it, and how long it took; for the screens, and on disk.

An entry is shown as soon as it is begun, and written when it is over, by a thread: nobody who commands waits for the
disk, and no disk keeps a command from being carried out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Final

import msgspec

from schemas.clock import NS_PER_MS, Clock
from schemas.messages import AuditEntry, AuditTrail, Receipt
from schemas.printable import printable
from sovereign_tui.ops import tape
from sovereign_tui.ops.aside import aside

KEPT: Final = 100
TAPE_FILE: Final = "audit.jsonl"
_LONGEST: Final = {"issuer": 64, "action": 32, "detail": 200, "outcome": 300}
_UNWRITTEN: Final = 1_000
_AGAIN_S: Final = 10.0
_LAST_S: Final = 2.0
"""How long the end of ops waits for the disk."""


class Note:
    """One entry that is under way. As a context manager it ends with what was said, or with the error."""

    def __init__(self, desk: AuditDesk, number: int) -> None:
        self._desk, self.number = desk, number
        self._said: tuple[str, bool] | None = None

    def says(self, outcome: str, *, ok: bool) -> None:
        """What came of it."""
        self._said = outcome, ok

    def ends(self, outcome: str, *, ok: bool) -> None:
        """It is over; only the first end counts."""
        self._desk.end(self.number, outcome, ok=ok, took_ms=self._desk.elapsed_ms(self.number))

    def __enter__(self) -> Note:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        outcome, ok = self._said or ("done", True)
        if error is not None:
            outcome, ok = str(error) or "broken off", False
        self.ends(outcome, ok=ok)


class AuditDesk:
    """Keeps the tape. `publish` gets the whole trail at each change, `log(level, text)` what is wrong with the disk."""

    def __init__(
        self, *, path: Path, clock: Clock, publish: Callable[[AuditTrail], None], log: Callable[[str, str], None]
    ) -> None:
        self._path, self._clock, self._publish, self._log = path, clock, publish, log
        self._trail: dict[int, AuditEntry] = {}
        self._open: dict[int, tuple[AuditEntry, int]] = {}
        self._halts: dict[str, int] = {}
        self._unwritten: deque[AuditEntry] = deque(maxlen=_UNWRITTEN)
        self._saving = Lock()
        self._wake = asyncio.Event()
        self._followers: set[asyncio.Task[None]] = set()
        self._next = 1
        self._complaint = ""

    def recall(self) -> None:
        """Read back what an earlier run wrote; the numbers go on."""
        try:
            found = tape.recall(self._path, KEPT)
        except OSError as error:
            self._complain(f"cannot be read ({error.strerror})")
            return
        if found.damaged:
            self._complain(f"{found.damaged} lines of it are damaged and left out")
        self._trail = {entry.number: entry for entry in found.entries}
        self._next = max(self._trail, default=0) + 1
        self._tell()

    def mentions(self, halt_id: str) -> bool:
        """Does an entry tell of this halt?"""
        return any(f"halt {halt_id}" in entry.outcome for entry in self._trail.values())

    def begin(self, action: str, issuer: str, detail: str) -> Note:
        """Something is asked for; everybody sees it at once."""
        entry = AuditEntry(
            number=self._next, timestamp_ns=self._clock.wall_ns(), issuer=_fit("issuer", issuer),
            action=_fit("action", action), detail=_fit("detail", detail),
        )  # fmt: skip
        self._next += 1
        self._open[entry.number] = entry, self._clock.monotonic_ns()
        self._show(entry)
        return Note(self, entry.number)

    def note(self, action: str, issuer: str, detail: str) -> None:
        """Something that is over already."""
        note = self.begin(action, issuer, detail)
        self.end(note.number, "noted", ok=True, took_ms=None)

    def elapsed_ms(self, number: int) -> float | None:
        """Since an entry was begun; None: it is over."""
        found = self._open.get(number)
        return None if found is None else round((self._clock.monotonic_ns() - found[1]) / NS_PER_MS, 3)

    def end(self, number: int, outcome: str, *, ok: bool, took_ms: float | None) -> None:
        """An entry is over. Nothing if it was over before."""
        entry, _ = self._open.pop(number, (None, 0))
        if entry is None:
            return
        text = _fit("outcome", outcome or ("done" if ok else "not done"))
        done = msgspec.structs.replace(entry, ok=ok, took_ms=took_ms, outcome=text)
        self._unwritten.append(done)
        self._wake.set()
        self._show(done)

    def begin_halt(
        self, receipt: Receipt, outcome: Awaitable[Receipt], *, action: str, issuer: str, detail: str, mono_ns: int = 0
    ) -> None:
        """A halt that was acted on already, followed to its end, whoever waits for it. `mono_ns`: when it was asked
        for, 0: as the receipt says. One that the engine has found sooner than we were asked for it is the same entry.
        """
        number = self._halts.get(receipt.asked, 0)
        if number in self._open:
            entry, began_ns = self._open[number]
            entry = msgspec.structs.replace(
                entry, action=_fit("action", action), issuer=_fit("issuer", issuer), detail=_fit("detail", detail)
            )
            self._open[number] = entry, began_ns
            self._show(entry)
        else:
            number = self.begin(action, issuer, detail).number
        self._halts[receipt.asked] = number
        asked_ns = mono_ns if 0 < mono_ns <= self._clock.monotonic_ns() else receipt.requested_ns
        task = asyncio.get_running_loop().create_task(self._follow(number, outcome, asked_ns))
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    async def _follow(self, number: int, outcome: Awaitable[Receipt], asked_ns: int) -> None:
        final = await outcome
        self._halts = {asked: each for asked, each in self._halts.items() if each != number}
        took_ms = None if final.latched_ns is None else round(max(0, final.latched_ns - asked_ns) / NS_PER_MS, 3)
        self.end(number, halt_outcome(final), ok=final.done, took_ms=took_ms)

    async def keep(self) -> None:
        """Write what is over, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await aside(self._save, "audit tape")
                self._complaint = ""
            except OSError as error:
                self._complain(f"cannot be written ({error.strerror}); the entries wait")
                await asyncio.sleep(_AGAIN_S)
                self._wake.set()

    def close(self) -> None:
        """At the end of ops: what is still under way is not any more, and all is written."""
        for follower in self._followers:
            follower.cancel()
        for number in tuple(self._open):
            self.end(number, "ops ended before it was over", ok=False, took_ms=None)
        last = Thread(target=self._save_last, name="the last of the audit tape", daemon=True)
        last.start()
        last.join(_LAST_S)
        if last.is_alive():
            self._complain(f"its disk does not answer; {len(self._unwritten)} entries are lost")

    def _save_last(self) -> None:
        try:
            self._save()
        except OSError as error:
            self._complain(f"cannot be written ({error.strerror}); {len(self._unwritten)} entries are lost")

    def _save(self) -> None:
        """A write that was begun before the end may still be going on, in its thread. Raises: OSError."""
        with self._saving:
            while entries := tuple(self._unwritten):
                tape.append(self._path, entries)
                for entry in entries:
                    if self._unwritten and self._unwritten[0] is entry:  # else a long trouble has pushed it out
                        self._unwritten.popleft()

    def _show(self, entry: AuditEntry) -> None:
        self._trail[entry.number] = entry
        while len(self._trail) > KEPT:
            del self._trail[next(iter(self._trail))]
        self._tell()

    def _tell(self) -> None:
        self._publish(AuditTrail(timestamp_ns=self._clock.wall_ns(), entries=tuple(self._trail.values())))

    def _complain(self, what: str) -> None:
        """Each trouble once, and once more when it comes again."""
        if what != self._complaint:
            self._complaint = what
            self._log("warning", f"audit tape {self._path}: {what}; all commands go on")


def halt_outcome(receipt: Receipt) -> str:
    """How a halt ended, in a line."""
    verified = "VERIFIED" if receipt.done else "NOT VERIFIED"
    latched = "" if receipt.latched_ns is not None else ", not latched"
    problems = f": {'; '.join(receipt.problems)}" if receipt.problems else ""
    return f"{verified}, halt {receipt.id}{latched}{problems}"


def _fit(name: str, text: str) -> str:
    return printable(text)[: _LONGEST[name]]
