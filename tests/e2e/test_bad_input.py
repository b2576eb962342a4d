"""What bad input gets: a clear error that names the thing and the mend, and never a traceback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def home() -> Iterator[System]:
    with system() as here:
        yield here


def refused(here: System, *arguments: str, code: int, says: tuple[str, ...]) -> None:
    done = here.run(*arguments)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    flat = " ".join(said.split())
    for part in says:
        assert part in flat, said


def test_bad_settings_are_said_with_line_value_and_mend_before_anything_starts(home: System) -> None:
    (home.home / "settings.toml").write_text("[wire]\nmarket_prt = 1\n[cockpit]\nfps = 0\n")
    refused(home, "up", code=78, says=("line 2", "market_prt", "did you mean market_port?", "line 4", "fps"))
    assert home.pids() == []


@pytest.mark.parametrize("name", ["MARKET_PORT", "COMMAND_PORT", "TELEMETRY_PORT", "SIGNAL_PORT"])
def test_a_taken_port_is_named_and_nothing_is_left_running(home: System, name: str) -> None:
    with socket.create_server(("127.0.0.1", home.ports[name])):
        refused(home, "up", code=78, says=(str(home.ports[name]), "taken"))
    assert home.pids() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_home_is_named(home: System) -> None:
    home.home.chmod(0o500)
    try:
        refused(home, "up", code=78, says=(str(home.home), "SOVEREIGN_HOME"))
    finally:
        home.home.chmod(0o700)


def test_a_home_that_is_a_file_is_named(home: System) -> None:
    (home.home / "file").write_text("")
    home.environment["SOVEREIGN_HOME"] = str(home.home / "file")
    try:
        refused(home, "up", code=78, says=("file", "SOVEREIGN_HOME"))
    finally:
        home.environment["SOVEREIGN_HOME"] = str(home.home)


def test_a_second_up_names_the_first_and_the_mend(home: System) -> None:
    home.up()
    refused(home, "up", code=1, says=("sovereign status", "sovereign down"))
    until("it goes on", lambda: home.status()["state"] in {"ACTIVE", "REDUCING"})
    assert home.run("down").returncode == 0


def test_commands_without_a_running_system_say_so(home: System) -> None:
    assert home.json("status", code=3)["state"] == "DOWN"
    refused(home, "down", code=0, says=("running",))
    refused(home, "tui", "--attach", code=3, says=("sovereign up",))


def test_a_halt_without_a_running_system_is_not_lost(home: System) -> None:
    done = home.run("halt", "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    home.up()
    status = home.status()
    assert status["state"] == "HALTED"
    assert home.run("resume", status["halt_id"]).returncode == 0


def test_a_venue_that_nobody_knows_and_live_without_more_are_refused(home: System) -> None:
    refused(home, "up", "--venue", "moon", code=78, says=("moon", "'sim', 'paper', 'demo' or 'live'"))
    refused(home, "up", "--venue", "live", code=78, says=("--live", "backtest", "paper run"))


@pytest.mark.parametrize("reason", [b"caf\xe9", b"x" * 100_000], ids=["not UTF-8", "too long"])
def test_no_reason_keeps_a_halt_from_a_running_system(home: System, reason: bytes) -> None:
    home.up()
    done = home.run("halt", "--reason", os.fsdecode(reason))
    assert done.returncode == 0, done.stdout + done.stderr
    until("it is halted", lambda: home.status()["state"] == "HALTED")
    assert home.run("down").returncode == 0
