from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from textual.color import Color
from textual.widgets import Input

from schemas import haltfile
from schemas.settings import Home, Settings
from schemas.settings.cockpit import KEYS
from sovereign_tui.cockpit.app import Cockpit
from sovereign_tui.cockpit.canvas import Canvas
from sovereign_tui.cockpit.dialogs import HelpDialog, QuitDialog, TextDialog
from sovereign_tui.cockpit.keys import DEEDS, display
from sovereign_tui.cockpit.kill import NoKillSwitch
from sovereign_tui.cockpit.layout import panes_of
from sovereign_tui.cockpit.screens import SCREENS
from sovereign_tui.cockpit.theme import THEMES
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.desk import Desk, desk, run
from tests.sovereign_tui.cockpit.support import FakeOps, FakeSource, cockpit
from tests.support.clock import ManualClock

HALT = {
    "cmd": "halt", "issuer": "op@pts/2", "reason": "kill key", "progress": True,
    "mono_ns": ManualClock().monotonic_ns(),
}  # fmt: skip


async def _focus_an_input(at: Desk) -> None:
    field = Input()
    await at.app.screen.mount(field)
    field.focus()
    await at.pilot.pause()
    assert at.app.focused is field


async def _open_quit(at: Desk) -> None:
    await at.pilot.press("q")
    assert isinstance(at.app.screen, QuitDialog)


async def _open_help(at: Desk) -> None:
    await at.pilot.press("question_mark")
    assert isinstance(at.app.screen, HelpDialog)


async def _nothing(at: Desk) -> None:
    pass


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("before", [_nothing, _focus_an_input, _open_quit, _open_help])
def test_the_kill_key_fires_wherever_the_focus_is(
    home: Home, ops: FakeOps, before: Callable[[Desk], Awaitable[None]], readonly: bool
) -> None:
    async def test() -> None:
        ops.gate.clear()
        async with desk(home, readonly=readonly) as at:
            await before(at)
            await at.pilot.press("ctrl+k")
            await at.until(lambda: "latched 1 ms" in at.text("banner"))
            told = haltfile.read(home.runtime)  # the engine was told first
            assert told is not None
            assert ops.commands == [HALT | {"id": told.id}]
            assert "VERIFIED" not in at.text("banner")
            assert "▶ ACTIVE" in at.text("header")  # HALTED is the engine's word, not ours
            ops.gate.set()
            await at.until(lambda: "VERIFIED" in at.text("banner"))
            assert "venue says 0 open 41 ms" in at.text("banner")

    run(test)


def test_a_silent_ops_leaves_the_halt_unconfirmed_and_rings_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = FakeOps(home.control_socket, lambda command: [{"progress": msgspec.to_builtins(make.receipt(0))}, {}])
    silent.gate.clear()
    rung: list[bool] = []
    monkeypatch.setattr(Cockpit, "bell", lambda app: rung.append(True))

    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("ctrl+k")
            await at.until(lambda: at.app.view.kill is not None and at.app.view.kill.receipt is not None)
            assert "waiting" in at.text("banner")
            at.clock.advance(ms=500)
            at.app.paint()
            at.app.paint()
            assert "UNCONFIRMED 500 ms" in at.text("banner")
            assert rung == [True]
            at.clock.advance(ms=1_500)
            at.app.paint()
            assert "from another terminal: sovereign halt" in at.text("banner")
            assert "HALTED" not in at.text("header")

    run(test)
    silent.close()


def test_without_ops_the_kill_key_says_so_at_once(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("ctrl+k")
            await at.until(lambda: "ops is not running" in at.text("banner"))
            assert "UNCONFIRMED" in at.text("banner")
            assert "sovereign halt" in at.text("banner")

    run(test)


def test_detach_leaves_everything_running(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("q", "d")
            assert at.app.return_code == 0
        assert ops.commands == []

    run(test)


def test_stop_asks_ops_to_end_everything_and_leaves(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("ctrl+q", "s")
            async with asyncio.timeout(10):
                await at.app.workers.wait_for_complete()
            assert at.app.return_code == 0
        assert ops.commands == [{"cmd": "down", "issuer": "op@pts/2", "progress": True}]

    run(test)


def test_a_stop_that_fails_is_said_and_the_screen_stays(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("q", "s")
            await at.until(lambda: "not stopped: ops is not running" in at.text("footer"))
            assert at.app.is_running

    run(test)


def test_escape_stays(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("q", "escape")
            assert not isinstance(at.app.screen, QuitDialog)
            assert at.app.is_running

    run(test)


def test_a_readonly_screen_says_so_and_stops_nothing(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home, readonly=True) as at:
            assert "READ-ONLY" in at.text("header")
            await at.pilot.press("q", "s")
            assert isinstance(at.app.screen, QuitDialog)
            await at.pilot.press("d")
        assert ops.commands == []

    run(test)


def test_a_number_chooses_the_screen_and_tab_the_pane_of_a_small_terminal(home: Home) -> None:
    async def test() -> None:
        async with desk(home, (80, 24)) as at:
            assert at.shown() == ["header", "book", "footer"]
            for key, screen in SCREENS.items():
                await at.pilot.press(key)
                for pane in (*panes_of(screen.preset(0)[1]), panes_of(screen.preset(0)[1])[0]):
                    assert at.shown() == ["header", pane, "footer"]
                    await at.pilot.press("tab")
                await at.pilot.press("shift+tab")

    run(test)


def test_the_big_screen_shows_all_panes_zooms_one_and_has_layouts(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            first = at.shown()
            assert set(first) > {"header", "book", "chart", "signals", "positions", "telemetry", "log", "footer"}
            await at.pilot.press("tab", "z")
            assert at.shown() == ["header", "chart", "tape", "footer"]
            await at.pilot.press("z", "p")
            assert "processes" in at.shown()
            await at.pilot.press("p", "p")
            assert at.shown() == first

    run(test)


def test_a_pane_that_is_shown_alone_says_which_of_how_many_it_is(home: Home) -> None:
    async def test() -> None:
        async with desk(home, (80, 24)) as at:
            assert at.text("book").startswith("╭ Book 1/6 tab ")
            await at.pilot.press("tab")
            assert at.text("chart").startswith("╭ Chart 2/6 tab ")
            await at.pilot.press("7")
            assert at.text("chart").startswith("╭ Chart ─")
        async with desk(home) as at:
            await at.pilot.press("1", "shift+tab")
            assert at.text("book").startswith("╭ Book ─")
            await at.pilot.press("z")
            assert at.text("book").startswith("╭ Book 1/6 tab ")

    run(test)


def test_header_and_footer_name_the_screen_and_the_way_to_the_others(home: Home) -> None:
    async def test() -> None:
        for size in ((80, 24), (120, 40)):
            async with desk(home, size) as at:
                for key, screen in SCREENS.items():
                    await at.pilot.press(key)
                    assert f"{key} {screen.name}" in at.text("header") or size[0] < 100
                    assert "1-9 screens" in at.text("footer") or key == "7"  # its own keys fill 80 columns
                    assert "^K HALT" in at.text("footer")
                    presets = len(screen.presets)
                    assert size[0] < 100 or ("p layout" in at.text("footer")) == (presets > 1)

    run(test)


def test_freeze_holds_the_panes_while_data_and_header_go_on(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("space")
            at.source.put(make.tick(8, last=65_000.0))
            at.app.paint()
            assert "FROZEN" in at.text("header")
            assert "65,000.0" in at.text("header")
            assert "65,000.0" not in at.text("book")
            await at.pilot.press("space")
            assert "FROZEN" not in at.text("header")
            assert "65,000.0" in at.text("book")

    run(test)


def test_the_help_names_every_binding(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("question_mark")
            text = str(at.app.screen.query_one("Static").render())
            assert all(deed.what in text and display(KEYS[deed.name].split(",")[0]) in text for deed in DEEDS)
            await at.pilot.press("escape")
            assert not isinstance(at.app.screen, HelpDialog)

    run(test)


def test_a_screenshot_goes_into_the_data_directory(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("s")
        found = list((home.data / "screenshots").glob("*.svg"))
        assert len(found) == 1
        assert "HALT" in found[0].read_text()

    run(test)


def test_a_frame_that_comes_while_it_is_leaving_paints_nothing(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            app = at.app
        polls = at.source.polls
        assert app.screen_stack == []
        app.frame()  # of a timer that was under way
        app.paint()
        assert at.source.polls == polls

    run(test)


def test_only_rows_that_changed_are_painted_anew(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            canvas = at.app.screen.query_one("#positions", Canvas)
            at.clock.advance(ms=200)
            at.source.put(make.positions(), make.orders())
            at.app.paint()
            await at.pilot.pause()
            refreshed: list[Any] = []
            canvas.refresh = lambda *regions, **_: refreshed.extend(regions)  # type: ignore[method-assign,assignment]
            at.app.paint()
            assert refreshed == []
            at.clock.advance(ms=200)
            at.source.put(make.positions(mark_price=None), make.orders())
            at.app.paint()
            assert [region.y for region in refreshed] == [1]

    run(test)


def test_a_screen_without_a_halt_says_so_at_the_kill_key_and_asks_nobody(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        clock, source = ManualClock(), FakeSource(ManualClock())
        app = Cockpit(
            home=home, settings=Settings(), clock=clock, kill=NoKillSwitch(), connect=lambda: source, readonly=True,
            who="op@pts/2",
        )  # fmt: skip
        async with app.run_test(size=(120, 40)) as pilot:
            assert "NO HALT HERE" in app.screen.query_one("#header", Canvas).text
            await pilot.press("ctrl+k")
            assert "no halt from this screen (--no-halt)" in app.screen.query_one("#footer", Canvas).text
            assert app.view.kill is None
        assert ops.commands == []
        assert haltfile.read(home.runtime) is None

    run(test)


def test_every_theme_can_be_chosen_and_dresses_the_dialogs_too(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            seen = []
            for _ in THEMES:
                await at.pilot.press("t", "question_mark")
                seen.append(at.app.palette.name)
                assert at.app.theme == f"sv-{at.app.palette.name}"
                box = at.app.screen.query_one(".box")
                assert box.styles.background == Color.parse(at.app.palette.css("panel"))
                await at.pilot.press("escape")
            assert sorted(seen) == sorted(THEMES)

    run(test)


def test_a_screen_without_colours_starts_and_stays_without(home: Home) -> None:
    async def test() -> None:
        clock = ManualClock()
        app = cockpit(home, clock, FakeSource(clock), no_color=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("t", "question_mark")
            assert isinstance(app.screen, HelpDialog)
            assert app.palette.name == "mono"

    run(test)


def test_a_dialog_leaves_header_and_banner_free(home: Home) -> None:
    async def test() -> None:
        async with desk(home, (80, 24)) as at:
            await at.pilot.press("question_mark")
            assert at.app.screen.query_one(".box").region.y == 2
            at.source.put(make.engine(halt_id="8f3"))
            at.app.paint()
            await at.pilot.pause()
            assert at.app.screen.query_one(".box").region.y == 3
            await at.pilot.press("escape", "colon")
            await at.until(lambda: at.app.screen.query_one("CommandPalette > Vertical").styles.margin.top == 3)

    run(test)


def test_a_story_that_nobody_waits_for_any_more_is_not_read_to_its_end(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, pid = tmp_path / "reader", tmp_path / "pid"
    reader.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")
    reader.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(reader))

    async def scenario() -> None:
        async with desk(home) as here:
            here.app.explain("[/x]\x1b[2J\x00")
            await here.until(lambda: pid.exists() and pid.read_text().endswith("\n"))
            assert isinstance(here.app.screen, TextDialog)
            child = psutil.Process(int(pid.read_text()))
            await here.pilot.press("escape")
            await here.until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

    asyncio.run(scenario())


def test_a_story_that_cannot_be_read_here_says_so_on_its_page(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    async def scenario() -> None:
        async with desk(home) as here:
            here.app.explain("k2-order")
            await here.until(lambda: isinstance(here.app.screen, TextDialog) and "No such file" in _page(here))
            assert "`sovereign explain k2-order` elsewhere" in _page(here)

    asyncio.run(scenario())


def _page(here: Desk) -> str:
    dialog = here.app.screen
    assert isinstance(dialog, TextDialog)
    return dialog._text.plain
