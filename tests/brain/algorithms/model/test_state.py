"""What of a model is valid now: pure, and the same events always give the same answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.algorithms.model.state import Failure, ModelState, ModelView, Prediction
from schemas.settings.algorithms import Model

MS = 1_000_000
SETTINGS = Model(timeout_ms=20, every_ms=100, max_age_ms=500, max_failures=3, threshold=0.2)


def state() -> ModelState:
    return ModelState(SETTINGS, "m.onnx")


def rules(why: str) -> ModelView:
    return ModelView(None, None, f"rules: {why}")


def asked(made: ModelState, at_ms: float) -> int:
    return made.asked(int(at_ms * MS))


def predicted(made: ModelState, sequence: int, score: float, asked_ms: float, took_ms: float = 5) -> None:
    made.answer(Prediction(score, int(asked_ms * MS), int((asked_ms + took_ms) * MS), sequence))


def failed(made: ModelState, sequence: int, at_ms: float, text: str = "boom") -> None:
    made.answer(Failure(text, int(at_ms * MS), int((at_ms + 1) * MS), sequence))


def view(made: ModelState, at_ms: float) -> ModelView:
    return made.view(int(at_ms * MS))


def test_a_score_counts_from_its_answer_until_it_is_too_old() -> None:
    made = state()
    assert view(made, 0) == rules("model has not answered yet")
    first = asked(made, 0)
    assert view(made, 20) == rules("model has not answered yet")
    predicted(made, first, 0.5, 0)
    assert view(made, 500) == ModelView(0.5, 1, "m.onnx")
    assert view(made, 501) == rules("the model's score is 501 ms old")


@pytest.mark.parametrize(("score", "vote"), [(0.21, 1), (0.2, 0), (-0.2, 0), (-0.21, -1), (0.0, 0)])
def test_a_score_votes_beyond_the_threshold(score: float, vote: int) -> None:
    made = state()
    predicted(made, asked(made, 0), score, 0)
    assert view(made, 1) == ModelView(score, vote, "m.onnx")


def test_one_question_at_a_time_and_not_more_often_than_set() -> None:
    made = state()
    assert made.due(0)
    first = asked(made, 0)
    assert not made.due(1_000 * MS)
    predicted(made, first, 0.5, 0)
    assert not made.due(99 * MS)
    assert made.due(100 * MS)


def test_no_answer_in_time_leaves_the_decision_to_the_rules_once_the_last_score_is_too_old() -> None:
    made = state()
    predicted(made, asked(made, 0), 0.5, 0)
    asked(made, 490)
    assert view(made, 500) == ModelView(0.5, 1, "m.onnx")
    assert view(made, 501) == rules("the model's score is 501 ms old")
    assert view(made, 511) == rules("model gave no answer in 20 ms")


def test_an_answer_that_took_too_long_is_a_failure() -> None:
    made = state()
    predicted(made, asked(made, 0), 0.5, 0, took_ms=20.5)
    assert view(made, 21) == rules("the model's answer took 20.5 ms, 20 ms are allowed")
    predicted(made, asked(made, 100), 0.5, 100, took_ms=20)
    assert view(made, 121) == ModelView(0.5, 1, "m.onnx")


def test_failures_in_a_row_turn_it_off_until_a_restart_and_an_answer_between_them_does_not() -> None:
    made = state()
    for number in range(2):
        failed(made, asked(made, number), number, f"boom {number}")
    assert view(made, 3) == rules("boom 1")
    predicted(made, asked(made, 3), 0.5, 3)
    assert view(made, 4) == ModelView(0.5, 1, "m.onnx")
    for number in range(3):
        assert not made.off
        failed(made, asked(made, 10 + number), 10 + number)
    assert made.off
    assert view(made, 14) == rules("the model is off until a restart after 3 failures (boom)")
    assert not made.due(10_000 * MS)


def test_one_failure_does_not_take_the_last_score_away() -> None:
    made = state()
    predicted(made, asked(made, 0), 0.5, 0)
    failed(made, asked(made, 100), 100)
    assert view(made, 500) == ModelView(0.5, 1, "m.onnx")
    assert view(made, 501) == rules("boom")


def test_an_unknown_feature_leaves_it_to_the_rules_at_once_and_until_the_next_question() -> None:
    made = state()
    predicted(made, asked(made, 0), 0.5, 0)
    made.unasked("x")
    assert view(made, 101) == rules("feature x unknown")
    assert made.due(200 * MS)
    second = asked(made, 200)
    assert view(made, 201) == rules("model has not answered yet")
    predicted(made, second, -0.5, 200)
    assert view(made, 206) == ModelView(-0.5, -1, "m.onnx")


def test_answers_to_other_questions_are_none() -> None:
    made = state()
    predicted(made, 1, 0.9, 0)
    first = asked(made, 0)
    predicted(made, first + 1, 0.9, 0)
    failed(made, first - 1, 0)
    assert view(made, 5) == rules("model has not answered yet")
    predicted(made, first, 0.5, 0)
    predicted(made, first, 0.9, 0)
    assert view(made, 6) == ModelView(0.5, 1, "m.onnx")


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "unknown", "answer", "late", "fail", "foreign"]), st.integers(0, 300),
        st.floats(-1, 1),
    ),
    max_size=40,
)  # fmt: skip


def played(events: list[tuple[str, int, float]]) -> list[ModelView]:
    made, now, sequence, since, seen = state(), 0, 0, 0, []
    for kind, wait_ms, score in events:
        now += wait_ms
        if kind in {"ask", "unknown"} and made.due(now * MS):
            if kind == "unknown":
                made.unasked("x")
            else:
                sequence, since = asked(made, now), now
        elif kind in {"answer", "late"}:
            took = min(20, now - since) if kind == "answer" else 21
            predicted(made, sequence, score, since, took)
        elif kind in {"fail", "foreign"}:
            failed(made, sequence + 7 * (kind == "foreign"), since)
        seen.append(view(made, now))
    return seen


@given(EVENTS)
def test_the_same_events_give_the_same_views_and_each_is_a_vote_or_says_why_not(events: list[Any]) -> None:
    views = played(events)
    assert played(events) == views
    for each in views:
        assert (each.score is None) == (each.vote is None) == each.text.startswith("rules: ")
    offs = [each.text.startswith("rules: the model is off") for each in views]
    assert offs == sorted(offs)
