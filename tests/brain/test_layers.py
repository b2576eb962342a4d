"""Layers 1 to 3: scores and votes, pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.algorithms.frames import confirm
from brain.algorithms.votes import combine, share_vote, trend_vote
from brain.order_flow.imbalance import book_imbalance
from brain.order_flow.pressure import TradeWindow
from brain.price_action.trend import trend_score
from brain.reasons import Reason

S = 1_000_000_000
PRICES = st.lists(st.floats(1, 1e6), min_size=1, max_size=40)
SIZES = st.lists(st.floats(0, 1e6), max_size=20)
SIGNS = st.sampled_from([-1, 0, 1])


def test_the_trend_is_the_change_over_the_lookback_in_percent() -> None:
    assert trend_score([100.0, 90.0, 101.5], 2) == pytest.approx(1.5)
    assert trend_score([100.0, 90.0, 101.5], 1) == pytest.approx(12.7778, abs=1e-4)


@pytest.mark.parametrize("closes", [[], [1.0], [1.0, math.nan], [math.inf, 1.0], [0.0, 1.0], [-1.0, 1.0]])
def test_a_trend_that_cannot_be_known_is_none(closes: list[float]) -> None:
    assert trend_score(closes, 1) is None


@given(PRICES, st.integers(1, 10), st.floats(0.1, 10))
def test_the_trend_looks_at_two_closes_only_and_not_at_the_unit_of_price(
    closes: list[float], lookback: int, scale: float
) -> None:
    score = trend_score(closes, lookback)
    if score is None:
        assert len(closes) <= lookback
        return
    assert trend_score(closes[-1 - lookback :], lookback) == score
    assert trend_score([close * scale for close in closes], lookback) == pytest.approx(score, rel=1e-9, abs=1e-9)


def test_the_imbalance_is_the_bid_share_of_the_best_levels() -> None:
    assert book_imbalance([3.0, 100.0], [1.0, 0.0], 1) == 0.75


@pytest.mark.parametrize(("bids", "asks"), [([], []), ([], [1.0]), ([0.0], [0.0]), ([math.nan], [1.0])])
def test_an_imbalance_that_cannot_be_known_is_none(bids: list[float], asks: list[float]) -> None:
    assert book_imbalance(bids, asks, 5) is None


@given(SIZES, SIZES, st.integers(1, 20))
def test_the_imbalance_is_a_share_and_turns_around_with_the_book(
    bids: list[float], asks: list[float], levels: int
) -> None:
    share, mirrored = book_imbalance(bids, asks, levels), book_imbalance(asks, bids, levels)
    if share is None or mirrored is None:
        assert share is mirrored is None
        return
    assert 0.0 <= share <= 1.0
    assert share + mirrored == pytest.approx(1.0)


def pressure_of(trades: Sequence[tuple[int, float, bool]], window_ns: int, now_ns: int) -> float | None:
    inside = [(size, bought) for when, size, bought in trades if when > now_ns - window_ns]
    total = sum(size for size, _ in inside)
    return sum(size for size, bought in inside if bought) / total if total else None


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 10_000), st.booleans()), max_size=30))
def test_the_pressure_is_the_buy_share_of_what_is_inside_the_window_at_every_trade(
    rows: list[tuple[int, int, bool]],
) -> None:
    window, seen = TradeWindow(10 * S), []
    for second, hundredths, bought in sorted(rows):
        seen.append((second * S, hundredths / 100, bought))
        window.add(second * S, hundredths / 100, bought=bought)
        expected = pressure_of(seen, 10 * S, second * S)
        assert window.pressure() == pytest.approx(expected)


def test_the_pressure_is_unknown_when_the_window_has_run_empty() -> None:
    window = TradeWindow(10 * S)
    assert window.pressure() is None
    window.add(S, 1.0, bought=True)
    assert window.pressure() == 1.0
    window.advance(11 * S)
    assert window.pressure() is None


@pytest.mark.parametrize("size", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_size_and_what_is_too_old_is_not_traded(size: float) -> None:
    window = TradeWindow(10 * S)
    window.add(100 * S, size, bought=True)
    window.advance(100 * S)
    window.add(90 * S, 1.0, bought=True)
    assert window.pressure() is None


@given(st.none() | st.floats(-10, 10))
def test_the_trend_votes_beyond_its_threshold_and_turns_around_with_the_market(score: float | None) -> None:
    vote = trend_vote(score, 1.0)
    assert vote == (0 if score is None or abs(score) <= 1.0 else int(math.copysign(1, score)))


@given(st.none() | st.floats(0, 1))
def test_a_share_votes_beyond_its_threshold_for_either_side(share: float | None) -> None:
    vote = share_vote(share, 0.6)
    assert vote == 0 if share is None else vote == (share > 0.6) - (1 - share > 0.6)


@given(st.lists(SIGNS, min_size=3, max_size=3), st.integers(1, 3))
def test_the_combiner_needs_agreement_and_is_symmetric(votes: list[int], needed: int) -> None:
    direction = combine(votes, needed)
    assert combine([-vote for vote in votes], needed) == -direction
    if direction:
        assert votes.count(direction) >= needed
        assert votes.count(direction) > votes.count(-direction)
    elif needed >= 2:
        assert max(votes.count(1), votes.count(-1)) < needed


@given(st.dictionaries(st.sampled_from(["5m", "15m", "1H"]), SIGNS, min_size=1).filter(lambda d: "5m" in d))
def test_a_confirmed_direction_has_the_majority_and_the_primary(directions: dict[str, int]) -> None:
    direction, why_not = confirm(directions, "5m")
    assert (direction == 0) == (why_not is not None)
    if direction:
        assert directions["5m"] == direction
        assert list(directions.values()).count(direction) * 2 > len(directions)
    mirrored, _ = confirm({frame: -each for frame, each in directions.items()}, "5m")
    assert mirrored == -direction


@pytest.mark.parametrize(
    ("directions", "reason"),
    [
        ({"5m": 0, "15m": 0}, Reason.NO_DIRECTION),
        ({"5m": 1, "15m": -1}, Reason.FRAMES_DISAGREE),
        ({"5m": 1, "15m": 0}, Reason.FRAMES_DISAGREE),
        ({"5m": 0, "15m": 1, "1H": 1}, Reason.PRIMARY_DISAGREES),
    ],
)
def test_frames_that_do_not_confirm_say_why(directions: dict[str, int], reason: Reason) -> None:
    _, why_not = confirm(directions, "5m")
    assert why_not is not None
    assert why_not.reason is reason
