"""The model's thread and the loop that asks it: an answer finds its way, and an end in between is no accident."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from brain.advisor import Advisor
from brain.algorithms.model.load import Model
from brain.mind import Mind
from brain.turns import CHANNEL, MODEL, ModelNote, TurnLog, read_note
from schemas.blackbox.tap import Direction, Keep
from schemas.clock import SystemClock
from schemas.settings import Settings
from tests.brain.test_decide import TICK

LIMIT_S = 20


class Notes:
    """A blackbox that keeps what it is given."""

    def __init__(self) -> None:
        self.model: list[ModelNote] = []

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        def keep(payload: bytes) -> None:
            note = read_note(topic, payload)
            if isinstance(note, ModelNote):
                assert (channel, topic, vital) == (CHANNEL, MODEL, True)
                self.model.append(note)

        return keep


def advisor(run: Callable[[Sequence[float]], list[float]], notes: Notes) -> Advisor:
    mind = Mind(Settings(), prefix="i", model="m")
    mind.memory.on_tick(TICK)
    model = Model(
        name="m", kind="test", sha256="", features=(), places=(), output="score", run=run, errors=(ValueError,)
    )
    return Advisor(mind, model, notes=TurnLog(notes), clock=SystemClock())


def test_question_and_answer_are_noted_in_their_order() -> None:
    notes = Notes()

    async def scene() -> None:
        asked = advisor(lambda row: [0.5], notes)
        asked.after_turn(1)
        assert notes.model == [], "not before it was started"
        asked.start()
        asked.after_turn(1)
        async with asyncio.timeout(LIMIT_S):
            while len(notes.model) < 2:
                await asyncio.sleep(0)
        asked.stop()

    asyncio.run(scene())
    assert [(note.kind, note.number, note.score) for note in notes.model] == [("asked", 0, 0.0), ("answered", 1, 0.5)]


def test_an_answer_that_comes_after_the_end_is_dropped_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, accidents, notes = threading.Event(), [], Notes()
    monkeypatch.setattr(threading, "excepthook", accidents.append)
    before = set(threading.enumerate())

    def slow(row: Sequence[float]) -> list[float]:
        ended.wait(LIMIT_S)
        return [0.5]

    async def scene() -> list[threading.Thread]:
        asked = advisor(slow, notes)
        asked.start()
        asked.after_turn(1)
        asked.stop()
        return [thread for thread in threading.enumerate() if thread not in before and thread.name == "model"]

    (worker,) = asyncio.run(scene())
    ended.set()
    worker.join(LIMIT_S)
    assert not worker.is_alive()
    assert (accidents, [note.kind for note in notes.model]) == ([], ["asked"])
