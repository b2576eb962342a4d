"""The two roles of a model."""

from __future__ import annotations

import pytest

from brain.algorithms.model.state import ModelView
from brain.algorithms.model.vote import Role, disagrees, replacing_vote
from brain.reasons import Reason, WhyNot

UP, FLAT = ModelView(0.5, 1, "m"), ModelView(0.1, 0, "m")
NONE = ModelView(None, None, "rules: m has not answered yet")


@pytest.mark.parametrize("role", ["replace", "confirm"])
def test_without_a_valid_vote_the_rules_stand(role: Role) -> None:
    assert replacing_vote(NONE, role) is None
    assert disagrees(-1, NONE, role) is None
    assert disagrees(-1, None, role) is None


def test_a_model_that_replaces_speaks_for_every_frame_and_confirms_nothing() -> None:
    assert replacing_vote(UP, "replace") == 1
    assert replacing_vote(FLAT, "replace") == 0
    assert disagrees(-1, UP, "replace") is None


def test_a_model_that_confirms_changes_no_direction_and_must_agree_with_the_common_one() -> None:
    assert replacing_vote(UP, "confirm") is None
    assert disagrees(1, UP, "confirm") is None
    assert disagrees(0, UP, "confirm") is None
    assert disagrees(-1, UP, "confirm") == WhyNot(Reason.MODEL_DISAGREES, "m says +0.500, the rules -1")
    assert disagrees(1, FLAT, "confirm") == WhyNot(Reason.MODEL_DISAGREES, "m says +0.100, the rules +1")
