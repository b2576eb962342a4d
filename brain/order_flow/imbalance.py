"""Order book imbalance: which side is heavier near the touch, or why nobody can say."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isfinite


def book_imbalance(bid_sizes: Sequence[float], ask_sizes: Sequence[float], levels: int) -> float | None:
    """Bid share of the resting size over the best `levels` a side.

    Args:    bid_sizes, ask_sizes, shape (L,): best first, contracts.
    Returns: bids / (bids + asks) in [0, 1], dimensionless; None where it cannot be known: see why_unknown().
    Raises:  ValueError if levels < 1.
    Source:  SPEC.md 7, layer 2; Cartea, Jaimungal, Penalva, Algorithmic and High-Frequency Trading, 10.2 (volume
             imbalance), here as a share instead of a difference.
    """
    if levels < 1:
        raise ValueError(f"levels is {levels}, at least 1 is needed")
    if not bid_sizes or not ask_sizes:
        return None
    best_bids, best_asks = bid_sizes[:levels], ask_sizes[:levels]
    bids, asks = sum(best_bids), sum(best_asks)
    total = bids + asks
    if not isfinite(total) or bids <= 0 or asks <= 0 or min(best_bids) < 0 or min(best_asks) < 0:
        return None
    return bids / total


def weighted_imbalance(
    bid_prices: Sequence[float], bid_sizes: Sequence[float], ask_prices: Sequence[float], ask_sizes: Sequence[float],
    *, levels: int, scale_bps: float,
) -> float | None:  # fmt: skip
    """Bid share of the resting size over the best `levels` a side, where size counts less the farther it rests.

    Args:    prices in quote currency and sizes in contracts, shape (L,) each, best first. A level weighs
             exp(-d / scale_bps), d its distance from the mid of the touch in bps (1e-4 of the mid).
    Returns: share in [0, 1], dimensionless; None where it cannot be known: see why_unknown().
    Raises:  ValueError if levels < 1 or scale_bps <= 0.
    Source:  as book_imbalance(); that far levels say less: Cao, Hansch, Wang, The information content of an open
             limit-order book (2009). The exponential weight is ours.
    """
    if levels < 1 or not scale_bps > 0:
        raise ValueError(f"levels is {levels} and scale_bps {scale_bps}; at least 1, and more than 0, are needed")
    if not bid_sizes or not ask_sizes or not bid_prices or not ask_prices:
        return None
    mid = (bid_prices[0] + ask_prices[0]) / 2
    if not 0 < bid_prices[0] < ask_prices[0] or not isfinite(mid):
        return None
    per_price = 10_000 / (mid * scale_bps)
    bids = asks = 0.0
    for price, size in zip(bid_prices[:levels], bid_sizes, strict=False):
        if size < 0 or price > mid:
            return None
        bids += size * exp((price - mid) * per_price)
    for price, size in zip(ask_prices[:levels], ask_sizes, strict=False):
        if size < 0 or price < mid:
            return None
        asks += size * exp((mid - price) * per_price)
    total = bids + asks
    return bids / total if isfinite(total) and bids > 0 and asks > 0 else None


def why_unknown(
    bid_sizes: Sequence[float], ask_sizes: Sequence[float], levels: int,
    bid_prices: Sequence[float] = (), ask_prices: Sequence[float] = (),
) -> str:  # fmt: skip
    """Why the imbalance of this book is None, in words; asked only when it is. With prices: of the weighted one."""
    sides = (("bid", bid_sizes[:levels]), ("ask", ask_sizes[:levels]))
    for name, sizes in sides:
        for size in sizes:
            if not isfinite(size) or size < 0:
                return f"the {name}s have a size of {size}"
    for name, prices in (("bid", bid_prices[:levels]), ("ask", ask_prices[:levels])):
        for price in prices:
            if not isfinite(price) or price <= 0:
                return f"the {name}s have a price of {price}"
    empty = [name for name, sizes in sides if not sum(sizes) > 0]
    if len(empty) == 2:
        return "the book is empty"
    if empty:
        return f"the book has no {empty[0]}s"
    if bid_prices and ask_prices and not bid_prices[0] < ask_prices[0]:
        return f"the book is crossed: bid {bid_prices[0]:g}, ask {ask_prices[0]:g}"
    return "the sizes of the book are no sum, or its levels are out of order"
