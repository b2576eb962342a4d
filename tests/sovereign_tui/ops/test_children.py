"""Why a process ended."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from schemas.clock import SystemClock
from schemas.settings import Home, Settings
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.plan import Command
from sovereign_tui.ops.supervisor import Policy, State


@pytest.mark.skipif(sys.platform != "linux", reason="has signals for real time")
def test_a_signal_without_a_name_is_a_crash_like_others(tmp_path: Path) -> None:
    asyncio.run(_killed_by_35(tmp_path))


async def _killed_by_35(tmp_path: Path) -> None:
    home = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path)})
    home.prepare()
    command = Command(argv=(sys.executable, "-c", "import time; time.sleep(60)"), environment=dict(os.environ))
    async with asyncio.TaskGroup() as tasks:
        changed = asyncio.Event()
        child = Child(
            "brain", lambda: command, policy=Policy.of(Settings()), home=home, clock=SystemClock(), tasks=tasks,
            on_change=lambda one: changed.set(),
        )  # fmt: skip
        child.start()
        changed.clear()
        os.kill(child.pid, 35)
        async with asyncio.timeout(10):
            await changed.wait()
        assert (child.state, child.life.reason) == (State.BACKOFF, "killed by signal 35")
        child.stop()
        assert child.state is State.STOPPED
