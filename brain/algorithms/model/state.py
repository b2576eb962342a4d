"""What of a model is valid now. Pure: no thread, no clock; the same events give the same answers, so that a recorded
session can be decided again.
"""

from __future__ import annotations

from typing import NamedTuple

from brain.algorithms.model.output import vote_of
from schemas.clock import NS_PER_MS
from schemas.settings.algorithms import Model as ModelSettings


class Prediction(NamedTuple):
    """A model's answer to question `sequence`. Times are monotonic ns."""

    score: float
    asked_ns: int
    answered_ns: int
    sequence: int


class Failure(NamedTuple):
    """Why there is no answer to question `sequence`. Times are monotonic ns."""

    text: str
    asked_ns: int
    answered_ns: int
    sequence: int


Answer = Prediction | Failure


class ModelView(NamedTuple):
    """What the model says: its score and vote; both None where the rules decide alone, and `text` says why."""

    score: float | None
    vote: int | None
    text: str


class ModelState:
    """Questions go out one at a time; the newest valid score counts until it is too old."""

    __slots__ = (
        "_age_ns", "_asked_ns", "_every_ns", "_failed", "_failures", "_in_flight", "_limit_ns", "_max_failures",
        "_name", "_newest", "_sequence", "_threshold", "_unknown",
    )  # fmt: skip

    def __init__(self, settings: ModelSettings, name: str) -> None:
        self._name, self._threshold, self._max_failures = name, settings.threshold, settings.max_failures
        self._limit_ns = int(settings.timeout_ms * NS_PER_MS)
        self._every_ns = int(settings.every_ms * NS_PER_MS)
        self._age_ns = int(settings.max_age_ms * NS_PER_MS)
        self._sequence = 0
        self._in_flight = False
        self._asked_ns: int | None = None
        self._newest: Prediction | None = None
        self._unknown = ""
        self._failed = ""
        self._failures = 0

    @property
    def off(self) -> bool:
        """It failed too often in a row, and is not asked again by this run."""
        return self._failures >= self._max_failures

    def due(self, now_ns: int) -> bool:
        """Shall it be asked now?"""
        if self._in_flight or self.off:
            return False
        return self._asked_ns is None or now_ns - self._asked_ns >= self._every_ns

    def unasked(self, feature: str) -> None:
        """It was due, and a feature is not known: no older score stands for what cannot be seen now."""
        self._unknown, self._newest = feature, None

    def asked(self, now_ns: int) -> int:
        """It is asked. Returns the question's sequence."""
        self._unknown, self._in_flight, self._asked_ns = "", True, now_ns
        self._sequence += 1
        return self._sequence

    def answer(self, answer: Answer) -> None:
        """What came back. An answer to another question than the one that is out is no answer."""
        if not self._in_flight or answer.sequence != self._sequence:
            return
        self._in_flight = False
        took_ns = answer.answered_ns - answer.asked_ns
        if isinstance(answer, Failure):
            self._fail(answer.text)
        elif took_ns > self._limit_ns:
            self._fail(f"the model's answer took {took_ns / NS_PER_MS:.1f} ms, {self._limit_ms} ms are allowed")
        else:
            self._failures, self._failed, self._newest = 0, "", answer

    def view(self, now_ns: int) -> ModelView:
        """What counts now."""
        if self.off:
            return _rules(f"the model is off until a restart after {self._failures} failures ({self._failed})")
        if self._unknown:
            return _rules(f"feature {self._unknown} unknown")
        newest = self._newest
        if newest is not None and now_ns - newest.asked_ns <= self._age_ns:
            return ModelView(newest.score, vote_of(newest.score, self._threshold), self._name)
        if self._in_flight and self._asked_ns is not None and now_ns - self._asked_ns > self._limit_ns:
            return _rules(f"model gave no answer in {self._limit_ms} ms")
        if self._failed:
            return _rules(self._failed)
        if newest is None:
            return _rules("model has not answered yet")
        age_ms = (now_ns - newest.asked_ns) / NS_PER_MS
        return _rules(f"the model's score is {age_ms:.0f} ms old")

    @property
    def _limit_ms(self) -> str:
        return f"{self._limit_ns / NS_PER_MS:g}"

    def _fail(self, text: str) -> None:
        self._failures += 1
        self._failed = text


def _rules(why: str) -> ModelView:
    return ModelView(None, None, f"rules: {why}")
