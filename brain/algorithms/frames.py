"""Multi-time-frame confirmation: the direction has the majority of the frames, and the primary agrees."""

from __future__ import annotations

from collections.abc import Mapping

from brain.reasons import Reason, WhyNot


def confirm(directions: Mapping[str, int], primary: str) -> tuple[int, WhyNot | None]:
    """Direction by frame -> the common one, or 0 and why not.

    Raises: KeyError, if the primary frame has no direction.
    Source: SPEC.md 7, layer 3.
    """
    said = list(directions.values())
    for direction in (1, -1):
        agreeing = said.count(direction)
        if agreeing * 2 > len(directions):
            if directions[primary] == direction:
                return direction, None
            text = f"{agreeing} of {len(directions)} frames say {direction:+d}, {primary} says {directions[primary]:+d}"
            return 0, WhyNot(Reason.PRIMARY_DISAGREES, text)
    if any(said):
        each = ", ".join(f"{frame} {direction:+d}" for frame, direction in directions.items())
        return 0, WhyNot(Reason.FRAMES_DISAGREE, each)
    return 0, WhyNot(Reason.NO_DIRECTION, "too few scores agree in any frame")
