"""Starting ops in the background and waiting until the system is up; and leaving nothing behind if it is not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from schemas.process import EXIT_CONFIG, EXIT_FAILED, EXIT_OK
from schemas.settings import Home, Settings
from schemas.topology import OPS
from sovereign_tui.ops import logs, plan
from sovereign_tui.ops.client import OpsDown, OpsError, request_blocking, stream_blocking
from sovereign_tui.ops.fleet import NAME_FILE, VENUE_FILE
from sovereign_tui.ops.pidfile import PidFile, holder, identity, is_held

LOCK_FILE: Final = "ops.lock"
_POLL_S: Final = 0.05
_SILENCE_S: Final = 5.0

Progress = Callable[[dict[str, Any]], None]
Stopping = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a start went. `status` is the last one known; `problems` are for people, one line each."""

    code: int
    status: dict[str, Any] | None
    problems: tuple[str, ...]


def running_ops(home: Home) -> int | None:
    """The pid of the ops of this home; None: there is none."""
    return holder(home.runtime / LOCK_FILE)


def ops_is_running(home: Home) -> bool:
    """Whether an ops holds this home."""
    return is_held(home.runtime / LOCK_FILE)


def start(
    home: Home,
    settings: Settings,
    progress: Progress = lambda status: None,
    *,
    added: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Starts ops and waits until the system is up, or cannot come up: then all of it is stopped again.

    `progress` gets the status each time that it was asked for. `added`: what ops gets into its environment: the
    operator's keys and confirmation.
    """
    log = home.logs / f"{OPS}.log"
    log_start = logs.prepare(log)
    with log.open("ab") as err:
        command = plan.ops(added)
        ops = subprocess.Popen(
            command.argv,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=err,
            stderr=err,
            start_new_session=True,
        )
    up = False
    try:
        outcome = _await_up(home, settings, lambda: ops.poll() is not None, progress)
        if outcome is None:
            lines = logs.tail(log, log_start)
            code = EXIT_CONFIG if ops.returncode == EXIT_CONFIG else EXIT_FAILED
            outcome = Outcome(code=code, status=None, problems=lines or (f"ops ended with code {ops.returncode}",))
        up = outcome.code == EXIT_OK
    finally:
        if not up and (ops.poll() is None or not ops_is_running(home)):
            stop(home, settings)
            _end(ops.pid, settings.ops.stop_timeout_s, ops)
    return outcome


def start_anew(home: Home, settings: Settings, issuer: str, progress: Progress) -> tuple[list[str], Outcome | None]:
    """Has a running ops start what it gave up or never started; returns its names, and how that went.

    None: all was running. Nothing is stopped again where it fails: it was not we who started the system.
    Raises: OpsError.
    """
    names = request_blocking(home, {"cmd": "start", "issuer": issuer}, _SILENCE_S)["started"]
    if not names:
        return [], None
    outcome = _await_up(home, settings, lambda: not ops_is_running(home), progress)
    return names, outcome or Outcome(code=EXIT_FAILED, status=None, problems=("ops ended meanwhile",))


def stop(home: Home, settings: Settings, stopping: Stopping = lambda name: None) -> list[str]:
    """Stops the system of this home, with its ops or without; returns the names of what was running.

    An ops that does not answer is killed, and what it supervised is stopped by its pid files.
    """
    found = [name for name in plan.STOP_ORDER if _pid_file(home, name).living() is not None]
    ops = running_ops(home)
    if ops is not None:
        patience = settings.ops.stop_timeout_s + _SILENCE_S  # ops says each process that it stops
        try:
            for answer in stream_blocking(home, {"cmd": "down", "issuer": "down", "progress": True}, patience):
                if "progress" in answer:
                    stopping(str(answer["progress"].get("stopping")))
            _await_end(ops, settings.ops.stop_timeout_s)
        except OpsError:
            pass  # starting, hung or dying: it is ended by its pid
        _end(ops, settings.ops.stop_timeout_s)
        found.append(OPS)
    for name in plan.STOP_ORDER:
        pid = _pid_file(home, name).living()
        if pid is not None:
            stopping(name)
            _end(pid, settings.ops.stop_timeout_s)
        _pid_file(home, name).remove()
        (home.runtime / f"{name}.out").unlink(missing_ok=True)
    for name in (VENUE_FILE, NAME_FILE):
        (home.runtime / name).unlink(missing_ok=True)
    home.control_socket.unlink(missing_ok=True)
    return found


def orphans_elsewhere(home: Home, venue: str) -> str | None:
    """The other venue at which engine and brain still run without an ops; None: there is nothing of the kind."""
    try:
        name = (home.runtime / NAME_FILE).read_text(encoding="utf-8")
    except OSError:
        return None
    return name if name != venue and orphans(home) else None


def orphans(home: Home) -> dict[str, int]:
    """What runs without an ops: name -> pid."""
    pids = {name: _pid_file(home, name).living() for name in plan.START_ORDER}
    return {name: pid for name, pid in pids.items() if pid is not None}


def _await_up(home: Home, settings: Settings, ended: Callable[[], bool], progress: Progress) -> Outcome | None:
    """None: ops itself ended."""
    end = time.monotonic() + 2 * settings.ops.start_timeout_s
    status: dict[str, Any] | None = None
    while time.monotonic() < end:
        if ended():
            return None
        try:
            status = request_blocking(home, {"cmd": "status"}, _SILENCE_S)
        except OpsDown:
            time.sleep(_POLL_S)
            continue
        except OpsError as error:
            return Outcome(code=EXIT_FAILED, status=status, problems=(str(error),)) if not ended() else None
        progress(status)
        if status["up"]:
            return Outcome(code=EXIT_OK, status=status, problems=())
        fatal = [process for process in status["processes"] if process["state"] == "FATAL"]
        if fatal:
            code = EXIT_CONFIG if any(one["exit_code"] == EXIT_CONFIG for one in fatal) else EXIT_FAILED
            return Outcome(code=code, status=status, problems=_reasons(fatal))
        time.sleep(_POLL_S)
    waited = 2 * settings.ops.start_timeout_s
    lacks = ", ".join(status["waiting_for"]) if status else "ops"
    troubled = [process for process in status["processes"] if process["reason"]] if status else []
    return Outcome(
        code=EXIT_FAILED,
        status=status,
        problems=(f"not up within {waited:g} s; still waiting for: {lacks}", *_reasons(troubled)),
    )


def _reasons(processes: list[dict[str, Any]]) -> tuple[str, ...]:
    lines: list[str] = []
    for process in processes:
        lines.append(f"{process['name']}: {process['state']}: {process['reason']}")
        lines += [f"{process['name']} | {line}" for line in process["last_lines"]]
    return tuple(lines)


def _end(pid: int, patience_s: float, child: subprocess.Popen[bytes] | None = None) -> None:
    """SIGTERM, and SIGKILL when the time is over; nothing if it has ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        known = identity(pid)
        if known is None:
            break
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        _await_end(pid, patience_s)
    if child is not None:
        child.wait()


def _await_end(pid: int, patience_s: float) -> None:
    known, end = identity(pid), time.monotonic() + patience_s
    while known is not None and identity(pid) == known and time.monotonic() < end:
        time.sleep(_POLL_S / 5)


def _pid_file(home: Home, name: str) -> PidFile:
    return PidFile(home.runtime / f"{name}.pid")
