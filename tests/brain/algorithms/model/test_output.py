"""From the numbers of a model to a score in [-1, 1]."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.algorithms.model.output import Output, score_of, vote_of
from brain.algorithms.model.refused import BadOutput


@pytest.mark.parametrize(
    ("output", "values", "score"),
    [
        ("score", [0.3], 0.3), ("score", [-7.0], -1.0), ("score", [7.0], 1.0),
        ("probability", [0.75], 0.5), ("probability", [1.0005], 1.0),
        ("classes", [0.25, 0.75], 0.5), ("classes", [0.1, 0.6, 0.3], 0.2), ("classes", [1.0, 0.0, 0.0], -1.0),
    ],
)  # fmt: skip
def test_scores(output: Output, values: list[float], score: float) -> None:
    assert score_of(output, values) == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(
    ("output", "values", "said"),
    [
        ("score", [], "0 numbers"), ("score", [0.1, 0.2], "2 numbers"), ("classes", [0.1], "1 numbers"),
        ("classes", [0.25] * 4, "4 numbers"), ("score", [nan], "not finite"), ("probability", [inf], "not finite"),
        ("probability", [1.1], "no probability"), ("classes", [-0.5, 1.5], "no probability"),
        ("classes", [0.5, 0.6], "not 1 together"),
    ],
)  # fmt: skip
def test_what_is_no_score(output: Output, values: list[float], said: str) -> None:
    with pytest.raises(BadOutput, match=said):
        score_of(output, values)


@given(st.sampled_from(["score", "probability", "classes"]), st.lists(st.floats(), max_size=4))
def test_a_score_is_in_its_bounds_or_there_is_none(output: Output, values: list[float]) -> None:
    try:
        score = score_of(output, values)
    except BadOutput:
        return
    assert -1.0 <= score <= 1.0


@given(st.floats(-1, 1), st.floats(0, 0.99))
def test_the_vote_is_beyond_the_threshold_and_turns_around(score: float, threshold: float) -> None:
    assert vote_of(score, threshold) == (abs(score) > threshold) * (1 if score > 0 else -1)
    assert vote_of(-score, threshold) == -vote_of(score, threshold)
