"""What goes wrong around a HALT, each with what began it undone at the end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from schemas.settings import Home
from tests.drill.rig import ROOT, Rig
from tests.support.system import until

TROUBLES: Final = (
    "none", "subscribers killed", "engine killed before", "engine killed after", "ops killed", "brain stopped",
    "subscriber never reads", "5557 flooded", "5556 flooded", "venue slow", "venue silent", "venue stopped",
    "disk full",
)  # fmt: skip
KILLS_ENGINE: Final = frozenset({"engine killed before", "engine killed after"})
_DISK: Final = "128m"
_STREAMS: Final = ("MARKET_PORT", "SIGNAL_PORT")


def ways(trouble: str) -> tuple[str, ...]:
    """By which paths a HALT can be asked for meanwhile."""
    if trouble == "ops killed":
        return ("key", "signal", "file")
    return ("key", "control", "file") if trouble == "engine killed before" else ("key", "control", "signal", "file")


def small_disk(home: Home) -> bool:
    """Puts the data directory, but for the blackbox, on a small disk of its own. False: this may not mount one."""
    outside = home.data.parent / "blackbox"
    outside.mkdir(mode=0o700)
    home.blackbox.rmdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=700", "tmpfs", str(home.data)]
    mounted = sys.platform == "linux" and os.geteuid() == 0 and subprocess.run(argv, check=False).returncode == 0
    home.blackbox.symlink_to(outside)
    home.logs.mkdir(exist_ok=True)
    return mounted


def unmount(home: Home) -> None:
    """The small disk goes."""
    subprocess.run(["umount", "--lazy", str(home.data)], check=False)


@contextlib.contextmanager
def trouble(name: str, here: Rig, rng: random.Random, path: str) -> Iterator[None]:
    """It goes wrong from here to the end of the block; what happens after the HALT was asked for happens by itself.

    `path`: how it is asked for. A signal that an engine dies on is lost with it, so that engine dies after the latch.
    """
    with contextlib.ExitStack() as stack:
        match name:
            case "subscribers killed":
                for port in _STREAMS:
                    stack.enter_context(peer(here, "reader", port))
            case "subscriber never reads":
                stack.enter_context(peer(here, "sleeper", rng.choice(_STREAMS)))
            case "5557 flooded":
                stack.enter_context(peer(here, "pusher", "TELEMETRY_PORT"))
            case "5556 flooded":
                stack.enter_context(peer(here, "asker", "COMMAND_PORT"))
            case "engine killed before":
                here.signal("engine", signal.SIGKILL)
            case "engine killed after":
                wait_s, first = rng.uniform(0, 0.02), here.latched if path == "signal" else lambda: True
                stack.enter_context(_later(wait_s, lambda: _kill_engine(here, first)))
            case "ops killed":
                here.signal("ops", signal.SIGKILL)
                stack.enter_context(_later(rng.uniform(0.05, 0.5), here.start_ops))
            case "brain stopped":
                here.signal("brain", signal.SIGSTOP)
                stack.callback(here.signal, "brain", signal.SIGCONT)
            case "venue slow":
                here.faults({"name": "slow_answer", "delay_ms": rng.randrange(50, 400)})
                stack.callback(here.faults)
            case "venue silent":
                here.faults({"name": "unavailable"})
                stack.enter_context(_later(rng.uniform(0.2, 0.8), here.faults))
            case "venue stopped":
                here.signal("exchange", signal.SIGSTOP)
                wait_s = rng.uniform(0.1, 1.0)
                stack.enter_context(_later(wait_s, lambda: here.signal("exchange", signal.SIGCONT)))
            case "disk full":
                filler = _fill(here.home.data)
                stack.enter_context(_later(rng.uniform(0.2, 0.8), filler.unlink))
        yield


@contextlib.contextmanager
def peer(here: Rig, kind: str, port: str) -> Iterator[None]:
    """A process beside the system, killed with -9 at the end."""
    endpoint = f"tcp://127.0.0.1:{here.system.ports[port]}"
    argv = [sys.executable, "-m", "tests.drill.peer", kind, endpoint, str(here.system.home)]
    environment = here.system.environment | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def _later(after_s: float, act: Callable[[], object]) -> Iterator[None]:
    """Done beside the block; the block does not end before it is."""
    failed: list[BaseException] = []

    def work() -> None:
        time.sleep(after_s)
        try:
            act()
        except (OSError, AssertionError) as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failed:
        raise failed[0]


def _kill_engine(here: Rig, first: Callable[[], object]) -> None:
    until("the engine has latched", first, limit_s=20)
    here.signal("engine", signal.SIGKILL)


def _fill(directory: Path) -> Path:
    """A file that takes what is left of the disk."""
    path = directory / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 65_536):
            pass
    return path
