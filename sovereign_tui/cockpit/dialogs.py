"""What comes up over the screen: questions, the help, a filter, a text. The kill key works under each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from sovereign_tui.cockpit.field import Field
from sovereign_tui.cockpit.ui import LONGEST_QUERY

_LONGEST_WORD: Final = 100
CSS: Final = """
ModalScreen { align: center middle; background: $sv-scrim 0%; }
ModalScreen .box {
    margin: 2 0 1 0;
    width: auto; max-width: 96%; height: auto; max-height: 100%; padding: 1 2; background: $sv-panel; color: $sv-text;
    border: round $sv-frame; border-title-color: $sv-key; border-subtitle-color: $sv-key;
}
ModalScreen .box Static { width: auto; max-width: 100%; height: auto; background: $sv-panel; color: $sv-text; }
ModalScreen Input {
    background: $sv-background; color: $sv-text; border: tall $sv-frame; width: 40; max-width: 100%;
}
FilterDialog { align: left bottom; }
FilterDialog Input { width: 100%; height: 1; border: none; padding: 0 1; background: $sv-panel; }
HelpDialog .box, TextDialog .box { scrollbar-size-vertical: 1; }
CommandPalette { background: $sv-scrim 0%; }
CommandPalette > Vertical { margin: 2 0 1 0; width: 80; max-width: 100%; background: $sv-panel; }
CommandPalette #--input { border: none; padding: 0 1; }
CommandPalette SearchIcon { display: none; }
ToastRack { margin-bottom: 2; }
TextDialog .box { width: 96%; height: 100%; padding: 0 1; }
"""


class Leave(StrEnum):
    """What the operator chose when asked."""

    DETACH = "detach"
    STOP = "stop"
    STAY = "stay"


class QuitDialog(ModalScreen[Leave]):
    """Detach, stop, or stay. Leaving stops nothing unless it is said."""

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
            else "[b $sv-down]s[/]    stop everything: engine, brain and ops end;\n     what rests at the venue stays"
        )
        detach = "[b $sv-key]d[/]    detach: leave the screen, trading goes on"
        body = Vertical(Static(f"{detach}\n{stop}\n[b $sv-key]Esc[/]  stay here"), classes="box")
        body.border_title = "Leave the cockpit?"
        yield body

    def action_leave(self, choice: str) -> None:
        """Ends the dialog with the choice."""
        if choice == Leave.STOP and self._readonly:
            return
        self.dismiss(Leave(choice))


class HelpDialog(ModalScreen[None]):
    """The keys, as they are bound."""

    BINDINGS: ClassVar = [Binding("escape,question_mark,q,enter", "close", "close")]

    def __init__(self, groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        """One line a binding, in groups; it scrolls where it does not fit."""
        lines: list[Content | str] = []
        for group, keys in self._groups.items():
            lines.append(Content.from_markup("[b]$group[/b]", group=group))
            for key, what in keys:
                lines.append(Content.from_markup("[b $sv-key]$key[/] $what", key=f"{key:<16}", what=what))
        lines += [
            Content(""),
            Content("▲ +  ▼ -   up and down say the same in sign, glyph and colour"),
            Content("STALE      too old to be taken for the present;  ?  not known, which is not zero"),
            Content(""),
            Content.from_markup("[b]Mouse[/b]"),
            Content("a click chooses a pane, the wheel moves in it; Shift and drag selects text for the terminal's"),
            Content("own copy (Option and drag on a Mac); cockpit.mouse = false leaves the mouse to the terminal"),
        ]
        body = VerticalScroll(Static(Content("\n").join(lines)), classes="box")
        body.border_title = "Keys"
        yield body

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)


class TypedDialog(ModalScreen[bool]):
    """A question that is answered by typing a word: for what adds risk, or cannot be undone."""

    BINDINGS: ClassVar = [Binding("escape", "refuse", "no")]

    def __init__(self, title: str, text: str, word: str) -> None:
        super().__init__()
        self._title, self._text, self._word = title, text, word

    def compose(self) -> ComposeResult:
        """What will be done, and the field."""
        what = Static(Content(f"{self._text}\n\nType {self._word} and press enter; Esc leaves all as it is."))
        body = Vertical(what, Field(placeholder=self._word, max_length=_LONGEST_WORD), classes="box")
        body.border_title = self._title
        yield body

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The word, or not."""
        self.dismiss(event.value.strip() == self._word)

    def action_refuse(self) -> None:
        """Nothing is done."""
        self.dismiss(False)


class FilterDialog(ModalScreen[str | None]):
    """One line at the bottom; what is typed filters at once. None: it was left."""

    BINDINGS: ClassVar = [Binding("escape", "clear", "clear")]

    def __init__(self, query: str, on_change: Callable[[str], None]) -> None:
        super().__init__()
        self._query, self._on_change = query, on_change

    def compose(self) -> ComposeResult:
        """The line."""
        asked = "filter: all of these words, !not this one; enter keeps, Esc clears"
        yield Field(self._query, placeholder=asked, max_length=LONGEST_QUERY)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Shows what is left."""
        self._on_change(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keeps the filter."""
        self.dismiss(event.value)

    def action_clear(self) -> None:
        """No filter."""
        self.dismiss("")


class TextDialog(ModalScreen[None]):
    """A page to read, with scrolling."""

    BINDINGS: ClassVar = [
        Binding("escape,q,enter", "close", "close"),
        Binding("j,down", "scroll('down')", "down"),
        Binding("k,up", "scroll('up')", "up"),
        Binding("y", "copy", "copy"),
    ]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The page."""
        body = VerticalScroll(Static(self._text), classes="box")
        body.border_title = Content(self._title)
        body.border_subtitle = "y copy   Esc close"
        yield body

    def show(self, text: Text) -> None:
        """Another text on the same page."""
        self._text = text
        self.query_one(Static).update(text)

    def action_scroll(self, way: str) -> None:
        """A line further."""
        page = self.query_one(VerticalScroll)
        (page.scroll_down if way == "down" else page.scroll_up)(animate=False)

    def action_copy(self) -> None:
        """The whole text, into the clipboard of the terminal."""
        self.app.copy_to_clipboard(self._text.plain)

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)
