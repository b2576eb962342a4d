"""The thread: nobody waits for a model, whatever it does. Tests wait for events, never for time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from brain.algorithms.model.load import Model
from brain.algorithms.model.slot import ModelSlot
from brain.algorithms.model.state import Answer, Failure, ModelState, ModelView, Prediction
from schemas.settings.algorithms import Model as ModelSettings

MS = 1_000_000
WAIT_S = 20.0


class Clock:
    """Stands still, but for the test."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return self.now_ns


class Bench:
    """A slot whose model is a function of the test."""

    def __init__(self, run: Callable[[Sequence[float]], list[float]], **settings: float) -> None:
        model = Model(
            name="m", kind="test", sha256="", features=("a", "b"), places=(1, 0), output="score", run=run,
            errors=(ValueError,),
        )  # fmt: skip
        self.clock = Clock()
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        state = ModelState(ModelSettings.model_validate({"every_ms": 0, **settings}), "m")
        self.slot = ModelSlot(model, state, clock=self.clock, on_answer=self.answers.put)
        self.slot.start()

    def answer(self) -> Answer:
        answer = self.answers.get(timeout=WAIT_S)
        self.slot.state.answer(answer)
        return answer


@pytest.fixture
def made() -> Iterator[list[Bench]]:
    benches: list[Bench] = []
    yield benches
    for bench in benches:
        bench.slot.stop()


def test_an_answer_comes_back_as_an_event_with_its_times(made: list[Bench]) -> None:
    def run(row: Sequence[float]) -> list[float]:
        made[0].clock.now_ns = 7 * MS
        return [row[0]]

    made.append(Bench(run))
    assert made[0].slot.ask((0.1, 0.5), 2 * MS)
    assert made[0].answer() == Prediction(0.5, 2 * MS, 7 * MS, 1)
    assert made[0].slot.state.view(7 * MS) == ModelView(0.5, 1, "m")


def test_a_model_that_hangs_is_asked_once_and_nobody_waits_for_it(made: list[Bench]) -> None:
    entered, release = threading.Event(), threading.Event()
    calls = []

    def run(row: Sequence[float]) -> list[float]:
        calls.append(tuple(row))
        entered.set()
        release.wait(WAIT_S)
        return [row[0]]

    made.append(Bench(run, timeout_ms=20))
    bench = made[0]
    assert bench.slot.ask((0.0, 0.5), 0)
    assert entered.wait(WAIT_S)
    assert not any(bench.slot.ask((0.0, float(number)), number * MS) for number in range(1, 200))
    assert bench.slot.state.view(21 * MS) == ModelView(None, None, "rules: model gave no answer in 20 ms")
    bench.clock.now_ns = 200 * MS
    release.set()
    assert bench.answer() == Prediction(0.5, 0, 200 * MS, 1)
    late = "rules: the model's answer took 200.0 ms, 20 ms are allowed"
    assert bench.slot.state.view(200 * MS) == ModelView(None, None, late)
    assert bench.slot.ask((0.0, -0.75), 200 * MS)  # idle again: the newest features go out, and no older ones
    assert bench.answer() == Prediction(-0.75, 200 * MS, 200 * MS, 2)
    assert calls == [(0.5, 0.0), (-0.75, 0.0)]


@pytest.mark.parametrize(
    ("gives", "text"),
    [
        ([float("nan")], "the model gave not finite: nan"),
        ([0.1, 0.2], "the model gave 2 numbers, a score has 1"),
        (ValueError("no"), "the model raised ValueError: no"),
    ],
)
def test_what_goes_wrong_in_a_model_is_a_failure_with_its_text(
    made: list[Bench], gives: list[float] | Exception, text: str
) -> None:
    def run(_: Sequence[float]) -> list[float]:
        if isinstance(gives, Exception):
            raise gives
        return gives

    made.append(Bench(run))
    assert made[0].slot.ask((0.0, 0.0), 3)
    assert made[0].answer() == Failure(text, 3, 0, 1)
    assert made[0].slot.state.view(3) == ModelView(None, None, f"rules: {text}")
    assert made[0].slot.ask((0.0, 0.0), 4)
    assert made[0].answer().sequence == 2


def test_an_unknown_feature_is_not_asked_about(made: list[Bench]) -> None:
    made.append(Bench(lambda row: [row[0]]))
    assert not made[0].slot.ask((float("nan"), 0.5), 0)
    assert made[0].slot.state.view(0) == ModelView(None, None, "rules: feature b unknown")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_said_and_every_question_after_it_fails(made: list[Bench]) -> None:
    def run(_: Sequence[float]) -> list[float]:
        raise KeyError("unheard of")

    made.append(Bench(run, max_failures=2))
    bench = made[0]
    assert bench.slot.ask((0.0, 0.0), 0)
    assert bench.answer() == Failure("the model's thread has ended", 0, 0, 1)
    bench.slot._worker.join(WAIT_S)
    assert not bench.slot.ask((0.0, 0.0), 1)
    assert bench.answer() == Failure("the model's thread has ended", 1, 1, 2)
    off = "rules: the model is off until a restart after 2 failures (the model's thread has ended)"
    assert bench.slot.state.view(1) == ModelView(None, None, off)


def test_a_stopped_slot_ends_its_thread(made: list[Bench]) -> None:
    made.append(Bench(lambda row: [row[0]]))
    made[0].slot.stop()
    made[0].slot._worker.join(WAIT_S)
    assert not made[0].slot._worker.is_alive()
