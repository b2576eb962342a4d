"""What keys do to the screen alone: which screen, which pane, what of it, in which colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar, Final

from textual.app import SystemCommand
from textual.binding import BindingsMap
from textual.screen import ModalScreen, Screen

from schemas.clock import NS_PER_S, Clock
from schemas.settings import Home, Settings
from sovereign_tui.cockpit import keys, memory, screens, ui
from sovereign_tui.cockpit.canvas import PaneChosen
from sovereign_tui.cockpit.dialogs import CSS as DIALOGS_CSS
from sovereign_tui.cockpit.dialogs import FilterDialog, HelpDialog
from sovereign_tui.cockpit.dress import dressed, name_of
from sovereign_tui.cockpit.frame import Body, Paint
from sovereign_tui.cockpit.layout import panes_of
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.panes.chart import LETTERS
from sovereign_tui.cockpit.screens import SCREENS
from sovereign_tui.cockpit.text import plain
from sovereign_tui.cockpit.theme import THEMES, Palette
from sovereign_tui.cockpit.tty.paced import PacedApp
from sovereign_tui.cockpit.tty.pacer import LinkMode
from sovereign_tui.cockpit.turning import turned
from sovereign_tui.cockpit.ui import Ui

_NOTE_NS: Final = 4 * NS_PER_S
_EVERYTHING: Final = 1_000_000
_CSS_ROLES: Final = ("background", "panel", "scrim", "text", "key", "down", "frame.on")


class Ground(Screen[None], inherit_bindings=False):
    """The one screen under all dialogs; Tab is ours, not Textual's."""


class Navigation(PacedApp):
    """The part of the app that knows what is looked at. `paint` is called after each change."""

    CSS = f"""
    Screen {{ background: $sv-background; overflow: hidden; }}
    {DIALOGS_CSS}
    """
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING: ClassVar = ""

    def __init__(
        self, *, home: Home, settings: Settings, clock: Clock, press: Callable[[], None], no_color: bool
    ) -> None:  # fmt: skip
        saved = memory.recall(home.data)
        theme = saved.get("theme")
        chosen = theme if isinstance(theme, str) and theme in THEMES else settings.cockpit.theme
        self.palette = Palette("mono" if no_color else chosen)
        self._remapped = settings.cockpit.remapped()
        super().__init__(
            press=press, clock=clock, fps=settings.cockpit.fps, link=LinkMode(settings.cockpit.link),
            kill_keys=frozenset(keys.keys_of(keys.DEEDS[0], self._remapped)), native_colours=self.palette.is_native,
        )  # fmt: skip
        for name in THEMES:
            self.register_theme(dressed(Palette(name)))
        self.theme = name_of(self.palette)
        self._home, self._settings, self._clock = home, settings, clock
        self._no_color = no_color
        self.ui: Ui = ui.recalled(saved, list(SCREENS))
        self.bodies: dict[str, Body] = {}
        self._page = 10
        self._note, self._note_until_ns = "", 0
        names = {key: screen.name for key, screen in SCREENS.items()}
        self._bindings = BindingsMap(keys.bindings(self._remapped, names))  # of this instance: the keys are settings

    def get_default_screen(self) -> Screen[None]:
        """Without Textual's own keys."""
        return Ground(id="_default")

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, for the dialogs."""
        ours = {f"sv-{role.partition('.')[0]}": self.palette.css(role) for role in _CSS_ROLES}
        return {**super().get_css_variables(), **ours}

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: all that a key does, the screens, the themes."""
        for number, each in SCREENS.items():
            yield SystemCommand(f"Screen {number}: {each.name}", "show it", partial(self.action_screen, number))
        for deed in keys.DEEDS:
            if deed.group != "Pane" and deed.name != "palette":
                shown = " ".join(keys.display(key) for key in keys.keys_of(deed, self._remapped))
                act = partial(self.call_later, self.run_action, deed.action)
                yield SystemCommand(deed.what.capitalize(), shown, act)
        for letters in LETTERS:
            yield SystemCommand(f"Chart: {letters}", "what it is drawn with", partial(self.draw_charts_with, letters))
        for name in THEMES:
            yield SystemCommand(f"Theme: {name}", "colours", partial(self.use_theme, name))

    def keep_clear(self, rows: int) -> None:
        """Leaves the uppermost rows free of dialogs: state, kill key and banner are seen whatever is asked."""
        if isinstance(self.screen, ModalScreen):
            for box in self.screen.query(".box, CommandPalette > Vertical"):
                if box.styles.margin.top != rows:
                    box.styles.margin = (rows, 0, 1, 0)

    @property
    def hints(self) -> tuple[tuple[str, str], ...]:
        """The footer's keys of this screen, the most useful first."""
        screen = SCREENS[self.ui.screen]
        many = {"next_pane": len(panes_of(screens.layout_of(self.ui))) > 1, "preset": len(screen.presets) > 1}
        found = keys.hints(self._remapped, frozenset(name for name, useful in many.items() if not useful))
        return ("1-9", "screens"), *found

    @property
    def selected(self) -> str:
        """The chosen pane."""
        return screens.selected(self.ui)

    def change(self, new: Ui) -> None:
        """Looks at something else, at once."""
        self.ui = new
        self.paint()

    def say(self, text: str) -> None:
        """A note in the footer, for a while."""
        self._note, self._note_until_ns = text, self._clock.monotonic_ns() + _NOTE_NS

    def use_theme(self, name: str) -> None:
        """Other colours."""
        if self._no_color:
            self.say("NO_COLOR is set: no colours")
            return
        self.palette = Palette(name)
        self.ansi_color = self.palette.is_native
        self.theme = name_of(self.palette)
        self.recolour()
        self.say(f"theme {name}")

    def draw_charts_with(self, letters: str) -> None:
        """Braille or ASCII, also at the next start; the setting says what it is before anything is chosen."""
        self.change(ui.chosen(self.ui, "chart", "letters", letters))

    def recolour(self) -> None:
        """Has all that is shown take the palette."""
        raise NotImplementedError

    def keep_memory(self) -> None:
        """For the next start; what cannot be written is not worth a word then."""
        theme = {} if self._no_color else {"theme": self.palette.name}
        try:
            memory.remember(self._home.data, {**ui.remembered(self.ui), **theme})
        except OSError:
            return

    def action_keys(self) -> None:
        """The help, made from the bindings."""
        numbers = [(key, each.name) for key, each in SCREENS.items()]
        here = [(key, what) for key, what in self._body().hints]
        groups = keys.described(self._remapped)
        pane = {f"Here, in {PANES[self.selected].name}": here} if here else {}
        self.push_screen(HelpDialog({"Safety": groups.pop("Safety"), **pane, **groups, "Screens": numbers}))

    def action_screen(self, key: str) -> None:
        """A screen by its number."""
        self.change(ui.on_screen(self.ui, key))

    def action_next_pane(self, step: int) -> None:
        """The next pane of this screen."""
        self.change(ui.next_pane(self.ui, self.selected, panes_of(screens.layout_of(self.ui)), step))

    def action_zoom(self) -> None:
        """The chosen pane alone, or all of them."""
        self.change(ui.zoomed(self.ui))

    def action_preset(self) -> None:
        """The next layout of this screen."""
        presets = SCREENS[self.ui.screen].presets
        number = (self.ui.preset.get(self.ui.screen, 0) + 1) % len(presets)
        self.change(ui.with_preset(self.ui, number))
        self.say(f"layout {presets[number][0]} ({number + 1} of {len(presets)})")

    def action_theme(self) -> None:
        """The next theme."""
        self.use_theme(THEMES[(THEMES.index(self.palette.name) + 1) % len(THEMES)])

    def action_move(self, way: str) -> None:
        """The cursor of the chosen pane."""
        step = {
            "up": -1, "down": 1, "page_up": -self._page, "page_down": self._page, "first": -_EVERYTHING,
            "last": _EVERYTHING,
        }[way]  # fmt: skip
        body = self._body()
        self.change(ui.moved(self.ui, self.selected, -step if body.backwards else step, body.items))

    def action_filter(self) -> None:
        """A line in which a filter is typed; it works while it is typed."""
        pane = self.selected

        def filter_by(query: str | None) -> None:
            self.change(ui.queried(self.ui, pane, query or ""))

        self.push_screen(FilterDialog(self.ui.pane(pane).query, filter_by), filter_by)

    def action_turn(self, what: str, step: int) -> None:
        """Further in time, or another kind, of what this pane shows."""
        self.change(turned(self.ui, self.selected, self.looking(), what, step))

    def action_change(self) -> None:
        """The other view of this pane."""
        self.change(turned(self.ui, self.selected, self.looking(), "view", 1))

    def looking(self) -> Paint:
        """This moment, as the chosen pane sees it."""
        raise NotImplementedError

    def on_pane_chosen(self, event: PaneChosen) -> None:
        """The mouse chooses a pane; its wheel moves the cursor there."""
        if event.pane not in panes_of(screens.layout_of(self.ui)):
            return
        self.ui = ui.focused(self.ui, event.pane)
        body = self._body()
        self.change(ui.moved(self.ui, event.pane, -event.step if body.backwards else event.step, body.items))

    def action_copy(self) -> None:
        """What the cursor stands on, else the text of the pane, into the terminal's clipboard."""
        body = self._body()
        text = body.copied or "\n".join(plain(cells).rstrip() for cells in body.rows)
        self.copy_to_clipboard(text)
        self.say(f"copied {len(text)} characters")

    def action_picture(self) -> None:
        """An SVG of the screen."""
        folder = self._home.data / "screenshots"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.save_screenshot(f"cockpit-{self._clock.wall_ns() // 1_000_000}.svg", str(folder))
        except OSError as error:
            self.say(f"no screenshot: {error.strerror}")
            return
        self.say(f"saved {path}")

    def _body(self) -> Body:
        return self.bodies.get(self.selected) or Body(rows=(), age_ms=None)
