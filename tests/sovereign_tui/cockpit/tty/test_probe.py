from __future__ import annotations

import os
import pty
import select
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sovereign_tui.cockpit.tty.probe import Line, colours, probe

ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;1$y", b"\x1b[5n": b"\x1b[0n", b"\x1b[c": b"\x1b[?64;52c"}


@contextmanager
def answering(known: dict[bytes, bytes]) -> Iterator[int]:
    """A terminal that answers these questions, in the order in which they come."""
    ours, theirs = pty.openpty()
    done = threading.Event()

    def serve() -> None:
        seen = b""
        while not done.is_set():
            if not select.select([ours], [], [], 0.02)[0]:
                continue
            seen += os.read(ours, 65_536)
            while places := sorted((seen.find(each), each) for each in ANSWERS if each in seen):
                at, question = places[0]
                seen = seen[at + len(question) :]
                os.write(ours, known.get(question, b""))
            seen = seen[-16:]

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield theirs
    finally:
        done.set()
        thread.join(5)
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("known", "right"),
    [
        (ANSWERS, lambda line: line.synchronises and line.clipboard is True),
        ({b"\x1b[5n": b"\x1b[0n"}, lambda line: not line.synchronises and line.clipboard is None),
        (ANSWERS | {b"\x1b[?2026$p": b"\x1b[?2026;0$y", b"\x1b[c": b"\x1b[?6c"},
         lambda line: not line.synchronises and line.clipboard is False),
    ],
)  # fmt: skip
def test_a_terminal_that_answers_is_measured_and_left_as_it_was(
    known: dict[bytes, bytes], right: Callable[[Line], bool]
) -> None:
    with answering(known) as terminal:
        before = termios.tcgetattr(terminal)
        line = probe(terminal, terminal)
        assert termios.tcgetattr(terminal) == before
    assert line.p50_ms is not None
    assert line.max_ms is not None
    assert 0 < line.p50_ms <= line.max_ms < 1_000
    assert line.bytes_per_s is not None
    assert line.bytes_per_s > 50_000
    assert line.unanswered == 0
    assert right(line)


def test_a_terminal_that_answers_nothing_is_said_to() -> None:
    with answering({}) as terminal:
        assert probe(terminal, terminal) == Line(synchronises=False, clipboard=None)


def test_what_is_no_terminal_is_an_error() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError):
            probe(reading, writing)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "dumb"}, "none (TERM=dumb)"),
        ({}, "none (TERM=unset)"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none (NO_COLOR)"),
    ],
)
def test_the_colours_that_the_environment_promises(environment: dict[str, str], words: str) -> None:
    assert colours(environment) == words
