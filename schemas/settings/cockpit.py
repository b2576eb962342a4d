"""The screen's settings: frames, theme, keys."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, Literal

from pydantic import Field, model_validator

from schemas.settings.risk import Section

KEYS: Final[dict[str, str]] = {
    "halt": "ctrl+k",
    "leave": "q,ctrl+q,ctrl+c",
    "help": "question_mark",
    "palette": "colon,ctrl+p",
    "next_pane": "tab",
    "previous_pane": "shift+tab",
    "zoom": "z",
    "preset": "p",
    "freeze": "space",
    "filter": "slash",
    "up": "up,k",
    "down": "down,j",
    "page_up": "pageup",
    "page_down": "pagedown",
    "first": "home,g",
    "last": "end,G",
    "open": "enter,e",
    "left": "left,h",
    "right": "right,l",
    "before": "left_square_bracket",
    "after": "right_square_bracket",
    "slower": "minus",
    "faster": "plus",
    "minute_back": "shift+left",
    "minute_on": "shift+right",
    "back": "escape",
    "change": "o",
    "copy": "y",
    "picture": "s",
    "theme": "t",
    "acknowledge": "a",
    "flatten": "f",
    "resume": "r",
    "readonly": "R",
}
"""What a key can do -> the keys that do it, names as Textual has them. The numbers choose the screens."""

Theme = Literal["dark", "light", "colour-blind", "contrast", "ansi", "mono"]


class Cockpit(Section):
    """The screen."""

    fps: int = Field(10, ge=1, le=30, description="Frames painted a second")
    stale_ms: float = Field(2_000.0, gt=0, le=600_000, description="Age at which a pane says STALE, ms")
    theme: Theme = Field("dark", description="Colours: dark, light, colour-blind, contrast, ansi (16), mono (none)")
    keys: tuple[str, ...] = Field((), description='Other keys, as in ["zoom=f5", "halt=f12,f11"]; Ctrl+K always halts')
    link: Literal["auto", "fast", "slow"] = Field(
        "auto", description="What the line to the terminal carries: measured, all frames, or at most 16 kB/s"
    )
    chart: Literal["braille", "ascii"] = Field(
        "braille", description="What charts are drawn with: dots of braille, or ASCII where the font has none"
    )
    mouse: bool = Field(True, description="Take the mouse; without it the terminal selects text as ever")
    bell: bool = Field(True, description="Ring the terminal's bell at an alert")

    def remapped(self) -> dict[str, str]:
        """What can be done by a key -> its keys, where they are not the usual ones."""
        return {name.strip(): keys.strip() for name, _, keys in (each.partition("=") for each in self.keys)}

    @model_validator(mode="after")
    def _keys_make_sense(self) -> Cockpit:
        for name in self.remapped():
            if name not in KEYS:
                near = get_close_matches(name, KEYS, 1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(KEYS)}"
                raise ValueError(f"keys: {name!r} is nothing that a key does; {hint}")
        taken = {number: f"screen {number}" for number in "123456789"} | {KEYS["halt"]: "halt"}
        for name, keys in {**KEYS, **self.remapped()}.items():
            for key in (each.strip() for each in keys.split(",")):
                if not key:
                    raise ValueError(f"keys: {name} has an empty key; name one, as in {name}=f5")
                if taken.setdefault(key, name) != name:
                    raise ValueError(f"keys: {key} of {name} is that of {taken[key]}; choose another key")
        return self
