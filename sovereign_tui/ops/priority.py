"""How far a process of ours stands back for the others, where all of them want the processor."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_MOST: Final = 19


def stand_back(pid: int, *, nice: int, waits: bool) -> None:
    """Before it has threads, which inherit it. `nice`: added to our own. `waits`: interrupts nobody when it wakes up
    (SCHED_BATCH). Raises: OSError, for the niceness alone.

    Linux may schedule each session as one (sched_autogroup), and niceness counts only within a session then: that of
    the session is told, too. Where something of this cannot be, it is an equal among the others.
    """
    if nice:
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + nice)
        with contextlib.suppress(OSError, ValueError):
            wanted = session_nice(os.getpid()) + nice
            (_PROC / str(pid) / "autogroup").write_text(str(min(_MOST, wanted)))
    if waits and hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def session_nice(pid: int) -> int:
    """Of its session: `/autogroup-25 nice 5` says 5, and nothing is said of one that was there before all sessions: 0.

    Raises: OSError, ValueError, where Linux does not group by session.
    """
    said = (_PROC / str(pid) / "autogroup").read_text().split()
    return int(said[-1]) if said else 0
