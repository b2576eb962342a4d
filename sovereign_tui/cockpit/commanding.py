"""What keys ask of the system: leave or stop it, flatten, resume, acknowledge; and what an order's story is.

All of it but the kill key goes through ops, and says what came of it. What adds risk, or cannot be undone, is typed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from rich.text import Text

from schemas.clock import Clock
from schemas.settings import Home, Settings
from schemas.settings.venues import LIVE
from sovereign_tui.cockpit.child import output_of
from sovereign_tui.cockpit.dialogs import Leave, QuitDialog, TextDialog, TypedDialog
from sovereign_tui.cockpit.editing import EditDialog
from sovereign_tui.cockpit.navigation import Navigation
from sovereign_tui.cockpit.settings_desk import Busy, Change, SettingRow, SettingsDesk, SettingsError
from sovereign_tui.cockpit.text import clean
from sovereign_tui.cockpit.view import View
from sovereign_tui.ops.client import OpsError, request, stream

_DOWN_SILENCE_S: Final = 60.0
_ANSWER_S: Final = 15.0
_NOTE_S: Final = 2.0
_FLATTEN_SILENCE_S: Final = 15.0
_EXPLAIN_S: Final = 120.0
_PAGE_COLUMNS: Final = 110
_LONGEST_ID: Final = 100
FLATTEN: Final = "FLATTEN"
RESUME: Final = "RESUME"


class Commanding(Navigation):
    """The part of the app that speaks with ops."""

    view: View

    def __init__(
        self, *, home: Home, settings: Settings, clock: Clock, readonly: bool, who: str, press: Callable[[], None],
        no_color: bool
    ) -> None:  # fmt: skip
        super().__init__(home=home, settings=settings, clock=clock, press=press, no_color=no_color)
        self._readonly = readonly
        self._who = who
        self._stopping = False
        self.desk = SettingsDesk(home.settings_file)
        self.settings: tuple[SettingRow, ...] = ()

    def note(self, action: str, detail: str = "") -> None:
        """For the audit tape: what a screen does itself. An ops that cannot be asked need not know."""

        async def tell() -> None:
            with contextlib.suppress(OpsError):
                await self.ask({"cmd": "audit", "action": action, "detail": detail}, _NOTE_S)

        self.run_worker(tell(), exit_on_error=False)

    def action_leave(self) -> None:
        """Asks before leaving; pressed again, it stays at the question."""
        if not isinstance(self.screen, QuitDialog):
            self.push_screen(QuitDialog(readonly=self._readonly), self._left)

    def action_readonly(self) -> None:
        """From now on this screen commands nothing but the halt; there is no way back but another screen."""
        self._readonly = True
        self.paint()

    def action_flatten(self) -> None:
        """A halt that closes the position: typed."""
        if self._refused():
            return
        text = "HALT, cancel what rests, and close the position at the market. Only a resume lifts the halt."
        self.push_screen(TypedDialog("Flatten?", text, FLATTEN), self._flatten)

    def action_resume(self) -> None:
        """Lifts the standing halt: typed."""
        if self._refused():
            return
        halt_id = self.view.halt_id
        if halt_id is None:
            self.say("no halt stands")
            return
        text = f"Lift HALT {halt_id}: the brain may trade again once it has proved itself."
        self.push_screen(TypedDialog("Resume?", text, RESUME), lambda typed: self._resume(halt_id, bool(typed)))

    def action_acknowledge(self) -> None:
        """The alerts that stand have been seen."""
        waiting = self.view.standing
        if not waiting:
            self.say("no alert stands")
        elif not self._refused():
            self._ask({"cmd": "acknowledge", "kind": "", "since_ns": 0}, "acknowledged")

    def command(self, text: str) -> None:
        """Has ops do what takes no argument: rearm, or start what was given up."""
        if not self._refused():
            self._ask({"cmd": text}, text)

    def explain(self, what: str) -> None:
        """The story of an order or a halt, from the record, on a page of its own."""
        what = clean(what)[:_LONGEST_ID]
        page = TextDialog(f"explain {what}", Text("reading the record…"))
        reading = self.run_worker(self._explain(what, page), exit_on_error=False)
        self.push_screen(page, lambda _: reading.cancel())  # nobody waits for it any more

    def edit(self, key: str) -> None:
        """Changes one setting: what it would be is checked, then the running system is told, then the file."""
        row = next((each for each in self.settings if each.key == key), None)
        if row is None or self._refused():
            return
        if row.variable:
            self.say(f"{row.variable} in the environment overrides {key}: change it there, or unset it")
            return
        note = "A running system takes a limit of [risk] at once, the rest at its next start."
        self.push_screen(EditDialog(row, self.desk.propose, note), self._edited)

    def _edited(self, change: Change | None) -> None:
        if change is None:
            self.say("nothing was changed")
        elif self._settings.venue.name == LIVE:
            self._confirm_change(change, "This system trades on the venue live.")
        else:
            self.run_worker(self._tell(change, confirmed=False), exit_on_error=False)

    def _confirm_change(self, change: Change, why: str) -> None:
        def typed(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._tell(change, confirmed=True), exit_on_error=False)
            else:
                self.say(f"{change.key} was not typed: nothing was changed")

        text = f"{change.key} = {change.value}\n{why}"
        self.push_screen(TypedDialog("Change it?", text, change.key), typed)

    async def _tell(self, change: Change, *, confirmed: bool) -> None:
        command = {"cmd": "config", "key": change.key, "value": change.value, "confirmed": confirmed}
        try:
            answer = await self.ask(command)
        except OpsError as error:
            self.say(f"not changed: {error}")
            return
        if not answer.get("ok"):
            if answer.get("loosening") and not confirmed:
                self._confirm_change(change, f"{answer.get('text', '')}.")
            else:
                self.say(f"not changed: {answer.get('text', '')}")
            return
        try:
            self.desk.keep(change.key, change.value)
        except (SettingsError, Busy, OSError) as error:
            self.say(f"the running system has it, the file has not: {error}")
            return
        self.settings = self.desk.rows()
        by = ", ".join(f"{name}: {text}" for name, text in (answer.get("processes") or {}).items())
        self.say(f"{answer.get('text', change.key)}{f' ({by})' if by else ''}")

    async def ask(self, command: dict[str, Any], wait_s: float = _ANSWER_S) -> dict[str, Any]:
        """One answer of ops. Raises: OpsError."""
        return await request(self._home, {**command, "issuer": self._who}, wait_s)

    def _refused(self) -> bool:
        if self._readonly:
            self.say("this screen is READ-ONLY: it halts, and commands nothing else")
        return self._readonly

    def _ask(self, command: dict[str, Any], done: str) -> None:
        async def ask() -> None:
            try:
                answer = await self.ask(command)
            except OpsError as error:
                self.say(f"not done: {error}")
                return
            text = str(answer.get("text") or done)
            self.say(text if answer.get("ok") else f"not done: {text}")

        self.run_worker(ask(), exit_on_error=False)

    def _resume(self, halt_id: str, typed: bool) -> None:
        if typed:
            self._ask({"cmd": "resume", "halt_id": halt_id}, f"HALT {halt_id} is lifted")
        else:
            self.say(f"{RESUME} was not typed: the halt stands")

    def _flatten(self, typed: bool | None) -> None:
        if typed:
            self.run_worker(self._flattened(), exit_on_error=False)
        else:
            self.say(f"{FLATTEN} was not typed: nothing was done")

    async def _flattened(self) -> None:
        command = {
            "cmd": "flatten", "issuer": self._who, "reason": "flatten key", "progress": True,
            "mono_ns": self._clock.monotonic_ns(),
        }  # fmt: skip
        self.say("flatten: asked")
        answer: dict[str, Any] = {}
        try:
            async for answer in stream(self._home, command, _FLATTEN_SILENCE_S):
                held = answer.get("progress", answer).get("position_contracts")
                self.say(f"flatten: the venue says {'?' if held is None else held} contracts are held")
        except OpsError as error:
            self.say(f"flatten: not confirmed ({error}); `sovereign panic --flatten` goes past ops and engine")
            return
        done = answer.get("verified") and answer.get("flat_ns") is not None
        self.say("flatten: flat, VERIFIED" if done else "flatten: NOT VERIFIED; look at the venue")

    def _left(self, choice: Leave | None) -> None:
        if choice is Leave.DETACH:
            self.exit(return_code=0)
        elif choice is Leave.STOP and not self._stopping:
            self._stopping = True
            self.run_worker(self._stop(), exit_on_error=True)

    async def _stop(self) -> None:
        """Has ops stop everything, and leaves when it is done."""
        command = {"cmd": "down", "issuer": self._who, "progress": True}
        self.say("stopping everything")
        try:
            async for answer in stream(self._home, command, _DOWN_SILENCE_S):
                step = answer.get("progress")
                if isinstance(step, dict):
                    self.say(f"stopping {step.get('stopping', '')}")
        except OpsError as error:
            self._stopping = False
            self.say(f"not stopped: {error}")
            return
        self.exit(return_code=0)

    async def _explain(self, what: str, page: TextDialog) -> None:
        """In a process of its own: reading the record takes seconds of computing, which a kill key must not share."""
        environment = {**os.environ, "COLUMNS": str(max(80, min(self.size.width - 8, _PAGE_COLUMNS)))}
        command = (sys.executable, "-m", "sovereign_tui", "explain", "--", what)
        try:
            text = await output_of(command, environment, _EXPLAIN_S)
        except TimeoutError:
            text = f"the record was not read within {_EXPLAIN_S:g} s"
        except OSError as error:
            text = f"the record cannot be read here ({error.strerror}): `sovereign explain {what}` elsewhere"
        if page.is_attached:
            page.show(Text.from_ansi(text))
