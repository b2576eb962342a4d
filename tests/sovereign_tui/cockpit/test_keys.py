"""Every key does what it says: a deed without a line in the table below is a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual.command import CommandPalette

from schemas.settings import Home, Settings
from schemas.settings.cockpit import KEYS
from sovereign_tui.cockpit.dialogs import FilterDialog, HelpDialog, QuitDialog, TypedDialog
from sovereign_tui.cockpit.editing import EditDialog
from sovereign_tui.cockpit.keys import DEEDS
from sovereign_tui.cockpit.screens import SCREENS
from sovereign_tui.replay.sessions import list_sessions
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.desk import Desk, desk, run
from tests.sovereign_tui.cockpit.support import FakeOps
from tests.sovereign_tui.replay.support import Tape, life


@dataclass(frozen=True)
class Done:
    """`keys`: pressed first; `met`: what is so after the key, and not before."""

    met: Callable[[Desk, FakeOps], bool]
    keys: tuple[str, ...] = ()
    heard: tuple[object, ...] = ()
    replays: bool = False


def on(dialog: type, title: str = "") -> Callable[[Desk, FakeOps], bool]:
    def met(at: Desk, ops: FakeOps) -> bool:
        here = at.app.screen
        return isinstance(here, dialog) and (not title or here.query_one(".box").border_title == title)

    return met


def cursor(where: int) -> Callable[[Desk, FakeOps], bool]:
    return lambda at, ops: at.app.ui.pane("settings").cursor == where


def chart(name: str, value: str) -> Callable[[Desk, FakeOps], bool]:
    return lambda at, ops: at.app.ui.pane("chart").choice(name) == value


def played(at: Desk) -> float:
    """Seconds from the beginning of what is replayed."""
    source = at.app.player.source
    assert source is not None
    return (source.clock.monotonic_ns() - source.clock.first_ns) / 1e9


def speed(wanted: float) -> Callable[[Desk, FakeOps], bool]:
    def met(at: Desk, ops: FakeOps) -> bool:
        assert at.app.player.source is not None
        return at.app.player.source.clock.speed == wanted

    return met


CANDLES = (*(make.candle(number, confirmed=True) for number in range(-30, 1)), make.candle(0, frame="15m"))
LAST_SETTING = sum(len(type(getattr(Settings(), each)).model_fields) for each in Settings.model_fields) - 1
DONE = {
    "halt": Done(lambda at, ops: "VERIFIED" in at.text("banner")),
    "flatten": Done(on(TypedDialog, "Flatten?")),
    "resume": Done(on(TypedDialog, "Resume?"), heard=(make.halted(),)),
    "acknowledge": Done(
        lambda at, ops: ops.commands == [{"cmd": "acknowledge", "kind": "", "since_ns": 0, "issuer": "op@pts/2"}],
        heard=(make.alert(),),
    ),
    "readonly": Done(lambda at, ops: "READ-ONLY" in at.text("header")),
    "help": Done(on(HelpDialog)),
    "palette": Done(on(CommandPalette)),
    "next_pane": Done(lambda at, ops: at.app.selected == "chart"),
    "previous_pane": Done(lambda at, ops: at.app.selected == "log"),
    "zoom": Done(lambda at, ops: "book" in at.shown() and "log" not in at.shown()),
    "preset": Done(lambda at, ops: "layout watch (2 of 3)" in at.text("footer") and "processes" in at.shown()),
    "freeze": Done(lambda at, ops: "FROZEN" in at.text("header")),
    "theme": Done(lambda at, ops: at.app.palette.name == "light"),
    "picture": Done(lambda at, ops: "saved" in at.text("footer")),
    "leave": Done(on(QuitDialog)),
    "filter": Done(on(FilterDialog)),
    "up": Done(cursor(1), keys=("8", "j", "j")),
    "down": Done(cursor(1), keys=("8",)),
    "page_up": Done(cursor(0), keys=("8", "j", "j", "j")),
    "page_down": Done(lambda at, ops: 20 < at.app.ui.pane("settings").cursor < 40, keys=("8",)),
    "first": Done(cursor(0), keys=("8", "j", "j")),
    "last": Done(cursor(LAST_SETTING), keys=("8",)),
    "left": Done(chart("back", "8"), keys=("7",), heard=CANDLES),
    "right": Done(chart("back", "8"), keys=("7", "h", "h"), heard=CANDLES),
    "before": Done(chart("frame", "15m"), keys=("7",), heard=CANDLES),
    "after": Done(chart("frame", "15m"), keys=("7",), heard=CANDLES),
    "slower": Done(speed(0.5), replays=True),
    "faster": Done(speed(2.0), replays=True),
    "minute_back": Done(lambda at, ops: played(at) == 0, keys=("G",), replays=True),
    "minute_on": Done(lambda at, ops: played(at) > 50, replays=True),
    "back": Done(lambda at, ops: "this is the present" in at.text("footer"), replays=True),
    "change": Done(chart("below", "cvd"), keys=("7",), heard=CANDLES),
    "open": Done(on(EditDialog), keys=("8",)),
    "copy": Done(lambda at, ops: at.app.clipboard == "venue.name = \"sim\"", keys=("8",)),
}  # fmt: skip
KEYS_OF_DEEDS = [(deed.name, key.strip()) for deed in DEEDS for key in KEYS[deed.name].split(",")]


def test_every_deed_has_a_line_in_the_table_and_a_key() -> None:
    assert set(DONE) == {deed.name for deed in DEEDS} == set(KEYS)


@pytest.fixture(autouse=True)
def _no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for section in ("VENUE__NAME", "COCKPIT__THEME", "COCKPIT__KEYS"):
        monkeypatch.delenv(f"SOVEREIGN_{section}", raising=False)


@pytest.mark.parametrize(("name", "key"), KEYS_OF_DEEDS)
def test_a_key_does_what_it_says(home: Home, ops: FakeOps, name: str, key: str) -> None:
    wanted = DONE[name]

    async def test() -> None:
        async with desk(home) as at:
            if wanted.replays:
                life(Tape(home.blackbox), 55)
                await at.pilot.press("9")
                at.app.player.open(list_sessions(home.blackbox).sessions[-1])
                await at.until(lambda: at.app.player.plays)
            at.hear(*wanted.heard)
            await at.pilot.press(*wanted.keys)
            assert not wanted.met(at, ops)
            await at.pilot.press(key)
            await at.until(lambda: wanted.met(at, ops))

    run(test)


@pytest.mark.parametrize("key", SCREENS)
def test_a_number_shows_its_screen_from_everywhere(home: Home, key: str) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("5", "z", key)
            assert (at.app.ui.screen, at.app.ui.zoomed) == (key, False)

    run(test)


def _settings(*keys: str) -> Settings:
    return Settings.model_validate({"cockpit": {"keys": keys}})


def test_keys_can_be_others_and_the_screen_says_which(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home, settings=_settings("zoom=f5, Z", "leave=x")) as at:
            assert "f5 zoom" in at.text("footer")
            assert "x quit" in at.text("footer")
            for key in ("z", "q"):
                await at.pilot.press(key)
            assert at.app.ui.zoomed is False
            assert len(at.app.screen_stack) == 1
            for zoomed in (True, False):
                await at.pilot.press("f5" if zoomed else "Z")
                assert at.app.ui.zoomed is zoomed
            await at.pilot.press("question_mark")
            text = str(at.app.screen.query_one("Static").render())
            assert "f5 Z" in text
            await at.pilot.press("escape", "x")
            assert isinstance(at.app.screen, QuitDialog)

    run(test)


@pytest.mark.parametrize("key", ["f12", "H", "ctrl+k"])
def test_another_key_halts_too_and_ctrl_k_always_does(home: Home, ops: FakeOps, key: str) -> None:
    async def test() -> None:
        async with desk(home, settings=_settings("halt=f12,H")) as at:
            await at.pilot.press(key)
            await at.until(lambda: "VERIFIED" in at.text("banner"))
            assert [each["cmd"] for each in ops.commands] == ["halt"]

    run(test)


@pytest.mark.parametrize("keys", [("f",), ("r",), ("a",), ("8", "enter")], ids=["flatten", "resume", "alert", "edit"])
@pytest.mark.parametrize("later", [False, True], ids=["from the start", "by its key"])
def test_a_readonly_screen_asks_for_nothing_but_the_halt(
    home: Home, ops: FakeOps, keys: tuple[str, ...], later: bool
) -> None:
    async def test() -> None:
        async with desk(home, readonly=not later) as at:
            at.hear(make.halted(), make.alert())
            if later:
                await at.pilot.press("R")
            await at.pilot.press(*keys)
            at.app.paint()
            assert "this screen is READ-ONLY" in at.text("footer")
            assert len(at.app.screen_stack) == 1
            assert ops.commands == []
            await at.pilot.press("ctrl+k")
            await at.until(lambda: [each["cmd"] for each in ops.commands] == ["halt"])

    run(test)
