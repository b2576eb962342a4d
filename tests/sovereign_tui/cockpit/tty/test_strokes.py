"""What was written past the compositor is what a repaint of everything shows; without colours there is none."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sovereign_tui.cockpit.tty.test_guard import Watched

pytestmark = [pytest.mark.e2e]
MODE, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
ESC = "\x1b"
THEMES = 6
_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
_PRICE = re.compile(r"\b6[34],\d\d\d\.\d\b")


class Late(Watched):
    """A terminal that answers after `late_s`."""

    late_s = 0.0

    def __init__(self, home: Path, **variables: str) -> None:
        self._asked: list[float] = []
        super().__init__(home, "lively", **variables)
        self.answers = {}

    def saw(self, data: bytes) -> None:
        super().saw(data)
        self._asked += [time.monotonic()] * data.count(MODE)

    def pump(self, seconds: float = 0.03) -> None:
        super().pump(min(seconds, 0.03))
        while self._asked and time.monotonic() - self._asked[0] >= self.late_s:
            self._asked.pop(0)
            os.write(self.master, ANSWER)

    def meanwhile(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump()

    def press(self, *keys: str, every_s: float = 0.25) -> None:
        for key in keys:
            self.type(key)
            self.meanwhile(every_s)

    def settled(self, seconds: float = 0.8) -> list[list[tuple[str, ...]]]:
        """The cells, as soon as they have stayed the same for so long."""
        cells, since, deadline = self.cells(), time.monotonic(), time.monotonic() + 40
        while time.monotonic() - since < seconds:
            self.pump()
            assert time.monotonic() < deadline, self.text()
            if (now := self.cells()) != cells:
                cells, since = now, time.monotonic()
        return cells


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sv-"))
    yield folder
    shutil.rmtree(folder)


def differences(one: list[list[tuple[str, ...]]], other: list[list[tuple[str, ...]]]) -> list[str]:
    return [
        f"row {y}, column {x}: {before} is {after} after a repaint"
        for y, (left, right) in enumerate(zip(one, other, strict=True))
        for x, (before, after) in enumerate(zip(left, right, strict=True))
        if before != after
    ]


def tour(shown: Late) -> None:
    """Screens, dialogs, layouts and windows, while everything changes; for a while behind a slow line."""
    shown.press("?", ESC, "2", "3", "4", "5", "6", "7", "1", ":", "zo", ESC)
    shown.press("z", "\t", "z", "p", "p", "p", "/", "a", ESC, "q", ESC)
    for columns, rows in ((90, 24), (60, 15), (140, 45), (120, 40)):
        shown.resize(columns, rows)
        shown.meanwhile(0.4)
    shown.late_s = 0.3
    shown.press("2", "?", ESC, "1", "q", ESC, "\t", every_s=0.2)
    shown.resize(110, 40)
    shown.meanwhile(0.5)
    shown.resize(120, 40)
    shown.late_s = 0.0
    shown.meanwhile(1.0)


@pytest.mark.parametrize(("screen", "colours"), [("1", "truecolor"), ("6", "")])
def test_what_is_drawn_bit_by_bit_is_what_a_repaint_shows(home: Path, screen: str, colours: str) -> None:
    shown = Late(home, COLORTERM=colours)
    try:
        shown.child()
        tour(shown)
        shown.press(screen)
        shown.meanwhile(2.0)
        (home / "data" / "still").touch()
        bit_by_bit = shown.settled()
        assert int((home / "data" / "strokes").read_text()) > 1_000
        for _ in range(THEMES):
            shown.press("t")
            shown.settled(0.4)
        assert differences(bit_by_bit, shown.settled()) == []
    finally:
        shown.close()


def colours(written: bytes) -> set[bytes]:
    """The sequences that set a colour, or set it back."""
    return {
        found[0] for found in _SGR.finditer(written)
        if any(30 <= int(each or 0) <= 49 or 90 <= int(each or 0) <= 107 for each in re.split(rb"[;:]", found[1]))
    }  # fmt: skip


def test_no_color_means_not_one_colour(home: Path) -> None:
    shown = Late(home, NO_COLOR="1", COLORTERM="truecolor")
    try:
        shown.child()
        shown.press("?", ESC, ":", "zo", ESC, "q", ESC, "/", "a", ESC, "t", "2", "6", "8", "1", every_s=0.2)
        shown.until("an alert", lambda text: "BRAIN DEATH" in text)
        shown.until("a price", lambda text: bool(_PRICE.search(text)))
        assert colours(shown.written) == set()
    finally:
        shown.close()


@pytest.mark.parametrize("term", ["tmux-256color", "xterm", "linux"])
def test_a_terminal_of_any_name_shows_prices_that_move_in_the_colours_it_has(home: Path, term: str) -> None:
    shown = Late(home, TERM=term, COLORTERM="")
    try:
        first = shown.until("a price", lambda text: bool(_PRICE.search(text)))
        before = _PRICE.findall(first)
        shown.until("prices move", lambda text: _PRICE.findall(text) not in ([], before))
        assert "NO HALT HERE" in shown.text()
        assert b"38;2;" not in shown.written
        assert b"48;2;" not in shown.written
    finally:
        shown.close()
