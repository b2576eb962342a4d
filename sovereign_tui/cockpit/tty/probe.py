"""What the line to the terminal carries, asked without a screen. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

from sovereign_tui.cockpit.tty.answers import Answers, Question

ROUND_TRIPS: Final = 20
_FIRST_S: Final = 1.0
_ANSWER_S: Final = 2.0
_LOAD_S: Final = 10.0
_TASTE: Final = 4_096
_LOAD: Final = 65_536
_INVISIBLE: Final = "\x1b7\x1b[0m\x1b8"
"""Keeps the cursor and the colours; a terminal has to read it all the same."""
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?([\d;]*)c")
_CLIPBOARD: Final = b"52"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line to a terminal. `p50_ms` None: it answers nothing. `clipboard` None: it does not say."""

    synchronises: bool
    clipboard: bool | None
    p50_ms: float | None = None
    max_ms: float | None = None
    bytes_per_s: float | None = None
    unanswered: int = 0


def colours(environment: Mapping[str, str]) -> str:
    """What the environment promises, in the order in which it is looked at."""
    if environment.get("NO_COLOR"):
        return "none (NO_COLOR)"
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "truecolor"
    term = environment.get("TERM", "")
    if term in {"", "dumb", "unknown"}:
        return f"none (TERM={term or 'unset'})"
    return "256" if "256color" in term else "16"


def probe(stdin: int, screen: int) -> Line:
    """Measures it; takes a second or so. Raises: OSError, if it is no terminal, or is gone."""
    with _raw(stdin):
        return _Probe(stdin, screen).measure()


@contextlib.contextmanager
def _raw(stdin: int) -> Iterator[None]:
    try:
        before = termios.tcgetattr(stdin)
        tty.setcbreak(stdin, termios.TCSANOW)
    except termios.error as error:
        raise OSError(*error.args) from None
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(stdin, termios.TCSAFLUSH, before)


class _Probe:
    def __init__(self, stdin: int, screen: int) -> None:
        self._stdin = stdin
        self._screen = screen
        self._answers = Answers()
        self._typed = b""
        self._synchronises = False
        self._question: Question | None = None

    def measure(self) -> Line:
        self._first()
        found = _ATTRIBUTES.search(self._typed)
        clipboard = None if found is None else _CLIPBOARD in found[1].split(b";")
        if self._question is None:
            return Line(synchronises=False, clipboard=clipboard)
        trips = [self._ask("", _ANSWER_S) for _ in range(ROUND_TRIPS)]
        known = [ms for ms in trips if ms is not None]
        if not known:
            return Line(synchronises=self._synchronises, clipboard=clipboard, unanswered=len(trips))
        return Line(
            synchronises=self._synchronises, clipboard=clipboard, p50_ms=median(known), max_ms=max(known),
            unanswered=len(trips) - len(known), bytes_per_s=self._width(median(known)),
        )  # fmt: skip

    def _first(self) -> None:
        """Which question it answers; its attributes come with it."""
        self._write(f"{Question.MODE}\x1b[c{Question.STATUS}".encode(), _FIRST_S)
        deadline = time.monotonic() + _FIRST_S
        while (left := deadline - time.monotonic()) > 0 and self._question is not Question.STATUS:
            before = self._question
            for to in self._heard(left):
                self._question = before or to
            if before is Question.MODE:
                return  # the attributes have come in between

    def _width(self, p50_ms: float) -> float | None:
        """Bytes/s: a little first, and if that is no trouble more of it."""
        width = None
        for size in (_TASTE, _LOAD):
            ms = self._ask(_INVISIBLE * (size // len(_INVISIBLE)), _LOAD_S)
            if ms is None:
                return width
            width = size * 1_000 / max(ms - p50_ms, 0.1)
            if ms > p50_ms + 500:
                return width
        return width

    def _ask(self, load: str, within_s: float) -> float | None:
        """How long until the answer, ms; None where none comes."""
        assert self._question is not None
        began, deadline = time.monotonic_ns(), time.monotonic() + within_s
        if not self._write((load + self._question).encode(), within_s):
            return None
        while (left := deadline - time.monotonic()) > 0:
            if self._question in self._heard(left):
                return (time.monotonic_ns() - began) / 1e6
        return None

    def _heard(self, within_s: float) -> list[Question]:
        if not select.select([self._stdin], [], [], within_s)[0]:
            return []
        data = os.read(self._stdin, 4_096)
        if not data:
            raise OSError("the terminal is gone")
        self._typed += data
        _, found = self._answers.feed(data.decode("utf-8", "replace"))
        self._synchronises = self._synchronises or any(answer.synchronises for answer in found)
        return [answer.to for answer in found]

    def _write(self, data: bytes, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while data and (left := deadline - time.monotonic()) > 0:
            if select.select([], [self._screen], [], left)[1]:
                data = data[os.write(self._screen, data[:512]) :]
        return not data
