"""The thread in which a model computes, so that nobody on the hot path ever waits for it.

At most one question is out. A model that hangs holds this thread and nothing else: its score grows too old, the rules
decide, and no further question is asked. The thread is a daemon, so that it never holds up the end of the process.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from brain.algorithms.model.load import Model
from brain.algorithms.model.refused import BadOutput
from brain.algorithms.model.state import Answer, Failure, ModelState, Prediction
from schemas.clock import Clock

_Question = tuple[int, tuple[float, ...], int]


class ModelSlot:
    """Asks a model, at the pace of its `state`.

    `on_answer` is called in the worker's thread (in the caller's, if that has ended): hand it over to the loop
    (`call_soon_threadsafe`), record it there, and give it to `state.answer`. The state belongs to the loop's thread.
    """

    def __init__(self, model: Model, state: ModelState, *, clock: Clock, on_answer: Callable[[Answer], None]) -> None:
        self.state = state
        self._model, self._clock, self._on_answer = model, clock, on_answer
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Begin to listen for questions."""
        self._worker.start()

    def stop(self) -> None:
        """End after the question that is out, if it ever ends. Waits for nothing."""
        self._questions.put(None)

    def ask(self, features: Sequence[float], mono_ns: int) -> bool:
        """Hand over the newest features, if it is time to and the worker is idle. Never waits.

        Args:    features, all of the brain's in their order; what is not finite is not known.
        Returns: whether a question went out.
        """
        if not self.state.due(mono_ns):
            return False
        if unknown := self._model.unknown(features):
            self.state.unasked(unknown)
            return False
        sequence = self.state.asked(mono_ns)
        if not self._worker.is_alive():
            self._on_answer(Failure("the model's thread has ended", mono_ns, mono_ns, sequence))
            return False
        self._questions.put((sequence, tuple(features), mono_ns))
        return True

    def _work(self) -> None:
        while (question := self._questions.get()) is not None:
            sequence, features, asked_ns = question
            score, text = None, "the model's thread has ended"
            try:
                score = self._model.predict(features)
            except BadOutput as error:
                text = f"the model gave {error}"
            except self._model.errors as error:
                text = f"the model raised {type(error).__name__}: {error}"
            finally:  # also where something unheard of ends this thread
                now_ns = self._clock.monotonic_ns()
                if score is None:
                    self._on_answer(Failure(text, asked_ns, now_ns, sequence))
                else:
                    self._on_answer(Prediction(score, asked_ns, now_ns, sequence))
