"""Halting without ops, or before it has had its turn: the halt file, a signal to the engine, and the engine's receipt.

Imports nothing heavy: the kill switch loads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from schemas import haltfile
from schemas.haltfile import StandingHalt
from schemas.topology import ENGINE
from sovereign_tui.ops.pidfile import PidFile

_LOOK_EVERY_S: Final = 0.02


class HasHaltPlaces(Protocol):
    """What it needs of a home."""

    @property
    def runtime(self) -> Path:
        """Where halt file and pid files lie."""
        ...

    @property
    def data(self) -> Path:
        """Where the receipts are kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """What was done. `engine`: pid of the engine that was asked, None: none runs. `halt_id` None: no file."""

    halt_id: str | None
    engine: int | None
    asked_ns: int
    problems: tuple[str, ...]


def at_once(home: HasHaltPlaces, issuer: str, reason: str, *, mono_ns: int) -> str:
    """Write the halt file and tell the engine to look at it (SIGUSR2), before ops is asked under the same id.

    Returns that id; "" where a halt stands already, or no file can be written: ops is to find its own. Never raises.
    `mono_ns`: when the operator asked for it.
    """
    if haltfile.read(home.runtime) is not None:
        return ""
    halt = StandingHalt(id=haltfile.new_id(), issuer=issuer, reason=reason)
    try:
        haltfile.write(home.runtime, halt, mono_ns)
    except OSError:
        return ""
    engine = PidFile(home.runtime / f"{ENGINE}.pid").living()
    if engine is not None:
        with contextlib.suppress(OSError):  # it looks by itself, too
            os.kill(engine, signal.SIGUSR2)
    return halt.id


def ask(home: HasHaltPlaces, issuer: str, reason: str, *, mono_ns: int = 0, written: str = "") -> Direct:
    """Write the halt file; signal the engine if there was one already, or none could be written. Never raises.

    `mono_ns`: when the operator asked for it, 0: now. `written`: the halt whose file `at_once` wrote.
    """
    asked_ns, problems = mono_ns or time.monotonic_ns(), []
    standing = haltfile.read(home.runtime)
    engine = PidFile(home.runtime / f"{ENGINE}.pid").living()
    needs_signal = standing is not None and standing.id != written
    if standing is None:
        standing = StandingHalt(id=haltfile.new_id(), issuer=issuer, reason=reason or "halt without ops")
        try:
            home.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
            haltfile.write(home.runtime, standing, asked_ns)
        except OSError as error:
            path = haltfile.path_in(home.runtime)
            problems.append(f"{path} cannot be written ({error.strerror}): nothing halts the next start")
            standing, needs_signal = None, True
    if engine is not None and needs_signal:
        try:
            os.kill(engine, signal.SIGUSR1)
        except OSError as error:
            problems.append(f"the engine (pid {engine}) cannot be signalled ({error.strerror})")
    return Direct(
        halt_id=standing.id if standing else None, engine=engine, asked_ns=asked_ns, problems=tuple(problems)
    )  # fmt: skip


def receipts(home: HasHaltPlaces, asked: Direct, within_s: float) -> Iterator[dict[str, Any]]:
    """The engine's receipt, as it grows on disk: the newest of a HALT that it heard of since `asked`."""
    end, last = time.monotonic() + within_s, None
    while time.monotonic() < end:
        found = _newest(home.data / "receipts", asked.asked_ns)
        if found is not None and found != last:
            last = found
            yield found
            if found.get("verified"):
                return
        time.sleep(_LOOK_EVERY_S)


def _newest(directory: Path, since_ns: int) -> dict[str, Any] | None:
    """Heard of between `since_ns` and now: the monotonic clock begins anew at each start of the machine, and a receipt
    of an earlier one may have a later time."""
    newest: tuple[int, dict[str, Any]] | None = None
    now_ns = time.monotonic_ns()
    for path in directory.glob("*.json"):
        try:
            found = json.loads(path.read_bytes())
            heard_ns = found["received_ns"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # one of panic's, an older one, or none
        if isinstance(heard_ns, int) and since_ns <= heard_ns <= now_ns and (newest is None or heard_ns > newest[0]):
            newest = heard_ns, found
    return newest[1] if newest else None
