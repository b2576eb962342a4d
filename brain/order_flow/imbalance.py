"""Order book imbalance: which side is heavier near the touch."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite


def book_imbalance(bid_sizes: Sequence[float], ask_sizes: Sequence[float], levels: int) -> float | None:
    """Bid share of the resting size over the best `levels` a side.

    Args:    bid_sizes, ask_sizes, shape (L,): best first, contracts.
    Returns: bids / (bids + asks) in [0, 1], dimensionless; None where both sides are empty or a size is no number.
    Raises:  ValueError if levels < 1.
    Source:  SPEC.md 7, layer 2; Cartea, Jaimungal, Penalva, Algorithmic and High-Frequency Trading, 10.2 (volume
             imbalance), here as a share instead of a difference.
    """
    if levels < 1:
        raise ValueError(f"levels is {levels}, at least 1 is needed")
    bids, asks = sum(bid_sizes[:levels]), sum(ask_sizes[:levels])
    total = bids + asks
    if not isfinite(total) or total <= 0 or bids < 0 or asks < 0:
        return None
    return bids / total
