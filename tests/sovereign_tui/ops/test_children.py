"""One process: why it ended, and how much it stands back for the others."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from schemas.clock import SystemClock
from schemas.settings import Home, Settings
from sovereign_tui.ops import priority
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.plan import Command, brain, engine, exchange, new_venue
from sovereign_tui.ops.priority import session_nice
from sovereign_tui.ops.supervisor import Policy, State


def _administrates() -> bool:
    """May this process do what takes CAP_SYS_ADMIN?"""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    held = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) >> 21 & 1)


@asynccontextmanager
async def running(tmp_path: Path, nice: int, *, waits: bool = False) -> AsyncIterator[tuple[Child, asyncio.Event]]:
    """A child that does nothing, and the event of its next change."""
    home = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path)})
    home.prepare()
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    command = Command(argv=argv, environment=dict(os.environ), nice=nice, waits=waits)
    async with asyncio.TaskGroup() as tasks:
        changed = asyncio.Event()
        child = Child(
            "brain", lambda: command, policy=Policy.of(Settings()), home=home, clock=SystemClock(), tasks=tasks,
            on_change=lambda one: changed.set(),
        )  # fmt: skip
        child.start()
        changed.clear()
        try:
            yield child, changed
        finally:
            child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="has signals for real time")
def test_a_signal_without_a_name_is_a_crash_like_others(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(tmp_path, 0) as (child, changed):
            os.kill(child.pid, 35)
            async with asyncio.timeout(10):
                await changed.wait()
            assert (child.state, child.life.reason) == (State.BACKOFF, "killed by signal 35")
            child.stop()
            assert child.state is State.STOPPED

    asyncio.run(scene())


@pytest.mark.parametrize("nice", [0, 5])
def test_a_process_stands_back_as_far_as_its_command_says(tmp_path: Path, nice: int) -> None:
    async def scene() -> None:
        async with running(tmp_path, nice) as (child, _):
            assert psutil.Process(child.pid).nice() == min(19, psutil.Process().nice() + nice)

    asyncio.run(scene())


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by session")
@pytest.mark.skipif(not _administrates(), reason="of others Linux takes one such word in 100 ms, and tests are faster")
@pytest.mark.parametrize("nice", [0, 5])
def test_its_session_stands_back_as_far(tmp_path: Path, nice: int) -> None:
    async def scene() -> None:
        async with running(tmp_path, nice) as (child, _):
            assert os.getsid(child.pid) == child.pid
            assert session_nice(child.pid) == min(19, (session_nice(os.getpid()) if nice else 0) + nice)

    asyncio.run(scene())


@pytest.mark.parametrize(("said", "nice"), [("/autogroup-25 nice 5\n", 5), ("/autogroup-1 nice -3\n", -3), ("", 0)])
def test_a_session_says_its_niceness_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, nice: int
) -> None:
    monkeypatch.setattr(priority, "_PROC", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "autogroup").write_text(said)
    assert session_nice(7) == nice


@pytest.mark.skipif(sys.platform != "linux", reason="has scheduling policies")
@pytest.mark.parametrize("waits", [False, True])
def test_a_process_that_waits_interrupts_nobody_when_it_wakes_up(tmp_path: Path, waits: bool) -> None:
    async def scene() -> None:
        async with running(tmp_path, 0, waits=waits) as (child, _):
            assert os.sched_getscheduler(child.pid) == (os.SCHED_BATCH if waits else os.SCHED_OTHER)

    asyncio.run(scene())


def test_of_ours_the_engine_stands_back_for_nobody() -> None:
    venue = new_venue()
    commands = {"exchange": exchange(Settings(), venue), "engine": engine(venue), "brain": brain()}
    assert {name: (command.nice > 0, command.waits) for name, command in commands.items()} == {
        "exchange": (False, True), "engine": (False, False), "brain": (True, True),
    }  # fmt: skip
