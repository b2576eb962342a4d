"""The drills: what is done to a rig, and which times of the record are looked at afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.drill.floor import floor
from tests.drill.record import Story, before, read
from tests.drill.rig import Rig, rig
from tests.drill.table import Table, Target
from tests.support.system import refuses, until

LOADS: Final = {
    "idle": ("quiet", {}),
    "market": ("quiet", {"EXCHANGE__FRAMES_PER_S": "10000"}),
    "orders": ("refused", {}),
}
"""The stand-in brain's mode, and settings: the market as OKX sends it; at 10,000 frames/s; an engine kept busy."""
SETTINGS: Final = {"EXCHANGE__LATENCY_MS": "5", "OPS__CRASH_LIMIT": "1000"}
_DEATH: Final = Target(least=2_990, most=3_500)
"""3 s, less what the record of a heartbeat may be late."""
_LATCH, _CLOSED, _FIFTY = Target(p99=10), Target(p99=20), Target(p99=250)
_RESTING: Final = (1, 50, 400)
_FLAT_S: Final = 6.0
_BY_KEY: Final = "halt by key, all of them"
_HANDLED: Final = "SigCgt:"


@dataclass(frozen=True, slots=True)
class _Halted:
    drill: str
    path: str
    resting: int
    asked_ns: int
    id: str


def halts(table: Table, load: str, n: int) -> None:
    """Asked for -> latched -> 5556 closed -> cancels sent -> venue says zero."""
    brain, settings = LOADS[load]
    done: list[_Halted] = []
    with rig(brain=brain, BRAIN__HEARTBEAT_MS="100", **SETTINGS, **settings) as here, floor(here.home.data) as floored:
        for path, resting, times in _plan(here, n):
            for _ in range(times):
                table.add("the floor of a halt", "4 wake-ups and a sync", load, *floored())
                here.rest(resting)
                asked_ns, id_ = here.halt(path)
                until("5556 refuses", lambda: refuses(here.system.ports["COMMAND_PORT"]), limit_s=1)  # after the latch
                here.cleared()
                until("the venue is asked", lambda: _confirmed(here), limit_s=15)
                done.append(_Halted(f"halt by {path}, {resting} resting", path, resting, asked_ns, id_))
                here.resume()
        here.settle()
        story = read(here.home.blackbox)
    for halted in done:
        _tell_halt(table, load, halted, story)


def _plan(here: Rig, n: int) -> list[tuple[str, int, int]]:
    """Path, orders that rest, and how often."""
    often = dict(zip(_RESTING, (4 * n, n, max(3, n // 4)), strict=True))  # a p99 wants many, and the first is quick
    wanted = [("key", resting, often[resting]) for resting in _RESTING]
    wanted += [("control", 50, n), ("command", 50, max(3, n // 2))]
    if handles_usr1(here):
        wanted += [("signal", 50, n), ("file", 50, n)]
    return wanted


def handles_usr1(here: Rig) -> bool:
    """Whether this engine halts by SIGUSR1, and looks at the HALT file while it runs; otherwise the signal kills it."""
    try:
        status = Path(f"/proc/{here.pid('engine')}/status").read_text()
    except FileNotFoundError:  # not Linux
        return False
    mask = next(line for line in status.splitlines() if line.startswith(_HANDLED)).split()[1]
    return bool(int(mask, 16) >> (signal.SIGUSR1 - 1) & 1)


def _confirmed(here: Rig) -> bool:
    """Asked again, ops joins or begins anew: its receipt is verified once the engine has asked the venue."""
    return bool(here.ask(cmd="halt")["verified"])


def _tell_halt(table: Table, load: str, halted: _Halted, story: Story) -> None:
    steps = story.halts.get(halted.id, {})
    direct = halted.path == "key"
    fifty = direct and halted.resting == _RESTING[1]
    for step, name, target in (("latched on disk", "latched_ns", _LATCH), ("5556 closed", "port_closed_ns", _CLOSED)):
        if direct:  # neither knows how many orders rest, and a p99 wants many
            table.add(_BY_KEY, step, load, halted.asked_ns, steps.get(name), target)
    told = (
        ("heard by the engine", "received_ns", None),
        ("latched on disk", "latched_ns", None),
        ("5556 closed", "port_closed_ns", None),
        ("last cancel sent", "cancels_sent_ns", None),
        ("venue says zero", "venue_confirmed_ns", _FIFTY if fifty else None),
    )
    for step, name, target in told:
        table.add(halted.drill, step, load, halted.asked_ns, steps.get(name), target)


# -- deaths ---------------------------------------------------------------------------------------------------------

_BRAIN_DEATHS: Final = {"kill -9": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP, "stuck but alive": signal.SIGUSR2}


def brain_death(table: Table, load: str, n: int) -> None:
    """Last good heartbeat -> detected -> flat. What holds the brain back from a restart is a long back-off."""
    brain, settings = LOADS[load]
    held_back = {"OPS__BACKOFF_MIN_MS": "6000", "SAFETY__BRAIN_DEATH": "all"}
    done: list[tuple[str, int]] = []
    with rig(brain=brain, **SETTINGS, **settings, **held_back) as here:
        for name, number in _BRAIN_DEATHS.items():
            for _ in range(n):
                here.hold()
                done.append((f"brain death, {name}", here.signal("brain", number)))
                here.await_cause("brain_dead")
                here.await_flat(_FLAT_S)
                if number != signal.SIGKILL:
                    here.signal("brain", signal.SIGCONT if number == signal.SIGSTOP else signal.SIGUSR2)
                here.await_state("ACTIVE")
                here.close()
        here.settle()
        story = read(here.home.blackbox)
    for drill, at_ns in done:
        seen_ns = story.said("brain_dead: ", at_ns)
        beat_ns = None if seen_ns is None else before(story.beats, seen_ns)
        table.add(drill, "last good beat -> detected", load, beat_ns, seen_ns, _DEATH)
        flat_ns = None if seen_ns is None else story.flat_after(seen_ns)
        table.add(drill, "detected -> flat", load, seen_ns, flat_ns)


def ops_death(table: Table, load: str, n: int) -> None:
    """Last heartbeat of ops -> the engine only reduces."""
    brain, settings = LOADS[load]
    done: list[int] = []
    with rig(brain=brain, **SETTINGS, **settings) as here:
        for _ in range(n):
            done.append(here.signal("ops", signal.SIGKILL))
            time.sleep(4.0)  # nobody is there to be asked
            here.start_ops()
            here.await_state("ACTIVE")
        story = read(here.home.blackbox)
    for at_ns in done:
        seen_ns = story.said("ops_lost: ", at_ns)
        beat_ns = None if seen_ns is None else before(story.ops_beats, seen_ns)
        table.add("ops death, kill -9", "last beat -> only reduces", load, beat_ns, seen_ns, _DEATH)


def restart(table: Table, load: str, n: int) -> None:
    """Killed -> another one is RUNNING."""
    brain, settings = LOADS[load]
    done: list[tuple[str, int, int]] = []
    with rig(brain=brain, **SETTINGS, **settings) as here:
        for name in ("engine", "brain", "exchange"):
            for _ in range(n):
                pid = here.pid(name)
                assert pid is not None
                done.append((name, here.signal(name, signal.SIGKILL), pid))
                until(f"{name} is replaced", lambda old=(name, pid): _replaced(here, *old), limit_s=30)
                here.await_state("ACTIVE")
        time.sleep(1.0)  # ops says it in its next view
        here.settle()
        story = read(here.home.blackbox)
    for name, at_ns, pid in done:
        table.add("restart by ops", f"{name} killed -> RUNNING", load, at_ns, story.running_after(name, at_ns, pid))


def _replaced(here: Rig, name: str, pid: int) -> bool:
    return here.pid(name) not in {None, pid}


DRILLS: Final[dict[str, tuple[Callable[[Table, str, int], None], int]]] = {
    "halts": (halts, 1), "brain": (brain_death, 5), "ops": (ops_death, 5), "restart": (restart, 5),
}  # fmt: skip
"""By name; the second says how many times fewer than the halts a slow one is done."""


def chosen() -> list[str]:
    """DRILL_ONLY=halts,brain: only those."""
    wanted = os.environ.get("DRILL_ONLY", "")
    return [name for name in DRILLS if not wanted or name in wanted.split(",")]
