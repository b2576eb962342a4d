"""Hedge mode's money: leverage, margin, funding and liquidation of each direction, and that none of it is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.exchange.bills import FUNDING
from engine.exchange.instrument import notional, px_text, sz_text
from engine.exchange.intake import Refused
from engine.exchange.notes import MoneyNote
from engine.exchange.orders import Slot
from engine.exchange.sizing import largest_order
from tests.engine.exchange.clients import Door, Line, hedged
from tests.engine.exchange.support import Venue
from tests.engine.exchange.test_money import TIERS, moved, to_funding

SWAP = {"instId": "BTC-USDT-SWAP"}
OPENS = {"long": "buy", "short": "sell"}
CLOSES = {"long": "sell", "short": "buy"}


def opened(venue: Venue, direction: str, sz: str, mode: str = "isolated", **more: Any) -> Any:
    return venue.place(**{"side": OPENS[direction], "posSide": direction, "sz": sz, "tdMode": mode, **more})


def lots(venue: Venue) -> dict[tuple[str, str], int]:
    return {tuple(position.slot): position.lots for position in venue.exchange.account.open_positions()}


def levers(door: Door) -> list[tuple[str, str, str]]:
    rows = door("GET", "account/leverage-info?instId=BTC-USDT-SWAP&mgnMode=cross,isolated")["data"]
    return [(row["mgnMode"], row["posSide"], row["lever"]) for row in rows]


def set_lever(door: Door, mode: str, lever: str, **side: str) -> str:
    return str(door("POST", "account/set-leverage", {**SWAP, "mgnMode": mode, "lever": lever, **side})["code"])


# -- leverage and margin ----------------------------------------------------------------------------------------------


def test_isolated_long_and_short_have_a_leverage_each_and_cross_has_one() -> None:
    door = hedged()
    assert (set_lever(door, "isolated", "5", posSide="long"), set_lever(door, "cross", "7")) == ("0", "0")
    assert set_lever(door, "cross", "8", posSide="long") == "51000"
    assert levers(door) == [
        ("cross", "long", "7"), ("cross", "short", "7"), ("isolated", "long", "5"), ("isolated", "short", "3"),
    ]  # fmt: skip
    door.venue.place(posSide="long", sz="3")
    door.venue.place(posSide="short", side="sell", sz="3")
    rows = door("GET", "account/positions")["data"]
    assert [(row["posSide"], row["lever"], row["margin"]) for row in rows] == [
        ("long", "5", "384"), ("short", "3", "639.999"),
    ]  # fmt: skip
    assert door("POST", "account/set-position-mode", {"posMode": "net_mode"})["code"] == "59000"


def test_a_new_leverage_concerns_the_position_that_it_names() -> None:
    door = hedged()
    opened(door.venue, "long", "3")
    opened(door.venue, "short", "3", ordType="limit", px="64100")
    assert set_lever(door, "isolated", "6", posSide="short") == "59107"
    assert set_lever(door, "isolated", "6", posSide="long") == "0"
    (row,) = door("GET", "account/positions")["data"]
    assert (row["margin"], door("GET", "account/bills")["data"][0]["posBal"]) == ("320", "320")
    opened(door.venue, "long", "1", "cross", ordType="limit", px="63900")
    assert set_lever(door, "cross", "6") == "59107"  # its one leverage is that of both directions


def test_an_order_that_opens_is_margined_whatever_the_other_direction_holds() -> None:
    door = hedged()
    opened(door.venue, "long", "3")
    opened(door.venue, "short", "3", ordType="limit", px="64100")
    detail = door("GET", "account/balance")["data"][0]["details"][0]
    assert (detail["ordFrozen"], Decimal(detail["availBal"])) == ("641", Decimal("99999.04") - 640 - 641)
    opened(door.venue, "long", "3", side="sell", ordType="limit", px="64100")  # what closes freezes nothing
    assert door("GET", "account/balance")["data"][0]["details"][0]["ordFrozen"] == "641"
    with pytest.raises(Refused, match="51008"):
        opened(door.venue, "short", "500")


def test_the_tier_is_filled_by_each_direction_for_itself() -> None:
    venue = hedged(tiers=TIERS, default_lever=Decimal(50)).venue
    opened(venue, "long", "50")
    opened(venue, "short", "49")
    for direction, sz in (("long", "0.01"), ("short", "1.01")):
        with pytest.raises(Refused, match="51004"):
            opened(venue, direction, sz)
    opened(venue, "short", "1")
    assert lots(venue) == {("isolated", "long"): 5000, ("isolated", "short"): -5000}


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["long", "short"]), st.integers(1, 3000)), max_size=3),
    st.sampled_from(["long", "short"]),
    st.sampled_from(["cross", "isolated"]),
    st.sampled_from([3, 20, 100]),
)
def test_max_size_is_the_largest_order_that_opens(held: list[Any], direction: Any, mode: Any, lever: int) -> None:
    venue = hedged(default_lever=Decimal(lever), tiers=TIERS).venue
    moved(venue, 640_000)
    for one, count in held:
        if count <= largest_order(venue.exchange.desk, mode, OPENS[one], None, None):  # type: ignore[arg-type]
            opened(venue, one, sz_text(count), mode)
    most = largest_order(venue.exchange.desk, mode, OPENS[direction], None, None)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"51004|51008"):
        opened(venue, direction, sz_text(most + 1), mode)
    if most:
        assert opened(venue, direction, sz_text(most), mode).state == "filled"


def test_max_avail_size_with_reduce_only_is_what_closing_the_other_direction_frees() -> None:
    door = hedged()
    opened(door.venue, "long", "3", "cross")
    query = "account/max-avail-size?instId=BTC-USDT-SWAP&tdMode=cross&reduceOnly=true"
    (row,) = door("GET", query)["data"]
    assert (row["availBuy"], row["availSell"]) == ("0", "640")


# -- funding ----------------------------------------------------------------------------------------------------------


def test_funding_is_settled_for_each_direction_with_its_own_sign() -> None:
    door = hedged(funding_rates=(Decimal("0.0001"),))
    venue, account = door.venue, door.venue.exchange.account
    opened(venue, "long", "3")
    opened(venue, "short", "1")
    before = {slot: position.margin for slot, position in account.slots.items()}
    venue.exchange.notes.clear()
    to_funding(venue)
    long_, short = Slot("isolated", "long"), Slot("isolated", "short")
    assert account.slots[long_].margin - before[long_] == Decimal("-0.192")
    assert account.slots[short].margin - before[short] == Decimal("0.064")
    assert venue.exchange.notes == [MoneyNote("funding_fee", long_, ""), MoneyNote("funding_fee", short, "")]
    rows = reversed(door("GET", f"account/bills?type={FUNDING}")["data"])
    assert [(row["subType"], row["posBalChg"]) for row in rows] == [("173", "-0.192"), ("174", "0.064")]


# -- liquidation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("direction", "away", "sub_type"), [("long", -1, "104"), ("short", 1, "105")])
def test_one_direction_is_liquidated_and_the_other_is_left_alone(direction: str, away: int, sub_type: str) -> None:
    door = hedged(default_lever=Decimal(10))
    venue, account = door.venue, door.venue.exchange.account
    other = {"long": "short", "short": "long"}[direction]
    opened(venue, direction, "10")
    opened(venue, other, "2")
    kept = opened(venue, other, "1", ordType="limit", px="63900" if other == "long" else "64100")
    doomed = opened(venue, direction, "4", side=CLOSES[direction], ordType="limit", px="65000" if away < 0 else "63000")
    trigger = account.liquidation_px(account.slots[Slot("isolated", direction)])  # type: ignore[arg-type]
    assert trigger is not None
    venue.exchange.cancel(kept)
    moved(venue, int(trigger * 10) - 40 * away)
    assert ("isolated", direction) in lots(venue)
    cash = account.cash()
    moved(venue, int(trigger * 10) + 40 * away)
    assert lots(venue) == {("isolated", other): -200 if other == "short" else 200}
    assert (doomed.state, doomed.cancel_source) == ("canceled", "3")
    assert cash <= account.cash()
    last = door("GET", "trade/orders-history?instType=SWAP&state=filled")["data"][0]
    assert (last["category"], last["posSide"], last["accFillSz"]) == ("full_liquidation", direction, "10")
    (bill,) = door("GET", "account/bills?type=5")["data"]
    assert (bill["subType"], bill["posBal"]) == (sub_type, "0")


def test_a_cross_long_and_short_of_one_size_hold_each_other_until_their_maintenance_has_outgrown_the_cash() -> None:
    door = hedged(default_lever=Decimal(100))
    venue, account = door.venue, door.venue.exchange.account
    moved(venue, 640_000)
    opened(venue, "long", "700", "cross")
    opened(venue, "short", "700", "cross")
    (trigger,) = {Decimal(row["liqPx"]) for row in door("GET", "account/positions")["data"]}
    spread = Decimal("0.1") * 7  # bought at the offer, sold at the bid, 7 BTC each
    assert abs(trigger - (account.cash() - spread) / (14 * (Decimal("0.004") + Decimal("0.0005")))) < Decimal("1e-9")
    for px in (300_000, 1_200_000, int(trigger * 10) - 5):
        moved(venue, px)
        assert lots(venue) == {("cross", "long"): 70_000, ("cross", "short"): -70_000}
    moved(venue, int(trigger * 10) + 5)
    assert lots(venue) == {}
    fills = venue.exchange.desk.orders.fills[-2:]
    assert [(fill.pos_side, fill.px, fill.lots) for fill in fills] == [
        ("long", venue.exchange.market.mark, 70_000), ("short", venue.exchange.market.mark, 70_000),
    ]  # fmt: skip
    assert account.cash() > 0


def test_a_cross_pair_is_liquidated_together_first_each_other_then_the_rest() -> None:
    door = hedged(default_lever=Decimal(100))
    venue, account = door.venue, door.venue.exchange.account
    moved(venue, 640_000)
    opened(venue, "short", "300", "cross")
    opened(venue, "long", "1500", "cross")
    rows = door("GET", "account/positions")["data"]
    assert len({(row["liqPx"], row["mgnRatio"]) for row in rows}) == 1  # one pot of money, one trigger
    moved(venue, int(Decimal(rows[0]["liqPx"]) * 10) + 40)
    assert len(lots(venue)) == 2
    moved(venue, 500_000)
    assert lots(venue) == {}
    assert Decimal(0) <= account.cash() < notional(150_000, 1)
    forced = [row for row in door("GET", "trade/orders-history?instType=SWAP")["data"] if row["category"] != "normal"]
    assert sorted((row["posSide"], row["accFillSz"]) for row in forced) == [
        ("long", "1200"), ("long", "300"), ("short", "300"),
    ]  # fmt: skip


def test_what_a_gap_over_a_hedge_costs_beyond_the_cash_is_paid_by_the_insurance_fund() -> None:
    door = hedged(default_lever=Decimal(100))
    venue, account = door.venue, door.venue.exchange.account
    moved(venue, 640_000)
    opened(venue, "long", "700", "cross")
    opened(venue, "short", "700", "cross")
    before = account.cash() - Decimal("0.7")  # the spread between the two is lost for certain
    moved(venue, 200_000_000)
    fees = notional(140_000, venue.exchange.market.mark) * Decimal("0.0005")
    (bill,) = door("GET", "account/bills?subType=111")["data"]
    assert (account.cash(), account.wallet, Decimal(bill["balChg"])) == (0, 0, fees - before)


def test_the_warning_names_the_direction_in_danger() -> None:
    door = hedged(default_lever=Decimal(10))
    line = Line("private", door.venue, door.hub)
    line.login()
    opened(door.venue, "long", "10")
    opened(door.venue, "short", "10")
    line.ask("subscribe", {"channel": "liquidation-warning", "instType": "SWAP"})
    line.tick()
    moved(door.venue, 583_000)
    rows = [row for message in line.tick() + line.tick() for row in message["data"]]
    assert [(row["posSide"], row["pos"]) for row in rows] == [("long", "10")]


# -- everything at once -----------------------------------------------------------------------------------------------

SLOT = st.tuples(st.sampled_from(["cross", "isolated"]), st.sampled_from(["long", "short"]))
SIZE = st.one_of(st.integers(1, 4000), st.integers(4000, 70_000))
STEP = st.one_of(
    st.tuples(st.sampled_from(["open", "open", "close"]), SLOT, SIZE),
    st.tuples(st.just("rest"), SLOT, SIZE, st.booleans()),
    st.tuples(st.just("all"), SLOT),
    st.tuples(st.just("move"), st.integers(350_000, 900_000)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("lever"), SLOT, st.integers(1, 100)),
)


def act(venue: Venue, kind: str, what: list[Any]) -> None:
    """One step. Raises: Refused."""
    if kind == "move":
        moved(venue, what[0])
    elif kind == "wait":
        venue.clock.advance(s=what[0] * 3600)
        venue.exchange.advance()
    elif kind == "all":
        venue.exchange.close_position(Slot(*what[0]), "", "", cancel_first=True)
    elif kind == "lever":
        mode, direction = what[0]
        venue.exchange.set_lever(Slot(mode, "net" if mode == "cross" else direction), Decimal(what[1]))
    else:
        (mode, direction), count, *closing = what
        side = (CLOSES if kind == "close" or closing == [True] else OPENS)[direction]
        px = px_text(int(venue.exchange.market.mark * (0.995 if side == "buy" else 1.005)))
        resting = {"ordType": "limit", "px": px}
        order = {"side": side, "posSide": direction, "tdMode": mode, "sz": sz_text(count)}
        venue.place(**order, **(resting if kind == "rest" else {}))


@settings(deadline=None, max_examples=60)
@example([("open", ("cross", "long"), 50_000), ("open", ("cross", "short"), 20_000), ("move", 300_000)], "margin")
@example([("open", ("isolated", "long"), 300), ("rest", ("isolated", "long"), 300, True), ("move", 700_000)], "cash")
@example(
    [("open", ("cross", "long"), 56_200), ("open", ("isolated", "short"), 36), ("move", 350_000), ("wait", 20)], "cash"
)
@given(st.lists(STEP, max_size=25), st.sampled_from(["margin", "cash"]))
def test_no_money_is_made_or_lost_and_long_and_short_never_net(steps: list[Any], where: Any) -> None:
    rates = (Decimal("0.0003"), Decimal("-0.00371"))
    venue = hedged(funding_rates=rates, isolated_funding=where, default_lever=Decimal(50)).venue
    account, desk = venue.exchange.account, venue.exchange.desk
    for kind, *what in steps:
        try:
            act(venue, kind, what)
        except Refused:
            continue
        mark, entries, fills = venue.exchange.market.mark, desk.ledger.bills, desk.orders.fills
        # equity = start + realised + unrealised + fees + funding (and what the insurance fund paid)
        realised, fees = sum(fill.pnl for fill in fills), sum(fill.fee for fill in fills)
        other = sum(bill.pnl for bill in entries if not bill.trade_id)
        unrealised = sum(position.upl(mark) for position in account.open_positions())
        assert account.equity(mark) == 100_000 + realised + fees + other + unrealised
        # and the same from the cash flow of the fills alone
        flow = sum(notional(f.lots, f.px) * (1 if f.side == "sell" else -1) for f in fills)
        value = sum(notional(position.lots, mark) for position in account.open_positions())
        assert account.equity(mark) == 100_000 + flow + fees + other + value
        assert account.wallet == 100_000 + sum(bill.cash_change + bill.margin_change for bill in entries)
        assert account.cash() == 100_000 + sum(bill.cash_change for bill in entries)
        # every direction is the sum of its own fills, and keeps its sign
        for slot, position in account.slots.items():
            signed = {"buy": 1, "sell": -1}
            mine = [f for f in fills if desk.orders.find(f.ord_id, "").terms.slot == slot]  # type: ignore[union-attr]
            assert position.lots == sum(signed[fill.side] * fill.lots for fill in mine)
            assert position.lots * {"long": 1, "short": -1, "net": 0}[slot.side] == abs(position.lots)
            closing = [o for o in desk.orders.pending() if o.terms.slot == slot and o.terms.closes]
            assert sum(order.left for order in closing) <= abs(position.lots)
        for position in account.open_positions():
            behind, _required = account.behind(position, mark)
            assert behind >= 0
        crossed = any(position.mode == "cross" for position in account.open_positions())
        assert account.cash() >= 0 or crossed  # a cross position's funding may eat into what it has gained
