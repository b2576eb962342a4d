"""From a score to a vote, and from three votes to the direction of one time frame. Directions are -1, 0, +1."""

from __future__ import annotations

from collections.abc import Sequence


def trend_vote(score_pct: float | None, threshold_pct: float) -> int:
    """+1 above the threshold, -1 below its mirror image, 0 between or unknown. Source: SPEC.md 7, layer 1."""
    if score_pct is None:
        return 0
    return (score_pct > threshold_pct) - (score_pct < -threshold_pct)


def share_vote(share: float | None, threshold: float) -> int:
    """Vote of a share in [0, 1]: +1 above the threshold, -1 when the other side is above it, 0 between or unknown.

    Source: SPEC.md 7, layer 2.
    """
    if share is None:
        return 0
    return (share > threshold) - (1.0 - share > threshold)


def combine(votes: Sequence[int], needed: int) -> int:
    """The direction that at least `needed` votes agree on; 0 when none does, or both would.

    Source: SPEC.md 7, layer 3.
    """
    up, down = votes.count(1), votes.count(-1)
    return (up >= needed and up > down) - (down >= needed and down > up)
