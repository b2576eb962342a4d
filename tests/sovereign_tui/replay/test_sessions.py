from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from schemas.clock import NS_PER_S
from schemas.topology import BRAIN, ENGINE, EXCHANGE, OPS
from sovereign_tui.replay import sessions as module
from sovereign_tui.replay.sessions import Ending, list_sessions, session_id
from tests.sovereign_tui.replay import support as s
from tests.sovereign_tui.replay.support import Tape
from tests.support.clock import ManualClock

START = "20240718-235700"


def test_a_life_of_the_system_is_one_session_with_all_its_processes(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS)
    tape.clock.advance(s=1)
    tape.start(EXCHANGE, ENGINE, BRAIN)
    tape.clock.advance(s=9)
    tape.end()
    session = s.only(tmp_path)
    assert session.id == session_id(session.since_ns) == START
    assert session.processes == (BRAIN, ENGINE, EXCHANGE, OPS)
    assert session.until_ns - session.since_ns == session.last_ns - session.first_ns == 10 * NS_PER_S
    assert session.size == sum(path.stat().st_size for path in tmp_path.glob("*/*.bbx"))
    assert session.ending is Ending.IN_ORDER


def test_a_new_ops_that_adopts_the_others_goes_on_with_the_session_and_a_new_start_does_not(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE, BRAIN)
    tape.clock.advance(s=3)
    tape.end(OPS, in_order=False)
    tape.clock.advance(s=5)
    tape.start(OPS)
    tape.clock.advance(s=2)
    tape.end()
    tape.clock.advance(s=1)
    tape.start(OPS, ENGINE)
    tape.clock.advance(s=1)
    tape.end(OPS)
    tape.end(ENGINE, in_order=False)
    first, second = list_sessions(tmp_path).sessions
    assert [run.process for run in first.runs].count(OPS) == 2
    assert (first.ending, second.ending) == (Ending.IN_ORDER, Ending.BROKEN_OFF)
    assert (first.id, second.id) == (START, "20240718-235711")


def test_two_that_began_in_one_second_are_told_apart(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    for _ in range(3):
        tape.start(OPS)
        tape.clock.advance(ms=100)
        tape.end()
        tape.clock.advance(ms=100)
    assert [one.id for one in list_sessions(tmp_path).sessions] == [START, f"{START}-2", f"{START}-3"]


def test_two_boots_of_the_machine_are_never_one_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.clock.advance(s=60)
    tape.end()
    monkeypatch.setattr("schemas.blackbox.log.boot_id", lambda: bytes(range(16)))
    other = Tape(tmp_path, ManualClock(wall_ns=tape.clock.wall_ns() + NS_PER_S))  # its monotonic time begins as before
    other.start(OPS, ENGINE)
    other.clock.advance(s=60)
    other.end()
    first, second = list_sessions(tmp_path).sessions
    assert first.boot != second.boot == bytes(range(16))
    assert (first.first_ns, second.first_ns) == (5 * NS_PER_S, 5 * NS_PER_S)
    assert [len(one.runs) for one in (first, second)] == [2, 2]


def test_an_exchange_that_runs_on_joins_no_two_sessions(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS)
    tape.start(EXCHANGE)
    tape.clock.advance(s=5)
    tape.end(OPS)
    tape.clock.advance(s=5)
    tape.start(OPS)
    tape.clock.advance(s=5)
    tape.end()
    assert [one.processes for one in list_sessions(tmp_path).sessions] == [(EXCHANGE, OPS), (OPS,)]


def test_a_file_that_was_copied_later_does_not_swallow_the_next_session_of_its_process(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    for _ in range(2):
        tape.start(OPS)
        tape.clock.advance(s=5)
        tape.end()
        tape.clock.advance(s=5)
    for path in (tmp_path / OPS).glob("*.bbx"):
        os.utime(path)
    first, second = list_sessions(tmp_path).sessions
    assert first.last_ns == second.first_ns - 1


def test_who_writes_now_is_running_and_a_younger_process_of_its_number_is_not_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = Tape(tmp_path, ManualClock(wall_ns=time.time_ns()))
    tape.start(OPS, ENGINE)
    assert s.only(tmp_path).ending is Ending.RUNNING
    monkeypatch.setattr(module, "_YOUNGER_S", -1e6)
    assert s.only(tmp_path).ending is Ending.BROKEN_OFF
    tape.end()
    assert s.only(tmp_path).ending is Ending.IN_ORDER


def test_files_that_cannot_be_read_are_told_and_the_rest_is_listed(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.clock.advance(s=1)
    tape.end()
    (path,) = (tmp_path / ENGINE).glob("*.bbx")
    path.write_bytes(b"garbage")
    (tmp_path / OPS / "notes.txt").write_text("not ours")
    listing = list_sessions(tmp_path)
    assert [one.processes for one in listing.sessions] == [(OPS,)]
    assert listing.problems == (f"{path}: no segment header that can be read; the file is passed over",)


def test_nothing_recorded_is_no_session(tmp_path: Path) -> None:
    assert list_sessions(tmp_path / "nowhere").sessions == ()
