"""What comes up over the screen: the question before leaving, and the help. The kill key works under both."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Static


class Leave(StrEnum):
    """What the operator chose when asked."""

    DETACH = "detach"
    STOP = "stop"
    STAY = "stay"


_CSS = """
NAME { align: center middle; }
NAME > Static {
    width: auto; max-width: 90%; height: auto; padding: 1 3; background: #121a24; color: #c6d0da;
    border: round #4c8fd6; border-title-color: #6fb1f5;
}
"""


class QuitDialog(ModalScreen[Leave]):
    """Detach, stop, or stay. Leaving stops nothing unless it is said."""

    DEFAULT_CSS = _CSS.replace("NAME", "QuitDialog")
    BINDINGS: ClassVar = [
        Binding("d", "leave('detach')", "detach"),
        Binding("s", "leave('stop')", "stop everything"),
        Binding("escape,q,n", "leave('stay')", "stay"),
    ]

    def __init__(self, *, readonly: bool) -> None:
        super().__init__()
        self._readonly = readonly

    def compose(self) -> ComposeResult:
        """The question."""
        stop = (
            "[dim]s    stop everything: not from a READ-ONLY screen[/dim]"
            if self._readonly
            else "[b #f2666c]s[/]    stop everything: engine, brain and ops end;\n     what rests at the venue stays"
        )
        body = Static(
            f"[b #6fb1f5]d[/]    detach: leave the screen, trading goes on\n{stop}\n[b #6fb1f5]Esc[/]  stay here"
        )
        body.border_title = "Leave the cockpit?"
        yield body

    def action_leave(self, choice: str) -> None:
        """Ends the dialog with the choice."""
        if choice == Leave.STOP and self._readonly:
            return
        self.dismiss(Leave(choice))


class HelpDialog(ModalScreen[None]):
    """The keys, as they are bound."""

    DEFAULT_CSS = _CSS.replace("NAME", "HelpDialog")
    BINDINGS: ClassVar = [Binding("escape,question_mark,q,enter", "close", "close")]

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = tuple(keys)

    def compose(self) -> ComposeResult:
        """One line a binding."""
        lines = [f"[b #6fb1f5]{key:<12}[/] {what}" for key, what in self._keys]
        lines += ["", "[dim]▲ +  ▼ -   up and down say the same in sign, glyph and colour[/]"]
        lines += ["[dim]STALE      too old to be taken for the present;  ?  not known, which is not zero[/]"]
        body = Static("\n".join(lines))
        body.border_title = "Keys"
        yield body

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)
