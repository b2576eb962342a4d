"""Liquidation by tiers: a large position is reduced only until it is held again, unless the rule says otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.instrument import notional, sz_text
from engine.exchange.intake import Refused
from tests.engine.exchange.clients import Door, Line, hedged
from tests.engine.exchange.support import Venue
from tests.engine.exchange.test_money import TIERS, moved

FIRST, SECOND = (tier.max_lots for tier in TIERS)
RULES: dict[str, Any] = {"tiers": TIERS, "default_lever": Decimal(50)}
DANGER = {"buy": 633_000, "sell": 647_000}
"""Where 50 contracts of 64,000 at 50 times have too little for the second tier, and 10 enough for the first."""


def forced(door: Door) -> list[tuple[str, str, str]]:
    """Orders of liquidations, oldest first."""
    rows = door("GET", "trade/orders-history?instType=SWAP")["data"]
    return [(row["category"], row["side"], row["accFillSz"]) for row in rows[::-1] if row["category"] != "normal"]


@pytest.mark.parametrize(("side", "other", "sub_type"), [("buy", "sell", "103"), ("sell", "buy", "102")])
def test_a_position_of_the_second_tier_is_reduced_to_the_first_if_that_is_enough(
    side: str, other: str, sub_type: str
) -> None:
    door = Door(**RULES)
    venue, account = door.venue, door.venue.exchange.account
    venue.place(side=side, sz="50")
    cash = account.cash()
    moved(venue, DANGER[side])
    assert forced(door) == [("partial_liquidation", other, "40")]
    assert abs(venue.held) == FIRST
    (bill,) = door("GET", "account/bills?type=5")["data"]
    assert (bill["subType"], bill["sz"]) == (sub_type, "40")
    behind, required = account.behind(account.positions["isolated"], venue.exchange.market.mark)
    assert behind >= required
    assert account.cash() >= cash
    moved(venue, DANGER[side])
    assert abs(venue.held) == FIRST  # held: it stays


def test_what_the_first_tier_cannot_hold_either_is_closed_whole_step_by_step() -> None:
    door = Door(**RULES)
    door.venue.place(sz="50")
    moved(door.venue, 600_000)
    assert forced(door) == [("partial_liquidation", "sell", "40"), ("full_liquidation", "sell", "10")]
    assert door.venue.held == 0
    assert [row["subType"] for row in door("GET", "account/bills?type=5")["data"]] == ["107", "103"]


def test_the_rule_can_close_all_of_it_at_once() -> None:
    door = Door(**RULES, liquidation="whole")
    door.venue.place(sz="50")
    moved(door.venue, DANGER["buy"])
    assert (forced(door), door.venue.held) == ([("full_liquidation", "sell", "50")], 0)


def test_a_position_of_the_first_tier_is_closed_whole() -> None:
    door = Door(**RULES)
    door.venue.place(sz="10")
    moved(door.venue, 629_000)
    assert forced(door) == [("full_liquidation", "sell", "10")]


@pytest.mark.parametrize(("direction", "side", "sub_type"), [("long", "buy", "100"), ("short", "sell", "101")])
def test_in_hedge_mode_only_the_direction_in_danger_is_reduced(direction: str, side: str, sub_type: str) -> None:
    door = hedged(**RULES)
    other, opens = ("short", "sell") if direction == "long" else ("long", "buy")
    door.venue.place(side=side, posSide=direction, sz="50")
    door.venue.place(side=opens, posSide=other, sz="3")
    moved(door.venue, DANGER[side])
    rows = door("GET", "account/positions")["data"]
    assert {row["posSide"]: row["pos"] for row in rows} == {direction: "10", other: "3"}
    (bill,) = door("GET", "account/bills?type=5")["data"]
    assert (bill["subType"], bill["sz"]) == (sub_type, "40")


def test_the_reduction_is_pushed_as_a_liquidation_and_what_remains_with_it() -> None:
    line = Line("private", Venue(**RULES))
    line.login()
    line.venue.place(sz="50")
    line.tick()
    line.ask("subscribe", {"channel": "balance_and_position"}, {"channel": "orders", "instType": "SWAP"})
    moved(line.venue, DANGER["buy"])
    pushed = line.tick()
    orders = [m["data"][0] for m in pushed if m["arg"]["channel"] == "orders"]
    assert [(row["category"], row["state"]) for row in orders] == [
        ("partial_liquidation", "live"), ("partial_liquidation", "filled"),
    ]  # fmt: skip
    both = [m["data"][0] for m in pushed if m["arg"]["channel"] == "balance_and_position"]
    assert [(row["eventType"], row["posData"][0]["pos"]) for row in both] == [("liquidation", "10")]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["net", "hedge"]),
    st.lists(
        st.tuples(st.sampled_from(["cross", "isolated"]), st.sampled_from(["buy", "sell"]), st.integers(1, SECOND)),
        min_size=1, max_size=4,
    ),
    st.integers(20, 50),
    st.lists(st.integers(560_000, 720_000), min_size=1, max_size=4),
)  # fmt: skip
def test_it_goes_down_by_whole_tiers_no_further_than_it_must_and_no_money_is_lost(
    mode: str, orders: list[Any], lever: int, prices: list[int]
) -> None:
    door = (hedged if mode == "hedge" else Door)(tiers=TIERS, default_lever=Decimal(lever))
    venue, account, desk = door.venue, door.venue.exchange.account, door.venue.exchange.desk
    for td_mode, side, lots in orders:
        pos_side = {} if mode == "net" else {"posSide": "long" if side == "buy" else "short"}
        try:
            venue.place(tdMode=td_mode, side=side, sz=sz_text(lots), **pos_side)
        except Refused:
            continue
    for price in prices:
        before = {slot: abs(position.lots) for slot, position in account.slots.items()}
        done = len(desk.orders.history(0))
        moved(venue, price)
        mark = venue.exchange.market.mark
        fresh = desk.orders.history(0)[: len(desk.orders.history(0)) - done]
        for slot, position in account.slots.items():
            closes = [order for order in reversed(fresh) if order.terms.slot == slot]
            assert sum(order.lots for order in closes) == before[slot] - abs(position.lots)
            if slot.mode == "isolated" or mode == "net":
                at = before[slot]
                for order in closes:
                    at -= order.lots
                    kind = "partial_liquidation" if at else "full_liquidation"
                    assert (order.terms.category, at in (FIRST, 0)) == (kind, True)
            if position.lots:
                behind, required = account.behind(position, mark)
                assert behind >= required
        fills, entries = desk.orders.fills, desk.ledger.bills
        flow = sum(notional(f.lots, f.px) * (1 if f.side == "sell" else -1) for f in fills) + sum(f.fee for f in fills)
        paid = sum(bill.pnl for bill in entries if not bill.trade_id)
        value = sum(notional(p.lots, mark) for p in account.open_positions())
        assert account.equity(mark) == 100_000 + flow + paid + value
        assert account.cash() >= 0
