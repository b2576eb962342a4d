"""`sovereign blackbox sessions` as a user runs it, and which session is meant by what is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from schemas.settings import Home
from schemas.topology import ENGINE, OPS
from sovereign_tui.cli import replay as module
from sovereign_tui.cli.main import app
from sovereign_tui.cli.replay import NoSuchSession, choose
from sovereign_tui.replay.sessions import Session, list_sessions
from tests.sovereign_tui.cli.support import Run
from tests.sovereign_tui.replay.support import Tape

FIRST, SECOND = "20240718-235700", "20240718-235715"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SOVEREIGN_HOME", str(tmp_path))
    home = Home.from_environment()
    home.prepare()
    return home


@pytest.fixture
def recorded(home: Home) -> tuple[Session, ...]:
    tape = Tape(home.blackbox)
    for _ in range(2):
        tape.start(OPS, ENGINE)
        tape.clock.advance(s=10)
        tape.end()
        tape.clock.advance(s=5)
    return list_sessions(home.blackbox).sessions


def _run(*arguments: str, of: typer.Typer = app) -> Run:
    done = CliRunner().invoke(of, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Run(done.exit_code, done.stdout, done.stderr)


def test_the_sessions_are_listed_with_their_times_and_how_they_ended(recorded: tuple[Session, ...]) -> None:
    shown = _run("blackbox", "sessions")
    lines = shown.out.splitlines()
    assert (shown.code, shown.err, len(lines)) == (0, "", 2)
    assert lines[0].startswith(f"{FIRST}    2024-07-18 23:57:00 - 2024-07-18 23:57:10       10 s ")
    assert lines[1].endswith("in order    engine ops")


def test_the_same_for_programs(recorded: tuple[Session, ...]) -> None:
    found = _run("blackbox", "sessions", "--json").json
    assert (found["ok"], found["problems"]) == (True, [])
    row = found["sessions"][1]
    assert (row["id"], row["ending"], row["processes"]) == (SECOND, "in order", ["engine", "ops"])
    assert (row["to_ns"] - row["from_ns"], row["boot"]) == (10_000_000_000, recorded[1].boot.hex())
    assert [(run["process"], run["closed"]) for run in row["runs"]] == [("engine", True), ("ops", True)]


def test_nothing_recorded_and_a_file_that_cannot_be_read_are_said(home: Home) -> None:
    shown = _run("blackbox", "sessions")
    assert (shown.code, shown.out) == (0, f"no session is recorded in {home.blackbox}\n")
    path = home.blackbox / OPS / "00000000000000000001-7-000000.bbx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no segment")
    assert f"sovereign: {path}: no segment header that can be read" in _run("blackbox", "sessions").err
    assert json.loads(_run("blackbox", "sessions", "--json").out)["problems"]


def test_a_session_is_meant_by_its_id_a_unique_beginning_or_last(recorded: tuple[Session, ...]) -> None:
    assert choose(recorded, FIRST).id == FIRST
    assert choose(recorded, "20240718-23571").id == SECOND
    assert choose(recorded, "last").id == SECOND
    with pytest.raises(NoSuchSession, match=r"2024 may mean 2 of them; give more of the id") as found:
        choose(recorded, "2024")
    assert [one.id for one in found.value.candidates] == [SECOND, FIRST]
    for text in ("1999", "", f"{FIRST}0"):
        with pytest.raises(NoSuchSession, match=f"{text}: no session of this id; there are"):
            choose(recorded, text)
    with pytest.raises(NoSuchSession, match="no session is recorded"):
        choose((), "last")


def test_an_id_that_is_the_beginning_of_another_means_itself(home: Home) -> None:
    tape = Tape(home.blackbox)
    for _ in range(2):
        tape.start(OPS)
        tape.clock.advance(ms=100)
        tape.end()
        tape.clock.advance(ms=100)
    found = list_sessions(home.blackbox).sessions
    assert [choose(found, one).id for one in (FIRST, f"{FIRST}-2")] == [FIRST, f"{FIRST}-2"]


def test_the_screen_is_opened_on_the_chosen_one(recorded: tuple[Session, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "demand_terminal", lambda: None)
    monkeypatch.setattr(module, "show", lambda home, settings, **given: opened.append(given) or 7)
    assert _run("blackbox", "replay", "last").code == 7
    assert [(each["session"].id, each["readonly"], each["halt"]) for each in opened] == [(SECOND, True, True)]
    refused = _run("blackbox", "replay", "1999")
    assert (refused.code, refused.out, len(opened)) == (1, "", 1)
    lines = refused.err.splitlines()
    assert lines[0] == "sovereign: 1999: no session of this id; there are"
    assert [line.split()[1] for line in lines[1:]] == [SECOND, FIRST]


def test_without_a_terminal_it_says_so(recorded: tuple[Session, ...]) -> None:
    done = _run("blackbox", "replay", "last")
    assert done.code == 1
    assert "is no terminal" in done.err
