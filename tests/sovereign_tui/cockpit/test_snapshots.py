"""Whole screens as pictures: what is drawn today is what was accepted.

`make snapshots` accepts what is drawn now. A picture that differs is put into .snapshots/, for a browser to show.
"""

from __future__ import annotations

import asyncio
import difflib
import html
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.settings import Home
from sovereign_tui.cockpit.app import Cockpit
from sovereign_tui.cockpit.view import Counts, Kill, KillPhase, TickRate
from sovereign_tui.replay.sessions import list_sessions
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.desk import run
from tests.sovereign_tui.cockpit.support import FakeSource, cockpit
from tests.sovereign_tui.replay.support import Tape, life
from tests.support.clock import ManualClock

FOLDER: Final = Path(__file__).parent / "snapshots"
DIFFERENT: Final = Path(__file__).resolve().parents[3] / ".snapshots"
_CELL: Final = 12.2
_TEXT: Final = re.compile(r'<text class="[^"]*" x="([0-9.]+)" y="([0-9.]+)" textLength[^>]*>([^<]*)</text>')
_NUMBERED: Final = re.compile(r"terminal-\d+-")
_CLIPS: Final = re.compile(r'<clipPath id="t-line-\d+">.*?</clipPath>\n*| clip-path="url\(#t-line-\d+\)"', re.DOTALL)


class Pressed:
    """A kill switch that was pressed before."""

    def __init__(self, *news: Kill) -> None:
        self._news = list(news)

    def press(self) -> None: ...

    def take_news(self) -> list[Kill]:
        news, self._news = self._news, []
        return news

    def take_note(self) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`messages`: heard besides all others; `before`: done with the app, `wait_ms` before the picture is taken."""

    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 40)
    messages: tuple[object, ...] = ()
    wait_ms: float = 600
    options: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Cockpit], None] = lambda app: None


def _play(app: Cockpit) -> None:
    app.player.open(list_sessions(app._home.blackbox).sessions[0])


_PRESSED_NS: Final = ManualClock().monotonic_ns()
_VERIFIED: Final = Kill(
    number=1, pressed_ns=_PRESSED_NS, phase=KillPhase.ANSWERED, receipt=make.receipt(_PRESSED_NS, 4)
)
CASES: Final = {
    "1-cockpit": Case(),
    "2-book": Case(keys=("2",)),
    "3-signals": Case(keys=("3",)),
    "4-orders": Case(keys=("4", "tab", "tab", "j")),
    "5-telemetry": Case(keys=("5",), messages=(make.measured(0), make.measured(2))),
    "6-system": Case(keys=("6",)),
    "7-chart": Case(keys=("7", "o", "o")),
    "8-settings": Case(keys=("8", "j", "j")),
    "9-replay": Case(keys=("9",)),
    "stale": Case(wait_ms=4_200),
    "halted-verified": Case(messages=(make.halted(),), options={"kill": Pressed(_VERIFIED)}),
    "unconfirmed": Case(options={"kill": Pressed(Kill(number=1, pressed_ns=_PRESSED_NS))}, wait_ms=2_500),
    "80x24": Case(size=(80, 24)),
    "200x60": Case(size=(200, 60)),
    "60x15": Case(size=(60, 15)),
    "no-colour": Case(options={"no_color": True}),
    "alert": Case(messages=(make.alert(),)),
    "replay-playing": Case(keys=("9",), before=_play, wait_ms=6_000),
}


def _heard() -> tuple[object, ...]:
    decisions = (
        make.decision(sequence=number, timestamp_ns=make.WALL_NS - (9 - number) * 1_000 * make.MS, intent_id=intent,
                      why_not="" if intent else "COOLDOWN", price=64_000.0 + number)
        for number, intent in enumerate(("", "", "i7f2", "", "", "i7f3", ""))
    )  # fmt: skip
    bars = (make.candle(number, confirmed=number < 0, frame="15m") for number in range(-40, 1))
    return (
        make.engine(), make.tick(), make.positions(), make.orders(), make.account(), make.system(), make.metrics(),
        make.pulse(), TickRate(per_s=9_800.0), Counts(received=5), make.history(), make.candle(), *bars, make.flow(),
        make.heatmap(), make.structure(), make.audit(), *decisions, make.decision(),
        *(make.log(f"reconciled: {number} orders", number, level) for number, level in enumerate(
            ("info", "info", "warning", "error", "info"))),
    )  # fmt: skip


def picture(home: Home, case: Case) -> str:
    """The SVG of the screen."""
    found: list[str] = []

    async def test() -> None:
        clock = ManualClock()
        source = FakeSource(clock)
        app = cockpit(home, clock, source, **case.options)
        source.put(*_heard(), *case.messages)
        async with app.run_test(size=case.size, notifications=False) as pilot:
            await pilot.press(*case.keys)
            case.before(app)
            app.paint()  # a replay has read its session
            clock.advance(ms=case.wait_ms)
            app.paint()
            await pilot.pause()
            await asyncio.sleep(0)
            found.append(shortened(app.export_screenshot(title="sovereign", simplify=True)))

    run(test)
    return found[0]


def shortened(svg: str) -> str:
    """The same picture in half the bytes: names that do not change with each cell, and no frame around each line."""
    return _CLIPS.sub("", _NUMBERED.sub("t-", svg))


def plain(svg: str) -> list[str]:
    """The lines of the screen in a picture."""
    lines: dict[float, dict[int, str]] = {}
    for x, y, text in _TEXT.findall(svg):
        shown = html.unescape(text).replace("\xa0", " ")
        lines.setdefault(float(y), {})[round(float(x) / _CELL)] = shown
    out = []
    for _, pieces in sorted(lines.items()):
        line = ""
        for column, text in sorted(pieces.items()):
            line = line.ljust(column) + text
        out.append(line.rstrip())
    return out


def _judge(name: str, svg: str) -> None:
    kept = FOLDER / f"{name}.svg"
    if os.environ.get("SNAPSHOTS") == "accept":
        FOLDER.mkdir(exist_ok=True)
        kept.write_text(svg, encoding="utf-8")
        return
    before = kept.read_text(encoding="utf-8") if kept.exists() else ""
    if svg == before:
        return
    DIFFERENT.mkdir(exist_ok=True)
    (DIFFERENT / kept.name).write_text(svg, encoding="utf-8")
    changes = list(difflib.unified_diff(plain(before), plain(svg), "accepted", "drawn now", lineterm="", n=0))
    diff = "\n".join(changes or ["the text is the same: colours differ"])
    pytest.fail(f"{name}: look at {DIFFERENT.name}/{kept.name}; `make snapshots` accepts it\n{diff}", pytrace=False)


@pytest.mark.parametrize("name", CASES)
def test_the_screen_is_as_it_was_accepted(home: Home, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [each for each in os.environ if each.startswith("SOVEREIGN_")]:
        monkeypatch.delenv(variable)
    tape = Tape(home.blackbox)
    life(tape, 12)
    tape.clock.advance(s=90)
    life(tape, 3)
    _judge(name, picture(home, CASES[name]))


def test_each_picture_is_one_of_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(CASES)


def test_a_difference_is_told_in_words_and_the_new_picture_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SNAPSHOTS", raising=False)
    monkeypatch.setattr(f"{__name__}.DIFFERENT", tmp_path)
    svg = (FOLDER / "1-cockpit.svg").read_text(encoding="utf-8")
    with pytest.raises(pytest.fail.Exception) as failed:
        _judge("1-cockpit", svg.replace("64,000.1", "64,000.9"))
    assert "make snapshots" in str(failed.value)
    assert [line for line in str(failed.value).splitlines() if line.startswith("+") and "64,000.9" in line]
    assert (tmp_path / "1-cockpit.svg").exists()
