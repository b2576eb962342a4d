"""`python -m tests.drill.ops`: the real ops; where DRILL_BRAIN is set, a stand-in is started in the brain's place."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Final

from schemas.process import run_process
from schemas.topology import OPS
from sovereign_tui.ops import plan
from sovereign_tui.ops.app import run
from sovereign_tui.ops.plan import Command

MODULE: Final = "DRILL_BRAIN"
"""Names the module, and its arguments, that take the brain's place."""
PORT: Final = "DRILL_BRAIN_COMMAND_PORT"
"""Where it finds the engine, if not at the engine's own port."""


def _stand_in(words: list[str]) -> Command:
    port = os.environ.get(PORT)
    elsewhere = {"SOVEREIGN_WIRE__COMMAND_PORT": port} if port else {}
    return replace(plan.brain(), argv=plan.module(*words), environment=plan.base_environment() | elsewhere)


def _commands() -> SimpleNamespace:
    words = os.environ.get(MODULE, "").split()
    brain = partial(_stand_in, words) if words else plan.brain
    return SimpleNamespace(exchange=plan.exchange, engine=plan.engine, brain=brain)


if __name__ == "__main__":
    sys.exit(run_process(OPS, partial(run, commands=_commands()), telemetry=False))
