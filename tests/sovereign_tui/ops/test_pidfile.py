from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from schemas.settings import Home
from sovereign_tui.ops.handle import _PollingHandle, open_handle
from sovereign_tui.ops.pidfile import AlreadyRunning, HomeLock, PidFile, holder, identity, is_held

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_living_process_is_found_again(home: Home) -> None:
    file = PidFile(home.runtime / "x.pid")
    file.write(os.getpid())
    assert file.living() == os.getpid()
    file.remove()
    file.remove()
    assert file.living() is None


def test_a_recycled_pid_is_not_mistaken(home: Home) -> None:
    file = PidFile(home.runtime / "x.pid")
    file.path.write_text(json.dumps({"pid": os.getpid(), "identity": "another:1"}))
    assert file.living() is None


@pytest.mark.parametrize("text", ["", "7", "{}", '{"pid": "x", "identity": "y"}', '{"pid": 1, "identity": null}', "[]"])
def test_a_file_that_is_not_ours_names_nobody(home: Home, text: str) -> None:
    file = PidFile(home.runtime / "x.pid")
    file.path.write_text(text)
    assert file.living() is None


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity(child.pid) is None
    child.wait()


def test_the_lock_is_exclusive_names_its_holder_and_ends_with_it(home: Home) -> None:
    path = home.runtime / "ops.lock"
    assert (is_held(path), holder(path)) == (False, None)
    lock = HomeLock(path)
    assert (is_held(path), holder(path)) == (True, os.getpid())
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}\); `sovereign status`"):
        HomeLock(path)
    lock.release()
    lock.release()
    assert not is_held(path)
    HomeLock(path).release()


@pytest.mark.parametrize("polling", [False, True])
def test_the_end_of_a_child_is_seen_with_its_code(polling: bool) -> None:
    async def scenario() -> None:
        child = subprocess.Popen(SLEEP)
        handle = _PollingHandle(child.pid, child, identity(child.pid)) if polling else open_handle(child.pid, child)
        assert handle is not None
        handle.send(signal.SIGTERM)
        assert await asyncio.wait_for(handle.wait(), 10) == -signal.SIGTERM
        handle.send(signal.SIGTERM)  # nobody is hit

    asyncio.run(scenario())


@pytest.mark.parametrize("polling", [False, True])
def test_the_end_of_a_stranger_is_seen_without_its_code(polling: bool) -> None:
    async def scenario() -> None:
        child = subprocess.Popen(SLEEP)
        handle = _PollingHandle(child.pid, None, identity(child.pid)) if polling else open_handle(child.pid)
        assert handle is not None
        handle.send(signal.SIGKILL)
        assert await asyncio.wait_for(handle.wait(), 10) is None
        handle.send(signal.SIGKILL)
        child.wait()

    asyncio.run(scenario())


def test_there_is_no_handle_on_nobody() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert open_handle(child.pid) is None
