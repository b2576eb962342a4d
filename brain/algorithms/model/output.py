"""From what a model gives to a score in [-1, 1]. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, isfinite
from typing import Final, Literal

from brain.algorithms.model.refused import BadOutput

Output = Literal["score", "probability", "classes"]
"""What the numbers mean: a signed score; the probability of up; the probabilities of (down, up) or (down, flat, up)."""
WIDTHS: Final[dict[Output, tuple[int, ...]]] = {"score": (1,), "probability": (1,), "classes": (2, 3)}
_ROUNDING: Final = 1e-3


def score_of(output: Output, values: Sequence[float]) -> float:
    """The score of one row of a model's output.

    A probability p of up is 2p - 1; three classes give p(up) - p(down); a score is clipped to [-1, 1].
    Raises: BadOutput, if the numbers are not finite, not as many as they shall be, or no probabilities.
    """
    if len(values) not in WIDTHS[output]:
        raise BadOutput(f"{len(values)} numbers, a {output} has {' or '.join(map(str, WIDTHS[output]))}")
    if not all(map(isfinite, values)):
        raise BadOutput(f"not finite: {', '.join(map(str, values))}")
    if output == "score":
        return max(-1.0, min(1.0, values[0]))
    if any(not -_ROUNDING <= value <= 1 + _ROUNDING for value in values):
        raise BadOutput(f"no probability: {', '.join(map(str, values))}")
    if output == "probability":
        return max(-1.0, min(1.0, 2 * values[0] - 1))
    if not isclose(sum(values), 1.0, abs_tol=_ROUNDING):
        raise BadOutput(f"probabilities that are not 1 together: {', '.join(map(str, values))}")
    return max(-1.0, min(1.0, values[-1] - values[0]))


def vote_of(score: float, threshold: float) -> int:
    """+1 above the threshold, -1 below its mirror image, 0 between."""
    return (score > threshold) - (score < -threshold)
