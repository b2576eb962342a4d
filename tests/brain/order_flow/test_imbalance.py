from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.imbalance import book_imbalance, weighted_imbalance, why_unknown

SIZES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20)
NAN, INF = math.nan, math.inf


def ladder(first: float, step: float, count: int) -> list[float]:
    return [first + step * number for number in range(count)]


def weighted(bids: Sequence[float], asks: Sequence[float], levels: int = 5, scale_bps: float = 1.0) -> float | None:
    bid_prices, ask_prices = ladder(99.995, -0.01, len(bids)), ladder(100.005, 0.01, len(asks))
    return weighted_imbalance(bid_prices, bids, ask_prices, asks, levels=levels, scale_bps=scale_bps)


def test_only_the_best_levels_count() -> None:
    assert book_imbalance([3.0, 100.0], [1.0, 50.0], 1) == 0.75
    assert book_imbalance([3.0, 1.0], [1.0, 3.0], 2) == 0.5


BROKEN: list[tuple[list[float], list[float], str]] = [
    ([], [], "the book is empty"),
    ([0.0], [0.0], "the book is empty"),
    ([], [1.0], "the book has no bids"),
    ([0.0, 0.0], [1.0], "the book has no bids"),
    ([1.0], [], "the book has no asks"),
    ([NAN], [1.0], "the bids have a size of nan"),
    ([1.0], [1.0, NAN], "the asks have a size of nan"),
    ([INF], [1.0], "the bids have a size of inf"),
    ([1.0], [-INF], "the asks have a size of -inf"),
    ([5.0, -1.0], [1.0], "the bids have a size of -1.0"),
    ([1.7e308] * 3, [1.0], "the sizes of the book are no sum, or its levels are out of order"),
]  # fmt: skip


@pytest.mark.parametrize(("bids", "asks", "why"), BROKEN)
def test_an_imbalance_that_cannot_be_known_says_why(bids: list[float], asks: list[float], why: str) -> None:
    assert book_imbalance(bids, asks, 5) is None
    assert weighted(bids, asks, scale_bps=1e9) is None
    assert why_unknown(bids, asks, 5) == why


def test_a_bad_size_beyond_the_levels_that_count_disturbs_nothing() -> None:
    assert book_imbalance([3.0, NAN], [1.0, -1.0], 1) == 0.75
    assert weighted([3.0, NAN], [1.0, -1.0], levels=1) == 0.75


@pytest.mark.parametrize(
    ("bid_prices", "ask_prices", "why"),
    [
        ([NAN], [100.0], "the bids have a price of nan"),
        ([99.0], [INF], "the asks have a price of inf"),
        ([0.0], [100.0], "the bids have a price of 0.0"),
        ([100.0], [99.0], "the book is crossed: bid 100, ask 99"),
        ([99.0, 101.0], [100.0, 101.0], "the sizes of the book are no sum, or its levels are out of order"),
        ([99.0, 98.0], [100.0, 99.0], "the sizes of the book are no sum, or its levels are out of order"),
    ],
)
def test_prices_that_make_no_sense_are_unknown_to_the_weighted_one(
    bid_prices: list[float], ask_prices: list[float], why: str
) -> None:
    sizes = [1.0] * len(bid_prices)
    assert weighted_imbalance(bid_prices, sizes, ask_prices, sizes, levels=5, scale_bps=1.0) is None
    assert why_unknown(sizes, sizes, 5, bid_prices, ask_prices) == why


def test_a_level_a_scale_farther_off_counts_1_over_e() -> None:
    # mid 100: the touch at 0.5 bps, the next levels at 1.5 bps
    share = weighted([1.0, 1.0], [1.0, 0.0], scale_bps=1.0)
    assert share == pytest.approx((1 + 1 / math.e) / (2 + 1 / math.e), rel=1e-9)


@given(SIZES, SIZES, st.integers(1, 20))
def test_with_a_scale_beyond_the_book_the_weighted_one_is_the_plain_one(
    bids: list[float], asks: list[float], levels: int
) -> None:
    assert weighted(bids, asks, levels, 1e9) == pytest.approx(book_imbalance(bids, asks, levels), rel=1e-6)


@given(SIZES, SIZES, st.integers(1, 20), st.floats(0.1, 100))
def test_the_weighted_one_is_a_share_that_turns_around_with_the_book(
    bids: list[float], asks: list[float], levels: int, scale_bps: float
) -> None:
    share, mirrored = weighted(bids, asks, levels, scale_bps), weighted(asks, bids, levels, scale_bps)
    assert share is not None and mirrored is not None
    assert 0.0 <= share <= 1.0
    assert share + mirrored == pytest.approx(1.0)


ANY = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4)


@given(ANY, ANY, ANY, ANY, st.integers(1, 5))
def test_any_book_is_a_share_or_unknown_with_a_reason(
    bid_prices: list[float], bids: list[float], ask_prices: list[float], asks: list[float], levels: int
) -> None:
    for share in (
        book_imbalance(bids, asks, levels),
        weighted_imbalance(bid_prices, bids, ask_prices, asks, levels=levels, scale_bps=1.0),
    ):
        assert share is None or 0.0 <= share <= 1.0
    assert why_unknown(bids, asks, levels, bid_prices, ask_prices)


@pytest.mark.parametrize("arguments", [{"levels": 0, "scale_bps": 1.0}, {"levels": 1, "scale_bps": 0.0}])
def test_no_levels_and_no_scale_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needed"):
        weighted_imbalance([1.0], [1.0], [2.0], [1.0], **arguments)
