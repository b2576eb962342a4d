"""A market that must trade does: which way, how large, and again once the trade is over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.messages import DecidedOn, OrderRequest, RejectCode, Side
from schemas.settings import Settings
from tests.brain.scripted.market import ASK, BID, NAME, Market, settings_of
from tests.brain.scripted.replay import bytes_of, replayed
from tests.brain.scripted.support import QUICK

FRAMES = [("5m",), ("5m", "15m"), ("5m", "15m", "1H")]


def settings_with(*frames: str, **sizing: object) -> Settings:
    return settings_of(brain={"frames": frames, "primary": frames[0]}, sizing=sizing)


@pytest.mark.parametrize("frames", FRAMES, ids=len)
@pytest.mark.parametrize(
    ("side", "price", "contracts"),
    [(1, ASK, Decimal("7.811")), (-1, BID, Decimal("7.812"))],  # 0.5 % of 1,000,000 over 640.10 and 640.00, on the lot
)
def test_a_market_that_must_trade_does_with_the_exact_size(
    frames: tuple[str, ...], side: int, price: float, contracts: Decimal
) -> None:
    market = Market(settings_with(*frames), side=side)
    decision = market.step()
    assert (decision.why_not, decision.direction, decision.price) == ("", side, price)
    assert (decision.contracts, decision.intent_id) == (contracts, "i1")
    assert [frame.frame for frame in decision.frames] == list(frames)
    assert {(f.trend_vote, f.book_vote, f.flow_vote, f.direction) for f in decision.frames} == {(side,) * 4}
    assert market.order == OrderRequest(
        intent_id="i1", instrument=NAME, side=Side.BUY if side > 0 else Side.SELL, contracts=contracts, tp_pct=0.6,
        sl_pct=0.4, decided_on=DecidedOn(tick_sequence=market.ticks, timestamp_ns=market.wall_ns),
        created_ns=market.wall_ns,
    )  # fmt: skip


def test_two_scores_of_three_are_enough_and_one_is_not() -> None:
    market = Market()
    market.taker = None
    assert market.step().contracts == Decimal("7.811")
    market = Market()
    market.taker, market.bids = None, [1.0] * 5
    assert market.step().why_not == "NO_DIRECTION"


def trade(market: Market, result: str) -> list[str]:
    """One trade from its entry to its end by TP or SL; what the mind said at each step."""
    market.ack()
    said = [market.step().why_not]
    market.close(result)
    return [*said, market.step().why_not]


@pytest.mark.parametrize("side", [1, -1])
def test_after_a_trade_that_won_the_next_waits_for_the_cooldown_alone(side: int) -> None:
    market = Market(side=side)
    assert market.step().why_not == ""
    assert trade(market, "30") == ["IN_POSITION", "COOLDOWN"]
    assert [market.step(seconds).why_not for seconds in (57, 0.999)] == ["COOLDOWN", "COOLDOWN"]
    decision = market.step(0.001)
    assert (decision.why_not, decision.intent_id, decision.direction) == ("", "i2", side)
    assert decision.contracts == {1: Decimal("7.811"), -1: Decimal("7.812")}[side]  # 29 USDT more are no lot


def test_after_a_trade_that_lost_it_waits_longer_and_enters_with_what_is_left() -> None:
    market = Market()
    market.step()
    assert trade(market, "-9999") == ["IN_POSITION", "LOSS_COOLDOWN"]
    assert [market.step(119).why_not, market.step(1).why_not] == ["LOSS_COOLDOWN", ""]
    assert market.decisions[-1].contracts == Decimal("7.733")  # 0.5 % of 990,000 over 640.10


def test_a_violation_halves_the_size_down_to_a_64th_and_each_ack_doubles_it() -> None:
    market = Market(settings_with("5m", "15m", **QUICK))
    sizes = [market.step().contracts]
    for _ in range(7):
        market.reject(RejectCode.RISK_VIOLATION)
        sizes.append(market.step().contracts)
    wanted = ["7.811", "3.905", "1.952", "0.976", "0.488", "0.244", "0.122", "0.122"]
    assert sizes == [Decimal(each) for each in wanted]
    for size in ["0.244", "0.488"]:
        assert trade(market, "5")[0] == "IN_POSITION"
        assert market.decisions[-1].contracts == Decimal(size)


def test_other_refusals_leave_the_size_as_it_is() -> None:
    market = Market(settings_with("5m", "15m", **QUICK))
    market.step()
    market.reject(RejectCode.SLIPPAGE)
    assert market.step().contracts == Decimal("7.811")


def test_what_the_engine_allows_is_never_exceeded_and_a_little_stays_free() -> None:
    market = Market(settings_with("5m", "15m", **QUICK))
    for largest, size in (("100", "7.811"), ("4", "3.980"), ("2", "1.990"), ("0.011", "0.010"), ("4", "3.980")):
        market.terms(max_order_contracts=Decimal(largest))
        assert market.step().contracts == Decimal(size)
        market.reject(RejectCode.RATE_LIMIT)


def test_an_order_that_the_link_does_not_take_is_none_and_the_next_is_sent() -> None:
    market = Market()
    market.link_takes = False
    decision = market.step()
    assert (decision.why_not, decision.contracts) == ("ENGINE_UNREACHABLE", None)
    assert decision.why_not_text == "the order could not be sent"
    market.link_takes = True
    assert market.step().why_not == ""


def test_the_same_market_makes_the_same_bytes_in_another_mind() -> None:
    market = Market(side=-1)
    market.step()
    trade(market, "-5")
    for seconds in (50, 400, 900):
        market.step(seconds)
    assert [bytes_of(each) for each in replayed(market.log, market.settings)] == [
        bytes_of(each) for each in market.decisions
    ]
    assert [each.why_not for each in market.decisions[-3:]] == ["LOSS_COOLDOWN", "", "WAITING_FOR_REPLY"]
