"""The whole system, as a user starts and stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from schemas import haltfile
from sovereign_tui.ops.pidfile import is_held
from tests.sovereign_tui.cli.support import ROOT, Shell
from tests.sovereign_tui.ops.support import processes_of

pytestmark = pytest.mark.e2e


def test_a_session_from_up_to_down(sovereign: Shell) -> None:
    up = sovereign("up", "--json")
    assert up.code == 0, up
    assert up.json["ok"]
    assert {process["state"] for process in up.json["processes"]} == {"RUNNING"}
    second = sovereign("up")
    pid = up.json["processes"][0]["pid"]
    assert second.code == 1
    assert f"ops has pid {pid}; `sovereign status` shows it, `sovereign down` stops it" in second.err

    status = sovereign("status", "--json")
    assert status.code == 0
    assert {"state", "causes", "venue", "processes", "market", "signal", "positions", "orders", "account", "halt_id",
            "counters"} <= set(status.json)  # fmt: skip
    assert sovereign("status").code == 0

    halt = sovereign("halt", "--json", "--reason", "test")
    assert halt.code == 0, halt
    assert (halt.json["open_orders"], halt.json["verified"], halt.json["problems"]) == (0, True, [])
    assert halt.json["total_ms"] > 0
    again = sovereign("halt", "--json")
    assert (again.code, again.json["id"]) == (0, halt.json["id"])
    assert sovereign("status", "--json").json["halt_id"] == halt.json["id"]

    assert sovereign("resume", "nonsense").code == 1
    resumed = sovereign("resume", halt.json["id"], "--json")
    assert (resumed.code, resumed.json["halt_id"]) == (0, halt.json["id"])
    assert sovereign("resume").code == 1

    down = sovereign("down", "--json")
    assert (down.code, down.json["ok"]) == (0, True)
    assert processes_of(sovereign.home) == []
    assert sovereign("status").code == 3
    assert sovereign("blackbox", "verify").code == 0


def test_a_halt_survives_everything_and_counts_as_up(sovereign: Shell) -> None:
    written = sovereign("halt", "--json")  # nothing runs yet
    up = sovereign("up", "--json")
    assert up.code == 0, up
    assert (up.json["state"], up.json["halt_id"]) == ("HALTED", written.json["id"])
    assert sovereign("down").code == 0
    assert haltfile.read(sovereign.home.runtime) is not None
    assert sovereign("up", "--json").json["state"] == "HALTED"
    unnamed = sovereign("resume", "--json")
    assert (unnamed.code, unnamed.json["halt_id"]) == (1, written.json["id"])
    resumed = sovereign("resume", written.json["id"], "--json")
    assert resumed.code == 0, resumed
    assert haltfile.read(sovereign.home.runtime) is None
    assert sovereign("down").code == 0


def test_after_the_death_of_ops_up_takes_over_what_it_left(sovereign: Shell) -> None:
    before = {process["name"]: process["pid"] for process in sovereign("up", "--json").json["processes"]}
    os.kill(before["ops"], signal.SIGKILL)
    orphaned = sovereign("status", "--json")
    assert (orphaned.code, set(orphaned.json["orphans"])) == (3, {"exchange", "engine", "brain"})
    up = sovereign("up", "--json")
    assert up.code == 0, up
    after = {process["name"]: process["pid"] for process in up.json["processes"]}
    assert {name: after[name] for name in ("exchange", "engine", "brain")} == {
        name: before[name] for name in ("exchange", "engine", "brain")
    }
    os.kill(after["ops"], signal.SIGKILL)
    assert sovereign("down", "--json").json["stopped"] == ["brain", "engine", "exchange"]
    assert processes_of(sovereign.home) == []


def test_a_start_that_fails_says_why_and_leaves_nothing(sovereign: Shell) -> None:
    run = sovereign("up", "--json", SOVEREIGN_EXCHANGE__RECORDING="/nonexistent/recording.jsonl.gz")
    assert run.code == 78, run
    assert any(line.startswith("exchange: FATAL") for line in run.json["problems"])
    assert processes_of(sovereign.home) == []
    assert json.loads(run.out)["status"]["state"] == "UNKNOWN"


def test_a_cockpit_without_a_terminal_starts_nothing(sovereign: Shell) -> None:
    run = sovereign("tui")
    assert (run.code, run.err.split(" is no terminal, and the cockpit needs one; ")[1:]) == (
        1, ["`sovereign up` starts without a screen\n"],
    )  # fmt: skip
    assert processes_of(sovereign.home) == []


def test_an_interrupted_start_leaves_nothing(sovereign: Shell) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SOVEREIGN_")}
    env |= sovereign.variables | {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-P", "-m", "sovereign_tui", "up"]
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as starting:
        try:
            end = time.monotonic() + 20
            while not is_held(sovereign.home.runtime / "ops.lock"):
                assert time.monotonic() < end
                time.sleep(0.005)
            starting.send_signal(signal.SIGINT)
            _, said = starting.communicate(timeout=60)
        finally:
            starting.kill()
    assert (starting.returncode, said) == (130, "sovereign: interrupted; what was started is stopped again\n")
    assert processes_of(sovereign.home) == []
