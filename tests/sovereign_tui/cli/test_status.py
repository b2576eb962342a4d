"""`sovereign status`: what people and programs read of it, once and again and again."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from schemas.clock import NS_PER_S
from sovereign_tui.cli.status_view import duration, lines, render
from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.ops.support import processes_of

NOW_NS = 1_721_347_020 * NS_PER_S


def process(name: str, **more: Any) -> dict[str, Any]:
    known = {
        "name": name, "pid": 4_001, "state": "RUNNING", "restarts": 1, "heartbeat_age_ms": 120.4, "reason": "",
        "cpu_pct": 8.2, "memory_mb": 80.0, "open_files": 41, "open_files_limit": 1_024, "loop_lag_p99_ms": 1.2,
        "loop_lag_max_ms": 35.0, "last_exit": "", "exit_code": None, "last_lines": [],
    }  # fmt: skip
    return known | more


def status(**more: Any) -> dict[str, Any]:
    taken = {"p50": 5.25, "p90": 9.0, "p99": 41.0, "p999": 873.0, "max": 12_000.0, "count": 60, "sum_us": 9.0}
    known: dict[str, Any] = {
        "state": "REDUCING", "venue": "sim", "halt_id": None,
        "causes": [{"name": "brain_dead", "since_ns": NOW_NS - 75 * NS_PER_S, "detail": "no heartbeat for 3.1 s",
                    "forces": "REDUCING"}],
        "alerts": [{"kind": "brain_death", "text": "brain_dead: why", "since_ns": NOW_NS - 4 * NS_PER_S,
                    "level": "error", "active": True}],
        "processes": [
            process("engine"),
            process("brain", pid=None, state="FATAL", reason="exit code 78: no", cpu_pct=None, memory_mb=None,
                    open_files=None, heartbeat_age_ms=None, loop_lag_p99_ms=None, loop_lag_max_ms=None),
        ],
        "latency": {"engine.gate": {"10s": None, "60s": taken, "start": taken},
                    "brain.decide": {"10s": None, "60s": None, "start": taken}},
        "market": dict.fromkeys(("instrument", "last", "bid", "ask", "imbalance", "tick_age_ms", "ticks_per_s")),
        "signal": None, "positions": None, "account": None, "orders": None,
    }  # fmt: skip
    return known | more


def table(found: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(render(found, NOW_NS))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_lines_have_everything_of_processes_causes_latencies_and_alerts() -> None:
    assert [line.removeprefix("23:57:00.000Z ") for line in lines(status(), NOW_NS)] == [
        "REDUCING  venue sim",
        "alert brain_death for 4.0 s: brain_dead: why",
        "cause REDUCING for 1 min: brain_dead: no heartbeat for 3.1 s",
        (
            "process engine RUNNING pid 4001 restarts 1 cpu 8% memory 80 MB files 41/1024 heartbeat 120 ms "
            "loop p99 1 ms max 35 ms"
        ),
        "process brain FATAL pid - restarts 1 cpu - memory - files - heartbeat - loop p99 - max - exit code 78: no",
        "latency engine.gate p50 5.2 us p99 41.0 us p999 873 us max 12.0 ms count 60",
    ]


def test_the_tables_have_the_same() -> None:
    text = table(status())
    for said in ("41/1024", "120 ms", "35 ms", "exit code 78: no", "brain_death for 4.0 s", "for 1 min: brain_dead",
                 "873 us", "12.0 ms", "p99.9", "UNKNOWN"):  # fmt: skip
        assert said in text, text
    again = table(status(processes=[process("engine", last_exit="gave no heartbeat for 15 s")]))
    assert "the run before: gave no" in again


def test_a_system_that_is_down_is_one_line_and_what_was_left() -> None:
    found = {"state": "DOWN", "problem": "ops is not running", "orphans": {"engine": 7}}
    assert lines(found, NOW_NS) == ["23:57:00.000Z DOWN: ops is not running", "23:57:00.000Z engine still runs (pid 7)"]
    assert "engine still runs (pid 7)" in table(found)


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 ms"), (0.2, "200 ms"), (59, "59.0 s"), (75, "1 min"), (8_000, "2 h")]
)
def test_a_span_is_told_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(round(seconds * NS_PER_S)) == said


def start(sovereign: Shell, *arguments: str, stdout: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-P", "-m", "sovereign_tui", "status", "--watch", *arguments]
    env = sovereign.environment(TERM="xterm", COLUMNS="160", LINES="50")
    return subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)


def read_until(fd: int, enough: Callable[[str], bool]) -> str:
    text, end = "", time.monotonic() + 60
    while not enough(text):
        assert time.monotonic() < end, text
        if select.select([fd], [], [], 0.1)[0]:
            text += os.read(fd, 65_536).decode(errors="replace")
    return text


def leave(watching: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Ctrl+C."""
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=30)
    return watching.returncode, said


@pytest.mark.e2e
def test_it_watches_a_running_system_in_place_in_lines_and_as_json(sovereign: Shell) -> None:
    assert sovereign("up", SOVEREIGN_OPS__CRASH_LIMIT="1").code == 0
    ours, theirs = pty.openpty()
    try:
        with start(sovereign, stdout=theirs) as watching:
            seen = read_until(ours, lambda text: text.count("engine.loop_lag") >= 3)
            assert "\x1b[" in seen  # it goes back up, and draws over what was there
            assert leave(watching) == (0, b"")
    finally:
        os.close(ours)
        os.close(theirs)
    with start(sovereign, stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        seen = read_until(watching.stdout.fileno(), lambda text: text.count("process engine RUNNING") >= 2)
        assert "\x1b" not in seen
        assert leave(watching) == (0, b"")
    with start(sovereign, "--json", stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        seen = read_until(watching.stdout.fileno(), lambda text: text.count("\n") >= 2)
        found = [json.loads(line) for line in seen.splitlines()[:2]]
        assert [one["up"] for one in found] == [True, True]
        watching.stdout.close()  # as `| head -2` does
        assert (watching.wait(30), watching.communicate()[1]) == (0, b"")

    brain = next(one["pid"] for one in found[0]["processes"] if one["name"] == "brain")
    os.kill(brain, signal.SIGKILL)  # one crash is one too many here
    end = time.monotonic() + 30
    while not (alerts := [one["kind"] for one in sovereign.status()["alerts"]]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "process_fatal" in alerts
    anew = sovereign("up")
    assert (anew.code, anew.out.splitlines()[0]) == (0, "ops was running; started anew: brain"), anew
    assert sovereign("up").code == 1
    while sovereign.status()["alerts"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert sovereign("down").code == 0
    assert processes_of(sovereign.home) == []


def test_watching_nothing_goes_on_until_it_is_left(sovereign: Shell) -> None:
    with start(sovereign, "--json", stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        seen = read_until(watching.stdout.fileno(), lambda text: text.count("\n") >= 2)
        assert {json.loads(line)["state"] for line in seen.splitlines()[:2]} == {"DOWN"}
        assert leave(watching) == (0, b"")


def test_an_older_ops_that_tells_less_is_shown_too() -> None:
    bare = {
        name: process("engine")[name] for name in ("name", "pid", "state", "restarts", "heartbeat_age_ms", "reason")
    }
    older = status(processes=[bare])
    del older["alerts"], older["latency"]
    assert "engine" in table(older)
    assert any("process engine RUNNING" in line and "loop p99 - max -" in line for line in lines(older, NOW_NS))


def test_nothing_that_others_wrote_commands_the_terminal() -> None:
    evil = "\x1b]0;evil\x07\n23:59:59.000Z ACTIVE [red]\x9b2J"
    found = status(processes=[process("engine", reason=evil)], halt_id=evil)
    shown = table(found)
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert all(line.isprintable() for line in lines(found, NOW_NS))
    down = {"state": "DOWN", "problem": evil}
    assert not {"\x1b", "\x07", "\x9b"} & set(table(down))
