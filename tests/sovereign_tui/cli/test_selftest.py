from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import Home
from sovereign_tui.cli.selftest import level, selftest
from sovereign_tui.cockpit.tty.probe import Line
from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.cockpit.support import FakeOps, home_in


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="sv"))
    yield home_in(folder)
    shutil.rmtree(folder)


def rehearsed(home: Home, answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    ops = FakeOps(home.control_socket, lambda command: [answer])
    try:
        code = selftest(home)
    finally:
        ops.close()
    assert [command["cmd"] for command in ops.commands if command] == ["rehearse"]
    return code, capsys.readouterr().out


def test_a_rehearsed_halt_is_told_with_its_times(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"ok": True, "text": "nothing was halted", "ops_ms": 0.25, "engine_ms": 1.5}
    code, out = rehearsed(home, answer, capsys)
    assert code == 0
    assert "ops 0.2 ms, engine 1.5 ms; nothing was halted" in out
    assert "its thread has the control socket after" in out
    assert "link       not measured: no terminal" in out


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "unknown command 'rehearse'; there are halt"}, "of another version: `sovereign down`, then"),
        ({"ok": False, "text": "the engine does not answer"}, "the engine does not answer; see `sovereign status`"),
    ],
)
def test_a_halt_that_cannot_be_rehearsed_is_a_failure_with_its_mend(
    home: Home, capsys: pytest.CaptureFixture[str], answer: dict[str, Any], words: str
) -> None:
    code, out = rehearsed(home, answer, capsys)
    assert code == 1
    assert words in out


def test_without_ops_it_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest(home) == 3
    out = capsys.readouterr().out
    assert out.startswith(f"terminal   {os.environ.get('TERM') or 'TERM unset'}")
    assert "not rehearsed: ops is not running; start it with `sovereign up`" in out


@pytest.mark.parametrize(
    ("p50_ms", "bytes_per_s", "word"),
    [(1.0, 1e6, "fast"), (80.0, 20_000.0, "fast"), (80.0, 5_000.0, "slow"), (600.0, 1e6, "slow"), (None, None, "fast")],
)
def test_the_level_is_what_auto_would_choose(p50_ms: float | None, bytes_per_s: float | None, word: str) -> None:
    line = Line(synchronises=True, clipboard=None, p50_ms=p50_ms, max_ms=p50_ms, bytes_per_s=bytes_per_s)
    assert level(line).value == word


def test_no_halt_is_refused_on_a_screen_that_trades(home: Home) -> None:
    shell = Shell(home)
    done = shell("tui", "--no-halt")
    assert done.code == 78
    assert "--no-halt goes with --readonly" in done.err
    assert shell("tui", "--no-halt", "--readonly", "--attach").code == 3


def test_the_selftest_of_a_home_without_ops_ends_with_3(home: Home) -> None:
    done = Shell(home)("tui", "--selftest", "--link", "slow", "--no-mouse")
    assert done.code == 3
    assert "not rehearsed: ops is not running" in done.out
