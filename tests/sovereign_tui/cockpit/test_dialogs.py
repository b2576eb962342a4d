"""What comes up over the screen: what it shows, what is asked of ops, and the kill key under each of them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import Input, Static

from schemas.settings import Home, Settings
from sovereign_tui.cockpit import ui
from sovereign_tui.cockpit.dialogs import FilterDialog, HelpDialog, QuitDialog, TextDialog, TypedDialog
from sovereign_tui.cockpit.editing import EditDialog
from sovereign_tui.cockpit.theme import THEMES
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.desk import Desk, desk, run
from tests.sovereign_tui.cockpit.support import FakeOps

RISK = "risk.max_orders_per_s"


@pytest.fixture(autouse=True)
def _a_home_of_its_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for what a screen starts."""
    monkeypatch.setenv("SOVEREIGN_HOME", str(home.settings_file.parent))


@contextmanager
def answering(home: Home, *answers: dict[str, Any]) -> Iterator[FakeOps]:
    """One answer a command, the last one ever again."""
    left = list(answers)
    fake = FakeOps(home.control_socket, lambda command: [left.pop(0) if len(left) > 1 else left[0]])
    try:
        yield fake
    finally:
        fake.close()


def asked(ops: FakeOps) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in {"issuer", "mono_ns"}} for each in ops.commands]


def words(at: Desk) -> str:
    """All that the dialog says."""
    return "\n".join(str(each.render()) for each in at.app.screen.query(Static))


async def find_setting(at: Desk, key: str) -> None:
    """The cursor on it."""
    at.app.change(ui.queried(ui.on_screen(at.app.ui, "8"), "settings", key))
    assert at.app._body().chosen == key


async def type_value(at: Desk, text: str) -> None:
    at.app.screen.query_one(Input).value = text
    await at.pilot.pause()


OPENED: dict[type[Screen[Any]], tuple[str, ...]] = {
    QuitDialog: ("q",), HelpDialog: ("question_mark",), TypedDialog: ("f",), FilterDialog: ("slash",),
    TextDialog: ("4", "tab", "tab", "enter"), EditDialog: ("8", "enter"), CommandPalette: ("colon",),
}  # fmt: skip


@pytest.mark.parametrize("dialog", OPENED)
def test_the_kill_key_works_under_each_dialog_and_leaves_it_open(
    home: Home, ops: FakeOps, dialog: type[Screen[Any]]
) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press(*OPENED[dialog])
            assert isinstance(at.app.screen, dialog)
            await at.pilot.press("ctrl+k")
            await at.until(lambda: "VERIFIED" in at.text("banner"))
            assert [each["cmd"] for each in ops.commands] == ["halt"]
            assert isinstance(at.app.screen, dialog)

    run(test)


@pytest.mark.parametrize("theme", THEMES)
def test_each_dialog_opens_in_each_theme_and_closes_with_escape(home: Home, ops: FakeOps, theme: str) -> None:
    async def test() -> None:
        settings = Settings.model_validate({"cockpit": {"theme": theme}})
        async with desk(home, settings=settings) as at:
            for dialog, keys in OPENED.items():
                if dialog is TextDialog:  # it looks as the help does, and starts a process each time
                    continue
                await at.pilot.press("1", *keys)
                assert isinstance(at.app.screen, dialog)
                at.app.export_screenshot()
                await at.pilot.press("escape")
                await at.until(lambda: len(at.app.screen_stack) == 1)
            assert ops.commands == []

    run(test)


def test_what_a_closed_dialog_has_drawn_is_forgotten(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("question_mark")
            drawn = weakref.ref(at.app.screen.query_one(".box")._styles_cache)
            await at.pilot.press("escape")
            await at.until(lambda: len(at.app.screen_stack) == 1)
            at.hear(make.tick(9))
            await at.pilot.pause(0.1)
            gc.collect()
            assert drawn() is None

    run(test)


def test_flatten_is_asked_for_with_its_word_alone(home: Home) -> None:
    receipt = {"verified": True, "flat_ns": 5, "position_contracts": 0}
    with answering(home, receipt) as ops:

        async def test() -> None:
            async with desk(home) as at:
                for word in ("", "flatten", "FLATTE"):
                    await at.pilot.press("f", *word, "enter")
                    await at.until(lambda: "FLATTEN was not typed: nothing was done" in at.text("footer"))
                    at.clock.advance(s=5)
                await at.pilot.press("f", *"FLATTEN", "escape")
                assert asked(ops) == []
                await at.pilot.press("f", *"FLATTEN", "enter")
                await at.until(lambda: "flatten: flat, VERIFIED" in at.text("footer"))
                assert asked(ops) == [{"cmd": "flatten", "reason": "flatten key", "progress": True}]

        run(test)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"verified": False, "flat_ns": 5}, "flatten: NOT VERIFIED; look at the venue"),
        ({"verified": True, "flat_ns": None}, "flatten: NOT VERIFIED; look at the venue"),
        (None, "flatten: not confirmed (ops is not running"),
    ],
)
def test_a_flatten_that_is_not_proved_is_not_said_to_be_done(
    home: Home, answer: dict[str, Any] | None, said: str
) -> None:
    fake = None if answer is None else FakeOps(home.control_socket, lambda command: [answer])

    async def test() -> None:
        async with desk(home, (160, 40)) as at:
            await at.pilot.press("f", *"FLATTEN", "enter")
            await at.until(lambda: said in at.text("footer"))

    try:
        run(test)
    finally:
        if fake is not None:
            fake.close()


def test_a_halt_is_lifted_with_the_word_and_the_id_that_was_on_the_screen(home: Home) -> None:
    with answering(home, {"ok": True}) as ops:

        async def test() -> None:
            async with desk(home) as at:
                await at.pilot.press("r")
                await at.until(lambda: "no halt stands" in at.text("footer"))
                at.hear(make.halted("8f3c"))
                await at.pilot.press("r")
                assert "Lift HALT 8f3c" in words(at)
                at.hear(make.halted("9999"))  # another one, while the word is typed: it was not meant
                await at.pilot.press(*"RESUME", "enter")
                await at.until(lambda: "HALT 8f3c is lifted" in at.text("footer"))
                await at.pilot.press("r", *"resume", "enter")
                await at.until(lambda: "RESUME was not typed: the halt stands" in at.text("footer"))
                assert asked(ops) == [{"cmd": "resume", "halt_id": "8f3c"}]

        run(test)


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"ok": True, "text": "2 acknowledged"}, "2 acknowledged"), ({"ok": False, "text": "no"}, "not done: no")],
)
def test_what_ops_makes_of_an_acknowledgement_is_said(home: Home, answer: dict[str, Any], said: str) -> None:
    with answering(home, answer) as ops:

        async def test() -> None:
            async with desk(home) as at:
                await at.pilot.press("a")
                await at.until(lambda: "no alert stands" in at.text("footer"))
                assert asked(ops) == []
                at.hear(make.alert())
                await at.pilot.press("a")
                await at.until(lambda: said in at.text("footer"))

        run(test)


def test_a_filter_works_while_it_is_typed_is_kept_by_enter_and_cleared_by_escape(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            at.hear(make.log("the brain woke"), make.log("a fill of 3", 1))
            await at.pilot.press("6", "tab", "slash", *"fill")
            assert "a fill of 3" in at.text("log")
            assert "the brain woke" not in at.text("log")
            await at.pilot.press("enter")
            assert "/fill" in at.text("log")
            await at.pilot.press("slash", *" !of")
            assert "a fill of 3" not in at.text("log")
            await at.pilot.press("escape")
            assert "the brain woke" in at.text("log")
            assert "/" not in at.text("log").splitlines()[0]

    run(test)


def test_the_page_of_an_order_says_what_the_record_has_and_is_left_with_escape(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("4", "tab", "tab", "j", "enter")
            page = at.app.screen
            assert isinstance(page, TextDialog)
            assert page.query_one(".box").border_title == "explain i3"
            await at.app.workers.wait_for_complete()
            assert "reading the record" not in words(at)
            assert "i3" in words(at)
            await at.pilot.press("j", "k", "y")
            assert "i3" in at.app.clipboard
            await at.pilot.press("escape")
            assert len(at.app.screen_stack) == 1

    run(test)


def test_the_palette_does_what_keys_do(home: Home) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await at.pilot.press("colon", *"theme: light")
            await at.until(lambda: bool(at.app.screen.query("CommandList")))
            await at.pilot.pause(0.4)
            await at.pilot.press("enter")
            await at.until(lambda: at.app.palette.name == "light")
            assert {each.title for each in at.app.get_system_commands(at.app.screen)} > {
                "Screen 9: Replay", "Zoom", "Halt: stop trading, at once", "Theme: mono"
            }  # fmt: skip

    run(test)


def test_a_value_that_may_not_be_is_said_while_it_is_typed_and_is_not_taken(home: Home, ops: FakeOps) -> None:
    async def test() -> None:
        async with desk(home) as at:
            await find_setting(at, RISK)
            await at.pilot.press("enter")
            assert at.app.screen.query_one(".box").border_title == RISK
            await type_value(at, "many")
            assert "✗" in words(at)
            await at.pilot.press("enter")
            assert isinstance(at.app.screen, EditDialog)
            await at.pilot.press("escape")
            await at.until(lambda: "nothing was changed" in at.text("footer"))
            assert ops.commands == []
            assert not home.settings_file.exists() or RISK not in home.settings_file.read_text()

    run(test)


def test_a_change_is_shown_told_to_ops_and_then_kept(home: Home) -> None:
    answer = {"ok": True, "text": f"{RISK} is 3", "processes": {"engine": "taken"}}
    with answering(home, answer) as ops:

        async def test() -> None:
            async with desk(home) as at:
                await find_setting(at, RISK)
                await at.pilot.press("enter")
                old = next(each.value for each in at.app.settings if each.key == RISK)
                await type_value(at, "3")
                assert f"- {RISK} = {old}\n+ {RISK} = 3" in words(at)
                await at.pilot.press("enter")
                await at.until(lambda: f"{RISK} is 3 (engine: taken)" in at.text("footer"))
                assert asked(ops) == [{"cmd": "config", "key": RISK, "value": "3", "confirmed": False}]
                assert "max_orders_per_s = 3" in home.settings_file.read_text()
                at.hear()
                assert "set " in at.text("settings")

        run(test)


@pytest.mark.parametrize("word", ["no", RISK])
def test_what_loosens_a_limit_is_typed_before_it_is_done(home: Home, word: str) -> None:
    def script(command: dict[str, Any]) -> list[dict[str, Any]]:
        if command["confirmed"]:
            return [{"ok": True, "text": "taken"}]
        return [{"ok": False, "loosening": True, "text": "that loosens a limit"}]

    ops = FakeOps(home.control_socket, script)

    async def test() -> None:
        async with desk(home) as at:
            await find_setting(at, RISK)
            await at.pilot.press("enter")
            await type_value(at, "50")
            await at.pilot.press("enter")
            await at.until(lambda: isinstance(at.app.screen, TypedDialog))
            assert "that loosens a limit." in words(at)
            assert not home.settings_file.exists()
            await at.pilot.press(*word, "enter")
            said = "taken" if word == RISK else "was not typed: nothing was changed"
            await at.until(lambda: said in at.text("footer"))
            assert [each["confirmed"] for each in ops.commands] == ([False, True] if word == RISK else [False])
            assert home.settings_file.exists() is (word == RISK)

    try:
        run(test)
    finally:
        ops.close()


@pytest.mark.parametrize(("typed", "sent"), [("no", 0), (RISK, 1)])
def test_on_a_live_venue_every_change_is_typed(home: Home, typed: str, sent: int) -> None:
    with answering(home, {"ok": True, "text": "taken"}) as ops:

        async def test() -> None:
            settings = Settings.model_construct(**Settings().__dict__)
            live = settings.venue.model_copy(update={"name": "live"})
            async with desk(home, settings=settings.model_copy(update={"venue": live})) as at:
                await find_setting(at, RISK)
                await at.pilot.press("enter")
                await type_value(at, "3")
                await at.pilot.press("enter")
                assert "trades on the venue live" in words(at)
                assert asked(ops) == []
                await at.pilot.press(*typed, "enter")
                await at.until(lambda: ("taken" if sent else "nothing was changed") in at.text("footer"))
                change = {"cmd": "config", "key": RISK, "value": "3", "confirmed": True}
                assert asked(ops) == [change] * sent

        run(test)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(None, "not changed: ops is not running"), ({"ok": False, "text": "engine: no"}, "not changed: engine: no")],
)
def test_what_the_system_did_not_take_is_not_kept(home: Home, answer: dict[str, Any] | None, said: str) -> None:
    fake = None if answer is None else FakeOps(home.control_socket, lambda command: [answer])

    async def test() -> None:
        async with desk(home, (160, 40)) as at:
            await find_setting(at, RISK)
            await at.pilot.press("enter")
            await type_value(at, "3")
            await at.pilot.press("enter")
            await at.until(lambda: said in at.text("footer"))
            assert not home.settings_file.exists()

    try:
        run(test)
    finally:
        if fake is not None:
            fake.close()


def test_what_the_environment_sets_cannot_be_changed_here(home: Home, ops: FakeOps, monkeypatch: Any) -> None:
    monkeypatch.setenv("SOVEREIGN_RISK__MAX_ORDERS_PER_S", "4")

    async def test() -> None:
        async with desk(home, (200, 50)) as at:
            await find_setting(at, RISK)
            assert "env" in at.text("settings")
            await at.pilot.press("enter")
            at.app.paint()
            assert "SOVEREIGN_RISK__MAX_ORDERS_PER_S in the environment overrides" in at.text("footer")
            assert len(at.app.screen_stack) == 1

    run(test)
