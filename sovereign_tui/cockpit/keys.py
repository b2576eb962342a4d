"""The keys: which does what, under which name it can be given to another key, and how help and footer say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from schemas.settings.cockpit import KEYS


@dataclass(frozen=True, slots=True)
class Deed:
    """What a key does. `name`: of the settings; `group`: of the help; `shown`: in the footer of every screen."""

    name: str
    action: str
    what: str
    group: str
    shown: bool = False
    priority: bool = False


DEEDS: Final = (
    Deed("halt", "kill", "HALT: stop trading, at once", "Safety", priority=True),
    Deed("flatten", "flatten", "flatten: halt, and close the position (typed)", "Safety"),
    Deed("resume", "resume", "resume: lift the standing halt (typed)", "Safety"),
    Deed("acknowledge", "acknowledge", "acknowledge the alerts", "Safety"),
    Deed("readonly", "readonly", "read-only from now on: only the halt is left", "Safety"),
    Deed("help", "keys", "help", "Screen", shown=True),
    Deed("palette", "command_palette", "command", "Screen", shown=True),
    Deed("next_pane", "next_pane(1)", "next pane", "Screen", shown=True),
    Deed("previous_pane", "next_pane(-1)", "pane before", "Screen"),
    Deed("zoom", "zoom", "zoom", "Screen", shown=True),
    Deed("preset", "preset", "layout", "Screen", shown=True),
    Deed("freeze", "freeze", "freeze", "Screen", shown=True),
    Deed("theme", "theme", "next theme", "Screen"),
    Deed("picture", "picture", "screenshot", "Screen"),
    Deed("leave", "leave", "quit", "Screen", shown=True),
    Deed("filter", "filter", "filter", "Pane"),
    Deed("up", "move('up')", "up", "Pane"),
    Deed("down", "move('down')", "down", "Pane"),
    Deed("page_up", "move('page_up')", "a page up", "Pane"),
    Deed("page_down", "move('page_down')", "a page down", "Pane"),
    Deed("first", "move('first')", "the first", "Pane"),
    Deed("last", "move('last')", "the last; in a log: follow", "Pane"),
    Deed("left", "turn('side', -1)", "left: back in time", "Pane"),
    Deed("right", "turn('side', 1)", "right: on in time", "Pane"),
    Deed("before", "turn('kind', -1)", "the time frame, or speed, before", "Pane"),
    Deed("after", "turn('kind', 1)", "the next time frame, or speed", "Pane"),
    Deed("slower", "faster(-1)", "slower: of a replay", "Pane"),
    Deed("faster", "faster(1)", "faster: of a replay", "Pane"),
    Deed("minute_back", "leap(-1)", "a minute back: of a replay", "Pane"),
    Deed("minute_on", "leap(1)", "a minute on: of a replay", "Pane"),
    Deed("back", "present", "back: from a replay to the present", "Pane"),
    Deed("change", "change", "other view of this pane", "Pane"),
    Deed("open", "open", "open, explain", "Pane"),
    Deed("copy", "copy", "copy", "Pane"),
)
_PRIORITY_KEYS: Final = {"ctrl+q", "ctrl+c"}
_DISPLAY: Final = {
    "minus": "-", "plus": "+", "shift+left": "⇧←", "shift+right": "⇧→",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "question_mark": "?", "colon": ":", "slash": "/", "space": "space", "pageup": "PgUp", "pagedown": "PgDn",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "enter": "enter", "escape": "esc", "shift+tab": "shift-tab",
}  # fmt: skip


def display(key: str) -> str:
    """A key as a person would write it."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    return _DISPLAY.get(key, key)


def keys_of(deed: Deed, remapped: dict[str, str]) -> tuple[str, ...]:
    """The keys that do it; Ctrl+K is always one of those that halt."""
    keys = [key.strip() for key in remapped.get(deed.name, KEYS[deed.name]).split(",")]
    if deed.name == "halt" and KEYS["halt"] not in keys:
        keys.insert(0, KEYS["halt"])
    return tuple(keys)


def bindings(remapped: dict[str, str], screens: dict[str, str]) -> list[Binding]:
    """All bindings; `screens`: number -> name."""
    found = [
        Binding(key, deed.action, deed.what, show=False, priority=deed.priority or key in _PRIORITY_KEYS)
        for deed in DEEDS
        for key in keys_of(deed, remapped)
    ]
    return [*found, *(Binding(key, f"screen('{key}')", name, show=False) for key, name in screens.items())]


def hints(remapped: dict[str, str], without: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
    """For the footer: key and what it does; `without`: names of deeds that do nothing now."""
    shown = (deed for deed in DEEDS if deed.shown and deed.name not in without)
    return tuple((display(keys_of(deed, remapped)[0]), deed.what) for deed in shown)


def described(remapped: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """For the help: group -> keys and what they do."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for deed in DEEDS:
        keys = " ".join(display(key) for key in keys_of(deed, remapped))
        groups.setdefault(deed.group, []).append((keys, deed.what))
    return groups
