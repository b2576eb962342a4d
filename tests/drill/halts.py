"""`make halts HALTS=1000`: so many HALT/RESUME cycles on one system that is in trouble, and the proof from the record.

A stand-in brain fires valid orders all the time. Passed means: each halt latched, and no order left the engine, or was
accepted without having been sent before, after a latch. SEED=... repeats a run's choices. Exit code 1 on any violation.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas.blackbox import BlackboxReader
from sovereign_tui.ops import client
from tests.drill.drills import handles_usr1
from tests.drill.proof import Halted, Proof, accepted_by_exchange, prove, received_by_exchange, sent_by_engine
from tests.drill.record import STEPS, read
from tests.drill.rig import OURS, Rig, rig
from tests.drill.table import Row, lines
from tests.drill.trouble import KILLS_ENGINE, TROUBLES, small_disk, trouble, unmount, ways
from tests.support.system import until

SETTINGS: Final = {
    "EXCHANGE__LATENCY_MS": "5", "RISK__MAX_ORDERS_PER_S": "25", "RISK__MAX_EXECUTIONS": "100000",
    "RISK__EXECUTIONS_WINDOW_S": "1", "RISK__MAX_CONSECUTIVE_LOSSES": "1000", "RISK__LOSS_COOLDOWN_S": "0",
    "RISK__MAX_DAILY_LOSS_PCT": "100", "RISK__MAX_DRAWDOWN_PCT": "100", "OPS__BACKOFF_MIN_MS": "50",
    "OPS__BACKOFF_MAX_MS": "200", "OPS__CRASH_LIMIT": "1000", "SAFETY__HALT_DEADLINE_S": "10",
    "SAFETY__HALT_ON": "[]", "BRAIN__HEARTBEAT_MS": "100",
}  # fmt: skip
_READY_S: Final = 60.0
_REARM_AFTER_S: Final = 3.0
_VERIFIED_S: Final = 60.0


@dataclass(slots=True)
class Cycle:
    """One HALT and its RESUME, as this process saw it."""

    trouble: str
    path: str
    asked_ns: int = 0
    id: str = ""
    latch_seen_ns: int = 0
    verified: bool = False
    resume_asked_ns: int = 0
    problems: list[str] = field(default_factory=list)


class Campaign:
    """The cycles."""

    def __init__(self, here: Rig, rng: random.Random, *, troubles: tuple[str, ...], paths: tuple[str, ...]) -> None:
        self._here, self._rng, self._troubles, self._paths = here, rng, troubles, paths
        self.cycles: list[Cycle] = []
        self._said: dict[str, Any] = {}

    def run(self, count: int) -> None:
        """So many of them."""
        for number in range(1, count + 1):
            try:
                self._await_trading()
            except AssertionError as error:  # what was done by then is proved all the same
                self.cycles[-1].problems.append(f"{error}; last said: {self._said}")
                return
            time.sleep(self._rng.uniform(0.02, 0.3))
            name = self._rng.choice(self._troubles)
            path = self._rng.choice([way for way in ways(name) if way in self._paths])
            cycle = Cycle(name, path)
            self.cycles.append(cycle)
            self._cycle(cycle)
            if number % 50 == 0:
                print(f"  {number} halts, {sum(c.verified for c in self.cycles)} verified", flush=True)

    def _cycle(self, cycle: Cycle) -> None:
        here = self._here
        with trouble(cycle.trouble, here, self._rng, cycle.path):
            cycle.asked_ns = time.monotonic_ns()
            asking = self._ask(cycle.path)
            until(f"halt {len(self.cycles)} ({cycle.trouble}, {cycle.path}) is latched", here.latched, limit_s=30)
            cycle.latch_seen_ns, cycle.id = time.monotonic_ns(), here.latched()
        asking.join()
        self._verify(cycle)
        if rest := here.venue.pending():
            cycle.problems.append(f"{len(rest)} orders rest after the venue was said to have none")
        cycle.resume_asked_ns = time.monotonic_ns()

    def _ask(self, path: str) -> threading.Thread:
        """By this path; the control socket answers only at the end."""

        def ask() -> None:
            try:
                self._here.ask_halt(path)
            except client.OpsError:
                return  # ops was killed, or the engine: the HALT goes on without its asker

        asking = threading.Thread(target=ask)
        asking.start()
        return asking

    def _verify(self, cycle: Cycle) -> None:
        """Asked until the receipt is verified: by ops, who joins the halt that stands."""
        end = time.monotonic() + _VERIFIED_S
        while time.monotonic() < end:
            try:
                receipt = self._here.ask(cmd="halt", reason="is it so?")
            except client.OpsError:
                time.sleep(0.1)
                continue
            if receipt["verified"]:
                cycle.verified = True
                return
        cycle.problems.append(f"not verified within {_VERIFIED_S:g} s")

    def _await_trading(self) -> None:
        """ACTIVE again, re-armed where it waits for that."""
        here = self._here
        if here.latched():
            until("the halt is lifted", self._lifted, limit_s=_READY_S)
        until("trading goes on", self._trading, limit_s=_READY_S)

    def _lifted(self) -> bool:
        here = self._here
        try:
            self._said = here.ask(cmd="resume", halt_id=here.latched())
            if self._said["ok"] or not here.latched():
                return True
            here.ask(cmd="rearm", reason="the drill has looked")
        except client.OpsError:
            return False  # ops is not back yet
        return False

    def _trading(self) -> bool:
        end = time.monotonic() + _REARM_AFTER_S
        while time.monotonic() < end:
            if self._here.status().get("state") == "ACTIVE":
                return True
            time.sleep(0.02)
        try:
            self._here.ask(cmd="rearm", reason="the drill has looked")
        except client.OpsError:
            return False
        return False


def proved(cycles: list[Cycle], directory: Path) -> tuple[Proof, list[Row]]:
    """From the blackboxes of engine and exchange, and the times of the steps."""
    story = read(directory)
    reader = BlackboxReader(directory)
    rows = {name: Row("HALT", f"asked -> {name.removesuffix('_ns')}", "all") for name in STEPS}
    halts = []
    for cycle in cycles:
        steps = story.halts.get(cycle.id, {})
        for name, row in rows.items():
            if name in steps and steps[name] >= cycle.asked_ns:
                row.values.append((steps[name] - cycle.asked_ns) / 1e6)
        halts.append(
            Halted(
                id=cycle.id, latched_ns=min(steps.get("latched_ns", cycle.latch_seen_ns), cycle.latch_seen_ns),
                confirmed_ns=cycle.resume_asked_ns if cycle.verified else None, until_ns=cycle.resume_asked_ns,
                killed=cycle.trouble in KILLS_ENGINE,
            )
        )  # fmt: skip
    proof = prove(
        halts, sent=sent_by_engine(reader.read("engine", channel="venue")),
        received=received_by_exchange(reader.read("exchange")),
        accepted=accepted_by_exchange(reader.read("exchange", channel="matching")), ours=OURS,
    )  # fmt: skip
    for number, cycle in enumerate(cycles, 1):
        proof.violations += [f"cycle {number} ({cycle.trouble}, {cycle.path}): {text}" for text in cycle.problems]
    return proof, list(rows.values())


def campaign(count: int, seed: int) -> dict[str, Any]:
    """So many cycles and their proof; prints what came of it."""
    rng = random.Random(seed)
    print(f"{count} halts, SEED={seed}")
    with rig(brain="valid", start=False, **SETTINGS) as here:
        troubles = TROUBLES
        if not small_disk(here.home):
            print("  no small disk can be mounted here: `disk full` is left out")
            troubles = tuple(name for name in TROUBLES if name != "disk full")
        try:
            here.start_ops()
            here.await_state("ACTIVE")
            paths = ("key", "control", "signal", "file") if handles_usr1(here) else ("control",)
            if len(paths) == 1:
                print("  this engine does not halt by SIGUSR1 and by the HALT file: left out, and ops is not killed")
                troubles = tuple(name for name in troubles if name != "ops killed")
            work = Campaign(here, rng, troubles=troubles, paths=paths)
            work.run(count)
            here.system.kill_all()
            proof, rows = proved(work.cycles, here.home.blackbox)
        finally:
            here.system.kill_all()
            unmount(here.home)
    return _told(work.cycles, proof, rows, seed)


def _told(cycles: list[Cycle], proof: Proof, rows: list[Row], seed: int) -> dict[str, Any]:
    summary = {
        "seed": seed, "halts": len(cycles), "latched": sum(bool(cycle.id) for cycle in cycles),
        "verified": sum(cycle.verified for cycle in cycles), "sent": proof.sent, "accepted": proof.accepted,
        "chased": proof.chased, "unrecorded": proof.unrecorded, "undecided": proof.undecided,
        "dropped": proof.dropped,
        "paths": dict(Counter(cycle.path for cycle in cycles)),
        "troubles": dict(Counter(cycle.trouble for cycle in cycles)), "violations": proof.violations,
        "rows": [row.figures() for row in rows],
    }  # fmt: skip
    print("\n".join(f"  {name:<24}{count}" for name, count in sorted(summary["troubles"].items())))
    print(f"by path: {summary['paths']}")
    print("\n".join(lines(rows)))
    print(
        f"{summary['halts']} halts, {summary['latched']} latched, {summary['verified']} verified; {proof.sent} orders "
        f"sent, {proof.accepted} accepted, {proof.dropped} sent and never accepted; {proof.chased} in flight at the "
        f"latch, chased and gone ({proof.unrecorded} by an engine that was killed, {proof.undecided} of them too close "
        f"to the latch to tell); {len(proof.violations)} violations"
    )
    for text in proof.violations:
        print(f"  VIOLATION {text}")
    return summary


def main() -> int:
    """The whole program."""
    count = int(os.environ.get("HALTS", "1000"))
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    summary = campaign(count, seed)
    results = Path(".bench") / "halts.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(summary, indent=2) + "\n")
    return 1 if summary["violations"] or summary["latched"] < count else 0


if __name__ == "__main__":
    sys.exit(main())
