"""The cockpit in a real terminal: whatever ends it, the terminal is as it was."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sovereign_tui.cockpit.tty.guard import _last_word
from tests.support.system import until
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.e2e]
RESET = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[<u", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[?1004l")


class Watched(Terminal):
    """A terminal that keeps what it was told."""

    def __init__(self, home: Path, trouble: str = "", **variables: str) -> None:
        self.written = b""
        self.home = home
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SOVEREIGN_")}
        environment |= {"SOVEREIGN_HOME": str(home), "TERM": "xterm-256color", **variables}
        command = [sys.executable, "-m", "tests.support.lone_cockpit", trouble]
        super().__init__(command, environment, columns=120, rows=40)
        self.before = self.modes()

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.master)

    def saw(self, data: bytes) -> None:
        self.written += data

    def child(self) -> int:
        path = self.home / "data" / "pid"

        def known() -> int:
            self.pump(0.05)
            return int(path.read_text() or 0) if path.exists() else 0

        return int(until("the cockpit paints", known))

    def ended(self) -> int:
        def code() -> bool:
            self.pump(0.05)
            return self.process.poll() is not None

        until("the cockpit ends", code)
        self.pump(0.05)
        return self.process.returncode

    def assert_as_before(self) -> None:
        assert self.modes() == self.before
        for sequence in RESET:  # each of them is said after the last time that its contrary was
            on = sequence[:-1] + (b"l" if sequence.endswith(b"h") else b"h")
            assert self.written.rfind(sequence) > self.written.rfind(on), sequence

    def crash_files(self) -> list[Path]:
        return list((self.home / "data" / "logs").glob("crash-*"))


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sv-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shown(home: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    terminal = Watched(home, getattr(request, "param", ""))
    yield terminal
    terminal.close()


@pytest.mark.parametrize("whom", ["parent", "child"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(shown: Watched, number: signal.Signals, whom: str) -> None:
    child = shown.child()
    os.kill(child if whom == "child" else shown.process.pid, number)
    assert shown.ended() == 128 + number
    shown.assert_as_before()
    assert shown.crash_files() == []
    assert b"crashed" not in shown.written
    assert not psutil.pid_exists(child)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_child_that_dies_leaves_the_terminal_as_it_was(shown: Watched, number: signal.Signals) -> None:
    os.kill(shown.child(), number)
    assert shown.ended() == 128 + number
    shown.assert_as_before()
    assert f"ended by {number.name}".encode() in shown.written
    assert b"sovereign halt" in shown.written
    if number is not signal.SIGKILL:
        (path,) = shown.crash_files()
        assert str(path).encode() in re.sub(rb"[\r\n]", b"", shown.written)
        assert "paint" in path.read_text() or "Thread" in path.read_text()


def test_a_child_whose_parent_is_killed_leaves_in_order(shown: Watched) -> None:
    child = shown.child()
    shown.process.kill()

    def gone() -> bool:
        shown.pump(0.05)
        return not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE

    until("the child is gone", gone, limit_s=5)
    shown.assert_as_before()


@pytest.mark.parametrize("shown", ["crash"], indirect=True)
def test_a_crash_is_one_line_on_the_terminal_and_a_traceback_in_a_file(shown: Watched) -> None:
    assert shown.ended() == 70
    shown.assert_as_before()
    (path,) = shown.crash_files()
    assert "Traceback" in path.read_text()
    said = shown.written[shown.written.rfind(b"sovereign: ") :].decode()
    assert said.count("\n") == 1
    assert "Traceback" not in shown.written.decode()
    for piece in (
        "ZeroDivisionError: crash inside a paint",
        "trading goes on",
        str(path),
        "--attach",
        "sovereign halt",
    ):
        assert piece in said


@pytest.mark.parametrize("shown", ["astray"], indirect=True)
def test_what_fails_in_a_thread_or_a_task_is_in_the_file_and_the_screen_stays(shown: Watched) -> None:
    shown.child()
    (path,) = shown.crash_files()
    until(
        "both are told",
        lambda: {"StopIteration", "KeyError"} <= set(re.findall(r"StopIteration|KeyError", path.read_text())),
    )
    assert shown.process.poll() is None
    shown.process.terminate()
    assert shown.ended() == 143


@pytest.mark.parametrize("shown", ["noise"], indirect=True)
def test_what_a_library_writes_to_its_output_is_in_the_log_and_not_on_the_screen(shown: Watched) -> None:
    shown.child()
    shown.until("a later frame", lambda text: "60,01" in text)
    assert (shown.home / "data" / "logs" / "cockpit.log").read_text() == "NOISE OF A LIBRARY\n" * 2
    shown.process.terminate()
    shown.ended()
    assert b"NOISE" not in shown.written


def test_a_closed_terminal_ends_both_processes_at_once_and_without_spinning(shown: Watched) -> None:
    parent, child = shown.process.pid, shown.child()
    cpu_s = resource.getrusage(resource.RUSAGE_CHILDREN)
    already = sum(psutil.Process(child).cpu_times()[:2]) + sum(psutil.Process(parent).cpu_times()[:2])
    shown.hang_up()
    started = time.monotonic()
    assert shown.process.wait(5) == 129
    until("the child is gone", lambda: not psutil.pid_exists(child), limit_s=3)
    assert time.monotonic() - started < 3
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - cpu_s.ru_utime - cpu_s.ru_stime - already < 0.8  # to end takes some


def test_a_stopped_cockpit_gives_the_terminal_back_and_takes_it_again(shown: Watched) -> None:
    child = shown.child()
    os.kill(shown.process.pid, signal.SIGTSTP)

    def stopped() -> bool:
        shown.pump(0.05)
        return all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in (child, shown.process.pid))

    until("both have stopped", stopped)
    shown.assert_as_before()
    shown.written = b""
    os.kill(shown.process.pid, signal.SIGCONT)
    shown.until("it paints again", lambda text: b"\x1b[?1049h" in shown.written and "╭ Book" in text)
    frame = shown.text()
    shown.until("and goes on", lambda text: text != frame)
    assert shown.modes() != shown.before
    shown.process.terminate()
    assert shown.ended() == 143
    shown.assert_as_before()


def test_the_last_word_is_said_of_a_signal_without_a_name_and_without_a_look_at_the_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    said = _last_word(128 + 37, file / "crash.txt", None)
    assert said.startswith("sovereign: the cockpit has crashed (ended by signal 37); trading goes on untouched; `")
    assert "denied" not in _last_word(70, Path("/proc/1/root/crash.txt"), None)


@pytest.mark.parametrize("said", [{"COLUMNS": "80", "LINES": "24"}, {"COLUMNS": "200"}, {"COLUMNS": "x", "LINES": ""}])
def test_the_size_is_the_terminals_own_whatever_the_environment_says(home: Path, said: dict[str, str]) -> None:
    shown = Watched(home, **said)
    try:
        shown.child()
        text = shown.until("the screen goes on", lambda text: "60,010" in text)
        lines = text.splitlines()
        assert "NO HALT HERE" in lines[0][100:]
        assert "? help" in lines[39]
    finally:
        shown.close()
