"""Frames in a real terminal: paced by what it answers, whatever that is."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sovereign_tui.cockpit.tty.test_guard import Watched

pytestmark = [pytest.mark.e2e]
MODE, STATUS = b"\x1b[?2026$p", b"\x1b[5n"


@pytest.fixture
def shown() -> Iterator[Watched]:
    folder = Path(tempfile.mkdtemp(prefix="sv-"))
    terminal = Watched(folder)
    yield terminal
    terminal.close()
    shutil.rmtree(folder)


def frames(shown: Watched, seconds: float, question: bytes) -> int:
    """Questions that came in so many seconds."""
    before, end = shown.written.count(question), time.monotonic() + seconds
    while time.monotonic() < end:
        shown.pump(0.05)
    return shown.written.count(question) - before


@pytest.mark.parametrize(
    ("answers", "asked", "not_asked"),
    [
        ({MODE: b"\x1b[?2026;2$y"}, MODE, STATUS),
        ({MODE: b"\x1b[?2026;0$y", STATUS: b"\x1b[0n"}, MODE, STATUS),
        ({STATUS: b"\x1b[0n"}, STATUS, MODE),
    ],
)
def test_what_the_terminal_answers_is_what_it_is_asked(
    shown: Watched, answers: dict[bytes, bytes], asked: bytes, not_asked: bytes
) -> None:
    shown.answers = answers
    shown.child()
    shown.until("the screen goes on", lambda text: "60,010" in text)
    before = shown.written.count(not_asked)
    assert frames(shown, 2, asked) >= 6
    assert shown.written.count(not_asked) == before
    assert "? help" in shown.text()  # an answer is no key: none has opened a dialog or quit


def test_a_terminal_that_answers_nothing_is_asked_no_more_and_painted_all_the_same(shown: Watched) -> None:
    shown.answers = {}
    shown.child()
    shown.until("the screen goes on", lambda text: "60,03" in text)
    assert frames(shown, 1, MODE) == 0


def test_a_terminal_that_has_stopped_answering_gets_a_frame_every_two_seconds(shown: Watched) -> None:
    shown.child()
    shown.until("the screen goes on", lambda text: "60,010" in text)
    shown.answers = {}
    assert 1 <= frames(shown, 3, MODE) <= 3
    shown.answers = {MODE: b"\x1b[?2026;2$y"}
    frames(shown, 2.5, MODE)
    assert frames(shown, 2, MODE) >= 6


def test_a_terminal_that_takes_nothing_holds_up_neither_the_end_nor_the_parent(shown: Watched) -> None:
    shown.child()
    time.sleep(0.5)  # nobody reads: the pty is full
    shown.process.terminate()
    started = time.monotonic()
    assert shown.process.wait(20) == 143
    assert time.monotonic() - started < 8
