"""The model beside the mind: asked after a turn, in a thread of its own; what happens to it is noted, so that a

recorded session can be decided again without it.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from brain.algorithms.model.load import Model, load
from brain.algorithms.model.refused import ModelRefused
from brain.algorithms.model.slot import ModelSlot
from brain.algorithms.model.state import Answer, Failure
from brain.mind import Mind
from brain.turns import ANSWERED, ASKED, FAILED, UNASKED, ModelNote, TurnLog
from schemas.clock import Clock
from schemas.settings import Settings


def find_model(settings: Settings, features: tuple[str, ...]) -> Model | None:
    """The model that the settings name; None for none. Raises: ModelRefused."""
    if not settings.model.path:
        return None
    try:
        path = Path(settings.model.path).expanduser()
    except RuntimeError as error:  # ~somebody whom this machine does not know
        raise ModelRefused(settings.model.path, f"no such path ({error})", "write it without the ~") from None
    return load(path, features)


class Advisor:
    """Asks the model of a mind. `start` and `stop` on the loop's thread."""

    def __init__(self, mind: Mind, model: Model, *, notes: TurnLog, clock: Clock) -> None:
        assert mind.model is not None
        self._mind, self._model, self._notes = mind, model, notes
        self._loop = asyncio.get_running_loop()
        self._slot = ModelSlot(model, mind.model, clock=clock, on_answer=self._on_answer)
        self._started = False

    def start(self) -> None:
        """From now on it can be asked."""
        self._slot.start()
        self._started = True

    def stop(self) -> None:
        """No more questions. Waits for nobody."""
        self._started = False
        self._slot.stop()

    def after_turn(self, mono_ns: int) -> None:
        """A turn is over, and its order is on its way: ask, if it is time to."""
        features = self._mind.question(mono_ns) if self._started else None
        if features is None:
            return
        unknown = self._model.unknown(features)
        if unknown:
            self._take(ModelNote(UNASKED, mono_ns, text=unknown))
        else:
            self._notes.model(ModelNote(ASKED, mono_ns))
            self._slot.ask(features, mono_ns)

    def _on_answer(self, answer: Answer) -> None:
        """In the model's thread, or in the caller's."""
        if isinstance(answer, Failure):
            note = ModelNote(FAILED, answer.answered_ns, answer.sequence, answer.asked_ns, text=answer.text)
        else:
            note = ModelNote(ANSWERED, answer.answered_ns, answer.sequence, answer.asked_ns, answer.score)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits for an answer any more
            self._loop.call_soon_threadsafe(self._take, note)

    def _take(self, note: ModelNote) -> None:
        self._notes.model(note)
        self._mind.on_model(note)
