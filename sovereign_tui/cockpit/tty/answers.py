"""The terminal's answers in what it types: taken out before a parser makes keys of them. Pure.

Asked are the state of the mode for synchronised output (`CSI ? 2026 $ p`), or, where that is not understood, the state
of the terminal (`CSI 5 n`). Textual knows neither the second, nor a "no" to the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ANSWER: Final = re.compile(r"\x1b\[(?:\?2026;(?P<mode>\d+)\$y|(?P<status>[03])n)")
_BEGUN: Final = re.compile(r"\x1b(?:\[(?:\?(?:2(?:0(?:2(?:6(?:;(?:\d+\$?)?)?)?)?)?)?|[03])?)?\Z")


class Question(StrEnum):
    """What can be asked without the answer looking like a key."""

    MODE = "\x1b[?2026$p"
    STATUS = "\x1b[5n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered. `synchronises`: it is the mode's, and the terminal knows that mode."""

    to: Question
    synchronises: bool = False


class Answers:
    """Takes the answers out of a stream of text, however it is cut into pieces."""

    def __init__(self) -> None:
        self._begun = ""

    @property
    def begun(self) -> bool:
        """Whether the end of the last piece may be the beginning of an answer; it is held back."""
        return bool(self._begun)

    def feed(self, text: str) -> tuple[str, tuple[Answer, ...]]:
        """What is left of the text without the answers, and those."""
        text = self._begun + text
        found: list[Answer] = []

        def take(match: re.Match[str]) -> str:
            mode = match["mode"]
            found.append(Answer(Question.STATUS) if mode is None else Answer(Question.MODE, int(mode) in {1, 2, 3}))
            return ""

        text = _ANSWER.sub(take, text)
        begun = _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        return text[: len(text) - len(self._begun)], tuple(found)

    def release(self) -> str:
        """What was held back: nothing followed, so it was no answer."""
        begun, self._begun = self._begun, ""
        return begun
