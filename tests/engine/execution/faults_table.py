"""Every fault of the catalogue strikes once in the laboratory, and nothing of ours is lost or doubled.

`python -m tests.engine.execution.faults_table` prints what came of it; the exit code is 1 if any of it is bad, or if a
fault never struck. test_faults.py runs the same scenarios.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.exchange.faults.catalogue import CATALOGUE
from tests.engine.execution.faults_scenarios import SCENARIOS, Scene
from tests.support.laboratory import Laboratory
from tests.support.virtual import LoopClock, run_virtually

SEEDS: Final = range(5)
LIMIT_S: Final = 1.0
SLACK_S: Final = 2.5
"""The look that notices a bare position, the OCO's way to the venue, and the venue's answer."""


@dataclass(slots=True)
class Outcome:
    """What came of one fault: how often it struck, and what was wrong afterwards."""

    name: str
    injected: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.wrong]


async def _strike(name: str, seed: int, directory: Path, clock: LoopClock) -> Outcome:
    lab = Laboratory(directory, clock, seed=seed, safety__protection_timeout_s=LIMIT_S)
    try:
        await lab.armed()
        scene = Scene(lab, seed)
        await SCENARIOS[name](scene)
        await lab.settle()
        if lab.longest_bare_s > LIMIT_S + SLACK_S:
            scene.wrong.append(f"a position was {lab.longest_bare_s:.2f} s without a stop")
        doubled = lab.doubled()
        different = [line for line in lab.differences() if line not in doubled]
        return Outcome(
            name, lab.faults.injected().get(name, 0), scene.trader.lost(), doubled,
            [f"seed {seed}: {text}" for text in scene.wrong + different],
        )  # fmt: skip
    finally:
        await lab.close()


def strike(name: str, seed: int) -> Outcome:
    """One fault, one seed, on a clock and in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="sv-fault-") as directory:
        outcome: Outcome = run_virtually(lambda clock: _strike(name, seed, Path(directory), clock))
        return outcome


def strike_all(name: str) -> Outcome:
    """One fault with every seed."""
    outcome = Outcome(name)
    for seed in SEEDS:
        one = strike(name, seed)
        outcome.injected += one.injected
        outcome.lost += one.lost
        outcome.doubled += one.doubled
        outcome.wrong += one.wrong if one.injected else [*one.wrong, f"seed {seed}: it never struck"]
    return outcome


def main() -> int:
    """Print the table. Returns the exit code."""
    print(f"{'fault':22}{'injected':>10}{'survived':>10}{'orders lost':>13}{'orders doubled':>16}")
    bad: list[str] = []
    for name in CATALOGUE:
        outcome = strike_all(name)
        survived = "NO" if outcome.problems else "yes"
        print(f"{name:22}{outcome.injected:10}{survived:>10}{len(outcome.lost):13}{len(outcome.doubled):16}")
        bad += [f"{name}: {problem}" for problem in outcome.problems]
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
