"""What a model's vote does to the rules' directions. Without a valid vote the rules stand as they are."""

from __future__ import annotations

from typing import Literal

from brain.algorithms.model.state import ModelView
from brain.reasons import Reason, WhyNot

Role = Literal["replace", "confirm"]


def replacing_vote(model: ModelView, role: Role) -> int | None:
    """The vote that takes the combiner's place in every frame; None where the rules stand as they are."""
    return model.vote if role == "replace" else None


def disagrees(direction: int, model: ModelView | None, role: Role) -> WhyNot | None:
    """Why the rules' common direction is not taken: the model that must confirm it says another, or none."""
    if role != "confirm" or not direction or model is None or model.vote is None or model.vote == direction:
        return None
    return WhyNot(Reason.MODEL_DISAGREES, f"{model.text} says {model.score:+.3f}, the rules {direction:+d}")
