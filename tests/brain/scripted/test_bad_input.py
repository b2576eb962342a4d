"""What bad input gets: the layer is UNKNOWN with a reason, nothing is traded, and it goes on once that is mended."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan
from typing import Any

import msgspec
import pytest

from schemas import codec, topology
from schemas.messages import Side
from tests.brain.scripted.market import NAME, STATES, Market, settings_of
from tests.brain.scripted.support import QUICK, S, quick, said

TRUST = "the engine does not trust its book"


# the book


BOOKS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"bid_prices": [], "bid_sizes": [], "ask_prices": [], "ask_sizes": []}, ("BOOK_INVALID", "bid nan, ask nan")),
    ({"bid_prices": [], "bid_sizes": []}, ("BOOK_INVALID", "bid nan, ask 64010")),
    ({"ask_prices": [], "ask_sizes": []}, ("BOOK_INVALID", "bid 64000, ask nan")),
    ({"bid_prices": [64_011.0] * 5}, ("BOOK_INVALID", "bid 64011, ask 64010")),
    ({"bid_prices": [64_010.0] * 5}, ("BOOK_INVALID", "bid 64010, ask 64010")),
    ({"bid_prices": [0.0] * 5, "ask_prices": [0.0] * 5}, ("BOOK_INVALID", "bid 0, ask 0")),
    ({"bid_prices": [0.0] * 5}, ("BOOK_INVALID", "bid 0, ask 64010")),
    ({"bid_prices": [-inf] * 5}, ("BOOK_INVALID", "bid -inf, ask 64010")),
    ({"ask_prices": [inf] * 5}, ("BOOK_INVALID", "bid 64000, ask inf")),
    ({"bid_prices": [nan] * 5}, ("BOOK_INVALID", "bid nan, ask 64010")),
    ({"book_valid": False}, ("BOOK_INVALID", TRUST)),
    ({"bid_sizes": [nan] * 5}, ("LAYER_UNKNOWN", "order flow: the bids have a size of nan")),
    ({"ask_sizes": [1.0, 1.0, inf, 1.0, 1.0]}, ("LAYER_UNKNOWN", "order flow: the asks have a size of inf")),
    ({"ask_sizes": [-1.0] * 5}, ("LAYER_UNKNOWN", "order flow: the asks have a size of -1.0")),
    ({"bid_sizes": [0.0] * 5, "ask_sizes": [0.0] * 5}, ("LAYER_UNKNOWN", "order flow: the book is empty")),
    ({"bid_sizes": [0.0] * 5}, ("LAYER_UNKNOWN", "order flow: the book has no bids")),
    ({"ask_sizes": [0.0] * 5}, ("LAYER_UNKNOWN", "order flow: the book has no asks")),
]


@pytest.mark.parametrize(("changes", "why"), BOOKS, ids=[str(changes) for changes, _ in BOOKS])
def test_a_book_that_is_none_is_not_traded_on_and_the_next_is(changes: dict[str, Any], why: tuple[str, str]) -> None:
    market = quick()
    market.speak()
    market.tick(**changes)
    decision = market.turn()
    assert decision is not None
    assert (decision.why_not, decision.contracts) == (why[0], None)
    assert why[1] in decision.why_not_text
    assert "order_flow.imbalance" in {each.part for each in decision.unknown}
    assert {frame.book_imbalance for frame in decision.frames} == {None}
    sent = codec.decode_decision(codec.encode_decision(decision))
    assert sent == decision, "whoever reads it can"
    assert said(market) == ("", "")


def test_the_screen_reads_a_decision_on_a_book_without_prices() -> None:
    market = quick()
    market.speak()
    market.tick(bid_prices=[], bid_sizes=[], ask_prices=[], ask_sizes=[])
    decision = market.turn()
    assert decision is not None
    assert decision.price == 0.0
    told = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(decision)))
    assert msgspec.convert(told, type(decision)) == decision


# trades


def test_missing_trades_are_asked_for_and_their_coming_mends_it() -> None:
    market = quick()
    market.trade_id += 3
    assert said(market) == ("LAYER_UNKNOWN", "order flow: trades 2 to 4 are missing")
    assert market.mind.wanted() == [topology.trades(NAME)]
    assert market.decisions[-1].frames[0].trade_pressure is None
    market.trades([1, 2, 4, 5], since_id=0, side=Side.SELL, size=1.0)  # 3 is part of 4, or there is none
    assert said(market) == ("", "")
    assert market.mind.wanted() == []
    assert market.decisions[-1].frames[0].trade_pressure == 15 / 17, "5 + 5 + 5 bought; 2 and 4 sold, 1 and 5 known"


def test_a_filling_that_does_not_reach_far_enough_leaves_the_rest_missing() -> None:
    market = quick()
    market.trade_id += 3
    market.speak()
    market.trades([4, 5], since_id=3)
    assert said(market) == ("LAYER_UNKNOWN", "order flow: trades 2 to 3 are missing")
    market.trades([2, 3], since_id=1)
    assert said(market) == ("", "")


def test_what_is_missing_leaves_the_window_with_its_time() -> None:
    market = quick()
    market.trade_id += 3
    assert said(market)[0] == "LAYER_UNKNOWN"
    assert said(market, 31) == ("", "")


@pytest.mark.parametrize("since_id", [-(2**63), -1, 0, 2**63 - 1])
def test_a_filling_from_nowhere_hurts_nobody(since_id: int) -> None:
    market = quick()
    market.trades([-5, 0, 1], since_id=since_id)
    market.trades([], since_id=since_id)
    assert said(market) == ("", "")


TRADES: list[dict[str, Any]] = [
    {"size": nan}, {"size": inf}, {"size": -inf}, {"size": 0.0}, {"size": -1.0}, {"size": 1e300}, {"price": nan},
    {"price": inf}, {"price": 0.0}, {"price": -1.0}, {"side": Side.NONE}, {"exchange_ns": 0}, {"exchange_ns": -S},
    {"trade_id": 1},
]  # fmt: skip


@pytest.mark.parametrize("changes", TRADES, ids=str)
def test_a_trade_that_is_none_or_was_told_before_counts_nothing(changes: dict[str, Any]) -> None:
    market = quick()
    market.trade(**{"side": Side.SELL, "size": 1e6, "trade_id": 1_000} | changes)  # type: ignore[arg-type]
    market.trade_id = 1
    assert said(market) == ("", "")
    assert market.decisions[-1].frames[0].trade_pressure == 1.0


def test_trades_out_of_order_count_like_those_in_order() -> None:
    market, other = quick(), quick()
    for each in (market, other):
        each.wait(3)
    later = [{"side": Side.SELL if k % 2 else Side.BUY, "size": float(k), "trade_id": k} for k in range(2, 10)]
    for changes in later:
        market.trade(exchange_ns=market.venue_ns + changes["trade_id"], **changes)  # type: ignore[arg-type]
    for k in (3, 1, 0, 7, 5, 6, 2, 4, 4, 0):
        other.trade(exchange_ns=other.venue_ns + later[k]["trade_id"], **later[k])  # type: ignore[arg-type]
    market.trade_id = other.trade_id = 9
    assert said(market) == said(other) == ("", "")
    assert market.decisions[-1].frames == other.decisions[-1].frames
    assert market.decisions[-1].frames[0].trade_pressure == 30 / 54


# payloads that are none


@pytest.mark.parametrize("topic", list(Market().mind.handlers))
def test_a_wrong_payload_is_malformed_and_nothing_else(topic: str) -> None:
    market = quick()
    good = [each for kind, where, *rest in market.log if kind == "message" and where == topic for each in rest]
    wrong = [b"", b"\x00", b"\xff" * 7, bytes(64), b"\xff" * 300, b"{}", *(each[: len(each) // 2] for each in good)]
    for payload in wrong:
        market.hear(topic, payload)
    kinds_of_bytes = len(wrong) - market.malformed
    assert kinds_of_bytes <= 2, "empty bytes are a Protobuf message without a field"
    market.trade_id = 1
    market.states(*STATES)
    assert said(market) == ("", "")


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("account", {"equity": Decimal("1E+999999")}),
        ("account", {"realised": Decimal("-1E+999999")}),
        ("engine", {"lot": Decimal("1E-999999")}),
        ("engine", {"max_order_contracts": Decimal("1E+40")}),
    ],
    ids=str,
)
def test_an_amount_that_nobody_can_mean_is_malformed(state: str, changes: dict[str, Decimal]) -> None:
    market = quick()
    other = Market()
    other.terms(**changes) if state == "engine" else [setattr(other, *each) for each in changes.items()]
    other.states(state)
    market.hear(*other.log[-1][1:])
    assert market.malformed == 1
    assert said(market) == ("", "")


# states and clocks


@pytest.mark.parametrize("state", sorted(STATES))
def test_a_state_that_is_not_heard_or_too_old_is_unknown(state: str) -> None:
    market = Market(settings_of(sizing=QUICK))
    market.silent = {state}
    assert said(market) == ("STATE_UNKNOWN", f"state.{state} not heard yet")
    market.silent, market.reachable = set(), False
    assert said(market)[0] == "ENGINE_UNREACHABLE"
    market.silent, market.reachable = {state}, True
    market.wait(2.001)
    assert said(market) == ("STATE_UNKNOWN", f"state.{state} is 3.0 s old")
    market.silent = set()
    assert said(market) == ("", "")


@pytest.mark.parametrize(("hours", "daily_loss_pct"), [(5, 2.5), (30, 0)])
def test_a_wall_clock_that_jumps_ahead_makes_no_other_decision(hours: int, daily_loss_pct: float) -> None:
    settings = settings_of(sizing=QUICK | {"max_daily_loss_pct": daily_loss_pct})
    plain, jumping = Market(settings), Market(settings)
    found = []
    for market, jump_ns in ((plain, 0), (jumping, hours * 3_600 * S)):
        decisions = [market.step()]
        market.ack()
        market.wall_ns += jump_ns
        decisions.append(market.step())
        market.close("-3")
        decisions += [market.step(), market.step(31)]
        market.wall_ns -= jump_ns
        market.ack()
        decisions.append(market.step(400))
        found.append([(d.why_not, d.why_not_text, d.direction, d.contracts, d.frames, d.unknown) for d in decisions])
    assert found[0] == found[1]
    assert [why_not for why_not, *_ in found[0]] == ["", "IN_POSITION", "", "WAITING_FOR_REPLY", "IN_POSITION"]


@pytest.mark.parametrize("hours", [2, 30])
def test_a_wall_clock_that_jumps_back_has_the_venue_in_the_future_and_decides_nothing_but_that(hours: int) -> None:
    market = Market(settings_of(sizing=QUICK | {"max_daily_loss_pct": 0}))
    market.reachable = False
    market.step()
    market.taker, taker = None, market.taker  # a trade would be refused, and missing
    market.wall_ns -= hours * 3_600 * S
    assert said(market) == ("LAYER_UNKNOWN", f"order flow: the venue's time is {hours * 3_600} s ahead of ours")
    market.wall_ns += hours * 3_600 * S
    market.taker, market.reachable = taker, True
    assert said(market) == ("", "")


def test_two_turns_at_the_same_instant_are_two_turns() -> None:
    market = quick()
    market.reachable = False
    market.speak()
    first = market.turn()
    market.tick()
    second = market.turn()
    assert market.turn() is None, "without a tick that is new there is no decision"
    assert first is not None
    assert second is not None
    assert (first.why_not, second.why_not) == ("ENGINE_UNREACHABLE", "ENGINE_UNREACHABLE")
    assert second.sequence == first.sequence + 1
    assert second.mono_ns == first.mono_ns


def test_a_clock_that_was_a_day_ahead_leaves_the_day_s_loss_unknown_until_that_day() -> None:
    market = quick()
    market.wall_ns += 24 * 3_600 * S
    market.reachable = False
    market.step()
    market.wall_ns -= 24 * 3_600 * S
    market.reachable = True
    assert said(market) == ("STATE_UNKNOWN", "the day's result is not known, and the daily loss is limited")
    market.wall_ns += 24 * 3_600 * S
    assert said(market) == ("", "")
