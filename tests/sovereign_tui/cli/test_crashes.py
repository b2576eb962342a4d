"""The whole system under kill -9 and SIGSTOP, from the shell; nothing in it is a stand-in."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.ops.support import processes_of

pytestmark = pytest.mark.e2e

_PATIENCE_S = 20.0


def test_a_halt_while_the_engine_is_dead_is_latched_by_the_next_one_and_by_the_one_after(sovereign: Shell) -> None:
    assert sovereign("up").code == 0
    os.kill(_pids(sovereign)["engine"], signal.SIGKILL)
    halted = sovereign("halt", "--json")
    assert halted.code == 0, halted
    os.kill(_pids(sovereign)["engine"], signal.SIGKILL)
    status = _when_up(sovereign, restarts=2)
    assert (status["state"], status["halt_id"]) == ("HALTED", halted.json["id"])


def test_a_halt_that_a_stopped_engine_cannot_hear_is_not_verified_until_it_can(sovereign: Shell) -> None:
    assert sovereign("up", SOVEREIGN_SAFETY__HALT_DEADLINE_S="0.5").code == 0
    engine = _pids(sovereign)["engine"]
    os.kill(engine, signal.SIGSTOP)
    try:
        said = sovereign("halt", "--json")
    finally:
        os.kill(engine, signal.SIGCONT)
    assert said.code == 1
    assert (said.json["verified"], said.json["open_orders"], said.json["venue_confirmed_ns"]) == (False, None, None)
    assert "has not answered" in said.json["problems"][0]
    again = sovereign("halt", "--json")
    assert (again.code, again.json["id"], again.json["open_orders"]) == (0, said.json["id"], 0)


@pytest.mark.parametrize("name", ["ops", "brain", "engine", "exchange"])
def test_down_ends_what_does_not_react(sovereign: Shell, name: str) -> None:
    assert sovereign("up").code == 0
    os.kill(_pids(sovereign)[name], signal.SIGSTOP)
    assert sovereign("down").code == 0
    assert processes_of(sovereign.home) == []


def test_a_halt_that_finds_neither_ops_nor_a_disk_says_that_nothing_is_halted(sovereign: Shell) -> None:
    said = sovereign("halt", SOVEREIGN_HOME="/proc/nowhere")
    assert said.code == 1
    assert "not halted" in said.err


def _pids(sovereign: Shell) -> dict[str, int]:
    return {one["name"]: one["pid"] for one in _when_up(sovereign)["processes"]}


def _when_up(sovereign: Shell, restarts: int = 0) -> dict[str, Any]:
    """The status once it is up, and the engine was started again so many times."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        found = sovereign.status()
        engine = next(one for one in found["processes"] if one["name"] == "engine")
        if found["up"] and engine["restarts"] >= restarts:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)
