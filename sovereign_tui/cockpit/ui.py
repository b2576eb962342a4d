"""What the operator has chosen to look at: screen, pane, filters, cursors. Frozen; every change is a function. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

FIRST_SCREEN: Final = "1"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
LONGEST_QUERY: Final = 100
_LONGEST_NUMBER: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneState:
    """Of one pane. `cursor` counts the pane's items from the first; `query`: what they are filtered by, "" for none.

    `choices`: what else can be chosen there, by name (the time frame of a chart, a grouping); "" and absent: as it is.
    """

    cursor: int = 0
    query: str = ""
    choices: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def choice(self, name: str, default: str = "") -> str:
        """What was chosen."""
        return self.choices.get(name) or default

    def one_of(self, name: str, options: Sequence[str]) -> str:
        """What was chosen of the options, the first where none was: a remembered choice may be anything."""
        chosen = self.choices.get(name, "")
        return chosen if chosen in options else options[0]

    def count(self, name: str) -> int:
        """A chosen number from 0 on; 0 where it is none."""
        chosen = self.choices.get(name, "")
        return int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) <= _LONGEST_NUMBER else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ui:
    """Of the whole screen. `focus`: the chosen pane of each screen; `preset`: the number of its layout."""

    screen: str = FIRST_SCREEN
    zoomed: bool = False
    focus: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    preset: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    panes: Mapping[str, PaneState] = field(default_factory=lambda: _NOTHING)

    def pane(self, name: str) -> PaneState:
        """The state of a pane."""
        return self.panes.get(name) or PaneState()


def on_screen(ui: Ui, screen: str) -> Ui:
    """Another screen, whole."""
    return replace(ui, screen=screen, zoomed=False)


def focused(ui: Ui, pane: str) -> Ui:
    """Another pane of this screen."""
    return replace(ui, focus=MappingProxyType({**ui.focus, ui.screen: pane}))


def next_pane(ui: Ui, current: str, panes: Sequence[str], step: int) -> Ui:
    """The next of `panes` after `current`, around the corner."""
    if not panes:
        return ui
    place = panes.index(current) if current in panes else 0
    return focused(ui, panes[(place + step) % len(panes)])


def zoomed(ui: Ui) -> Ui:
    """The chosen pane alone; or all of them again."""
    return replace(ui, zoomed=not ui.zoomed)


def with_preset(ui: Ui, number: int) -> Ui:
    """Another layout of this screen."""
    return replace(ui, preset=MappingProxyType({**ui.preset, ui.screen: number}), zoomed=False)


def with_pane(ui: Ui, name: str, state: PaneState) -> Ui:
    """Another state of one pane."""
    return replace(ui, panes=MappingProxyType({**ui.panes, name: state}))


def moved(ui: Ui, pane: str, step: int, items: int) -> Ui:
    """The cursor of a pane with `items` items, `step` further; it stops at both ends."""
    state = ui.pane(pane)
    at = max(0, min(items - 1, state.cursor + step))
    return ui if at == state.cursor else with_pane(ui, pane, replace(state, cursor=at))


def queried(ui: Ui, pane: str, query: str) -> Ui:
    """Another filter of a pane; the cursor goes to its first item."""
    return with_pane(ui, pane, replace(ui.pane(pane), query=query[:LONGEST_QUERY], cursor=0))


def chosen(ui: Ui, pane: str, name: str, value: str) -> Ui:
    """Another choice of a pane."""
    state = ui.pane(pane)
    return with_pane(ui, pane, replace(state, choices=MappingProxyType({**state.choices, name: value})))


def remembered(ui: Ui) -> dict[str, Any]:
    """What the next start of a cockpit shall know, as plain values: neither filters nor cursors."""
    choices = {name: dict(state.choices) for name, state in ui.panes.items() if state.choices}
    return {"screen": ui.screen, "focus": dict(ui.focus), "preset": dict(ui.preset), "choices": choices}


def recalled(saved: object, screens: Sequence[str]) -> Ui:
    """The Ui of what was remembered; what is not of it, or of no screen that there is, is left out."""
    if not isinstance(saved, dict):
        return Ui()
    screen = saved.get("screen")
    focus, preset, choices = (_texts(saved.get(name)) for name in ("focus", "preset", "choices"))
    panes = {
        name: PaneState(choices=MappingProxyType({k: v for k, v in _texts(value).items() if isinstance(v, str)}))
        for name, value in choices.items()
    }
    return Ui(
        screen=screen if isinstance(screen, str) and screen in screens else FIRST_SCREEN,
        focus=MappingProxyType({name: pane for name, pane in focus.items() if isinstance(pane, str)}),
        preset=MappingProxyType({name: n for name, n in preset.items() if isinstance(n, int)}),
        panes=MappingProxyType(panes),
    )


def _texts(value: object) -> dict[str, Any]:
    return {name: each for name, each in value.items() if isinstance(name, str)} if isinstance(value, dict) else {}
