"""A home of one's own, and what a test must not leave behind."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from schemas.settings import Home, Settings, load_settings
from tests.support.system import free_ports


@contextlib.contextmanager
def fresh_home() -> Iterator[Home]:
    """A prepared home on a short path; afterwards every process that was started for it is killed."""
    base = Path(tempfile.mkdtemp(prefix="sv", dir="/tmp"))
    home = Home.from_environment({"SOVEREIGN_HOME": str(base)})
    home.prepare()
    try:
        yield home
    finally:
        while left := processes_of(home):  # an ops that still lives starts anew what is killed before it
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(left, timeout=1)
        shutil.rmtree(base, ignore_errors=True)


def processes_of(home: Home) -> list[psutil.Process]:
    """The living processes whose environment names this home."""
    base, found = str(home.runtime.parent), []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("SOVEREIGN_HOME") == base:
                found.append(process)
        except psutil.Error:
            continue
    return found


def environment(home: Home, **ops: object) -> dict[str, str]:
    """Variables that give this home four free ports, short patience and little history."""
    names = ("MARKET", "COMMAND", "TELEMETRY", "SIGNAL")
    ports = free_ports(len(names))
    patience = {"backoff_min_ms": 20, "backoff_max_ms": 50, "start_timeout_s": 20, "stop_timeout_s": 3} | ops
    return {
        "SOVEREIGN_HOME": str(home.runtime.parent),
        "SOVEREIGN_BRAIN__HISTORY_BARS": "300",  # two weeks of candles cost each start of a system a second
        **{f"SOVEREIGN_WIRE__{name}_PORT": str(port) for name, port in zip(names, ports, strict=True)},
        **{f"SOVEREIGN_OPS__{name.upper()}": str(value) for name, value in patience.items()},
    }


def settings_of(variables: dict[str, str], **more: str) -> Settings:
    """The settings that these variables make."""
    return load_settings(Path("/nonexistent/settings.toml"), variables | more)
