"""One setting, changed: typed, checked while it is typed, shown as a difference, then told to the system."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from sovereign_tui.cockpit.field import Field
from sovereign_tui.cockpit.settings_desk import Change, SettingRow, SettingsError

_LONGEST: Final = 1_000
"""Characters of a value; what it would make of the settings is found out at each key."""


class EditDialog(ModalScreen[Change | None]):
    """Dismissed with a change that file and schema allow; None: nothing is changed."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "leave it")]

    def __init__(self, row: SettingRow, propose: Callable[[str, str], Change], note: str) -> None:
        super().__init__()
        self._row, self._propose, self._note = row, propose, note
        self._change: Change | None = None

    def compose(self) -> ComposeResult:
        """What it is, the field, and what would change."""
        text = f"{self._row.text}\n\nThe default is {self._row.default}. {self._note}\n"
        about = Static(Content(text), id="about")
        field = Field(self._row.value, select_on_focus=False, max_length=max(_LONGEST, len(self._row.value)))
        body = Vertical(about, field, Static("", id="outcome"), classes="box")
        body.border_title = self._row.key
        body.border_subtitle = "enter change   Esc leave it"
        yield body

    def on_input_changed(self, event: Input.Changed) -> None:
        """Says at once what is wrong, or what would be different."""
        outcome = self.query_one("#outcome", Static)
        self._change = None
        if event.value.strip() == self._row.value:
            outcome.update(Content("as it is"))
            return
        try:
            self._change = self._propose(self._row.key, event.value.strip())
        except (SettingsError, OSError) as error:
            said = error.problems[0] if isinstance(error, SettingsError) else str(error)
            outcome.update(Content.from_markup("[$sv-down]$said[/]", said=f"✗ {said}"))
            return
        outcome.update(
            Content.from_markup(
                "[$sv-down]- $old[/]\n[$sv-key]+ $new[/]", old=f"{self._row.key} = {self._row.value}",
                new=f"{self._row.key} = {self._change.value}",
            )
        )  # fmt: skip

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes it, if it may be."""
        if self._change is not None or event.value.strip() == self._row.value:
            self.dismiss(self._change)

    def action_leave(self) -> None:
        """Nothing is changed."""
        self.dismiss(None)
