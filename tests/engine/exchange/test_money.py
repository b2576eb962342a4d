"""Funding, liquidation, tiers and the ledger, exact to the last digit, on a hand-made market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.exchange.instrument import notional, sz_text
from engine.exchange.intake import Refused
from engine.exchange.market.events import Change
from engine.exchange.notes import MoneyNote, OrderNote
from engine.exchange.orders import Slot
from engine.exchange.sizing import largest_order
from engine.exchange.tiers import Tier
from tests.engine.exchange.clients import Door, Line
from tests.engine.exchange.support import Venue

HOUR_MS = 3_600_000


def moved(venue: Venue, bid: int, lots: int = 10_000_000) -> None:
    """The whole market jumps: one level a side, and the mark (which lags) arrives there."""
    top = venue.exchange.market.matcher
    gone = [Change("buy", level.px, 0, 0) for level in top.bids.top(400)]
    gone += [Change("sell", level.px, 0, 0) for level in top.asks.top(400)]
    venue.exchange.market._mark = bid + 0.5
    venue.market(*gone, Change("buy", bid, lots, 1), Change("sell", bid + 1, lots, 1))


def to_funding(venue: Venue) -> int:
    """The clock moves to the next funding time, and it is settled; returns that time."""
    due_ms = venue.exchange.funding.schedule.next_ms
    venue.clock.advance(ms=due_ms - venue.exchange.now_ms())
    venue.exchange.advance()
    return due_ms


def bills(door: Door, query: str = "") -> list[tuple[str, ...]]:
    rows = door("GET", f"account/bills{query}")["data"]
    return [tuple(row[n] for n in ("type", "subType", "mgnMode", "balChg", "posBalChg", "pnl", "fee")) for row in rows]


@pytest.mark.parametrize(
    ("side", "rate", "mode", "where", "paid"),
    [
        ("buy", "0.0001", "cross", "margin", "-0.128"),  # 2 contracts = 0.02 BTC at a mark of 64,000
        ("sell", "0.0001", "cross", "margin", "0.128"),
        ("buy", "-0.00025", "isolated", "margin", "0.32"),
        ("sell", "-0.00025", "isolated", "cash", "-0.32"),
    ],
)
def test_funding_is_paid_by_longs_when_the_rate_is_positive(
    side: str, rate: str, mode: str, where: str, paid: str
) -> None:
    door = Door(funding_rates=(Decimal(rate),), isolated_funding=where)
    venue, account = door.venue, door.venue.exchange.account
    venue.place(side=side, sz="2", tdMode=mode)
    wallet, margin, cash = account.wallet, account.positions["isolated"].margin, account.cash()
    venue.exchange.notes.clear()
    due_ms = to_funding(venue)
    amount, to_margin = Decimal(paid), mode == "isolated" and where == "margin"
    assert (due_ms % (8 * HOUR_MS), account.wallet) == (0, wallet + amount)
    assert account.cash() == cash + amount * (not to_margin)
    assert account.positions["isolated"].margin == margin + amount * to_margin
    assert venue.exchange.notes == [MoneyNote("funding_fee", Slot(mode), "")]  # type: ignore[arg-type]
    (row,) = door("GET", "account/positions")["data"]
    assert (row["fundingFee"], row["liqPenalty"]) == (paid, "0")
    assert Decimal(row["realizedPnl"]) == amount + Decimal(row["fee"])
    sub_type = "173" if amount < 0 else "174"
    changes = ("0", paid) if to_margin else (paid, "0")
    assert bills(door, "?type=8") == [("8", sub_type, mode, *changes, paid, "0")]
    assert bills(door, "?subType=175") == []


def test_funding_is_settled_once_per_period_each_with_its_own_rate_even_if_the_clock_goes_back() -> None:
    rates = (Decimal("0.0001"), Decimal("-0.0003"))
    door = Door(funding_rates=rates, funding_hours=4)
    venue = door.venue
    venue.place(sz="1", tdMode="cross")
    first = to_funding(venue)
    venue.clock.step_wall(s=-60)
    venue.exchange.advance()
    venue.clock.advance(s=8 * 3600 + 60)
    venue.exchange.advance()
    expected = [rates[(first // HOUR_MS // 4 + n) % 2] for n in range(3)]
    rows = door("GET", "account/bills?type=8")["data"]
    assert [(row["ts"], Decimal(row["balChg"])) for row in reversed(rows)] == [
        (str(first + n * 4 * HOUR_MS), -640 * rate) for n, rate in enumerate(expected)
    ]
    history = door("GET", "public/funding-rate-history?instId=BTC-USDT-SWAP&limit=3")["data"]
    assert [(row["fundingTime"], Decimal(row["realizedRate"])) for row in reversed(history)] == [
        (str(first + n * 4 * HOUR_MS), rate) for n, rate in enumerate(expected)
    ]
    (now,) = door("GET", "public/funding-rate?instId=BTC-USDT-SWAP")["data"]
    assert int(now["nextFundingTime"]) - int(now["fundingTime"]) == 4 * HOUR_MS


def test_the_funding_event_reaches_the_private_channels() -> None:
    line = Line("private")
    line.login()
    line.venue.place(sz="1", tdMode="cross")
    line.tick()
    line.ask("subscribe", {"channel": "balance_and_position"}, {"channel": "positions", "instType": "SWAP"})
    wait_ms = line.venue.exchange.funding.schedule.next_ms - line.venue.exchange.now_ms()
    pushes = [message for message in line.tick(wait_ms) if message.get("eventType") != "snapshot"]
    both, positions = pushes
    assert (both["data"][0]["eventType"], both["data"][0]["balData"][0]["cashBal"]) == ("funding_fee", "99999.616")
    assert (positions["eventType"], positions["data"][0]["fundingFee"]) == ("event_update", "-0.064")


@pytest.mark.parametrize(("side", "away"), [("buy", -1), ("sell", 1)])
def test_an_isolated_position_is_liquidated_on_the_mark_and_loses_no_more_than_its_margin(side: str, away: int) -> None:
    door = Door(default_lever=Decimal(10))
    venue, account = door.venue, door.venue.exchange.account
    venue.place(side=side, sz="10")
    behind = {"side": "sell" if side == "buy" else "buy", "px": "64900" if side == "buy" else "63100"}
    resting = venue.place(ordType="limit", **behind)
    other = venue.place(ordType="limit", tdMode="cross", **behind)
    position = account.positions["isolated"]
    cash, trigger = account.cash(), account.liquidation_px(position)
    assert trigger is not None
    edge = int(trigger * 10)
    moved(venue, edge - 40 * away)
    assert venue.held == (1000 if side == "buy" else -1000)
    venue.exchange.notes.clear()
    moved(venue, edge + 40 * away)
    assert (venue.held, resting.state, resting.cancel_source, other.state) == (0, "canceled", "3", "live")
    assert account.cash() > cash
    assert account.wallet == account.cash()
    last = door("GET", "trade/orders-history?instType=SWAP&state=filled")["data"][0]
    assert (last["category"], last["state"], last["accFillSz"]) == ("full_liquidation", "filled", "10")
    assert [n.event for n in venue.exchange.notes if isinstance(n, MoneyNote)] == []  # pushed by the call above
    (newest,) = bills(door, "?type=5")
    assert newest[:3] == ("5", "107" if side == "buy" else "106", "isolated")


def test_what_the_book_does_not_take_is_taken_over_at_the_bankruptcy_price() -> None:
    door = Door(default_lever=Decimal(10))
    venue, account = door.venue, door.venue.exchange.account
    venue.place(sz="10")
    cash, bankrupt = account.cash(), account.bankruptcy_ticks(account.positions["isolated"])
    moved(venue, 500_000)  # a gap far below the bankruptcy price: nobody in the book buys there
    fill = venue.exchange.desk.orders.fills[-1]
    assert (venue.held, fill.px, fill.lots) == (0, bankrupt, 1000)
    assert fill.trade_id not in [trade.trade_id for trade in venue.exchange.market.trades]
    assert Decimal(0) <= account.cash() - cash < notional(1000, 1)
    orders = [note.row for note in venue.exchange.notes if isinstance(note, OrderNote)]
    assert [(row["state"], row["category"]) for row in orders[-2:]] == [
        ("live", "full_liquidation"), ("filled", "full_liquidation"),
    ]  # fmt: skip


def test_a_cross_position_is_liquidated_when_all_cash_is_too_little_and_the_cash_is_never_negative() -> None:
    door = Door(default_lever=Decimal(100))
    venue, account = door.venue, door.venue.exchange.account
    moved(venue, 640_000)
    venue.place(sz="1400", tdMode="cross")
    venue.place(sz="1", tdMode="isolated", side="sell")
    isolated = account.positions["isolated"].margin
    moved(venue, 500_000)
    assert account.positions["cross"].lots == 0
    assert account.positions["isolated"].margin == isolated
    assert Decimal(0) <= account.cash() < notional(140_000, 1)
    kinds = {note.event for note in venue.exchange.notes if isinstance(note, MoneyNote)}
    assert kinds == {"filled", "liquidation"}
    assert bills(door, "?subType=111") == []  # its own price was right: the insurance fund had nothing to pay


def test_a_new_leverage_of_a_position_is_pushed_as_set_leverage() -> None:
    line = Line("private")
    line.login()
    line.venue.place(sz="3")
    line.tick()
    line.ask("subscribe", {"channel": "balance_and_position"}, {"channel": "positions", "instType": "SWAP"})
    line.venue.exchange.set_lever(Slot("isolated"), Decimal(6))
    both, positions = line.tick()
    assert (both["data"][0]["eventType"], both["data"][0]["balData"][0]["cashBal"]) == ("set_leverage", "99679.04")
    assert (positions["data"][0]["lever"], positions["data"][0]["margin"]) == ("6", "320")


def test_a_liquidation_is_pushed_with_its_event_type_and_a_warning_comes_first() -> None:
    venue = Venue(default_lever=Decimal(10))
    line = Line("private", venue)
    line.login()
    venue.place(sz="10")
    line.tick()
    swap = {"instType": "SWAP"}
    line.ask("subscribe", {"channel": "balance_and_position"}, {"channel": "liquidation-warning", **swap})
    moved(venue, 583_000)
    (warning,) = [m["data"][0] for m in line.tick() + line.tick() if m["arg"]["channel"] == "liquidation-warning"]
    assert (warning["pos"], 1 < float(warning["mgnRatio"]) <= 3) == ("10", True)
    moved(venue, 500_000)
    both = [m["data"][0] for m in line.tick() if m["arg"]["channel"] == "balance_and_position"]
    assert [(row["eventType"], row["posData"][0]["pos"]) for row in both] == [("liquidation", "0")]


TIERS = (
    Tier(1_000, Decimal("0.004"), Decimal("0.01"), Decimal(100)),
    Tier(5_000, Decimal("0.01"), Decimal("0.02"), Decimal(50)),
)


def test_the_tier_sets_maintenance_leverage_and_the_position_limit() -> None:
    door = Door(tiers=TIERS, default_lever=Decimal(50))
    venue, account = door.venue, door.venue.exchange.account
    query = "public/position-tiers?instType=SWAP&tdMode=isolated&instFamily=BTC-USDT"
    columns = ("tier", "minSz", "maxSz", "mmr", "imr", "maxLever")
    assert [[row[name] for name in columns] for row in door("GET", query)["data"]] == [
        ["1", "0", "10", "0.004", "0.01", "100"],
        ["2", "10.01", "50", "0.01", "0.02", "50"],
    ]  # fmt: skip
    venue.place(sz="10")
    mark = venue.exchange.market.mark
    assert account.mmr(account.positions["isolated"], mark) == notional(1000, mark) * Decimal("0.004")
    with pytest.raises(Refused, match="51004"):
        venue.place(sz="40.01")
    resting = venue.place(sz="30", ordType="limit", px="63900")
    with pytest.raises(Refused, match="51004"):
        venue.place(sz="10.01")
    venue.exchange.cancel(resting)
    venue.place(sz="40")
    assert account.mmr(account.positions["isolated"], mark) == notional(5000, mark) * Decimal("0.01")
    body = {"instId": "BTC-USDT-SWAP", "mgnMode": "isolated"}
    assert door("POST", "account/set-leverage", {**body, "lever": "51"})["code"] == "59106"
    assert door("POST", "account/set-leverage", {**body, "lever": "20"})["code"] == "0"
    assert bills(door)[0][:5] == ("6", "160", "isolated", "-960", "960")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 3000)), max_size=3),
    st.sampled_from(["buy", "sell"]),
    st.sampled_from([3, 20, 100]),
)
def test_max_size_is_the_largest_order_that_is_accepted(held: list[Any], side: Any, lever: int) -> None:
    venue = Venue(default_lever=Decimal(lever), tiers=TIERS)
    moved(venue, 640_000)
    for one, lots in held:
        if lots <= largest_order(venue.exchange.desk, "cross", one, None, Decimal(lever)):
            venue.place(side=one, sz=sz_text(lots), tdMode="cross")
    most = largest_order(venue.exchange.desk, "cross", side, None, Decimal(lever))
    with pytest.raises(Refused, match=r"51004|51008"):
        venue.place(side=side, sz=sz_text(most + 1), tdMode="cross")
    if most:
        assert venue.place(side=side, sz=sz_text(most), tdMode="cross").state == "filled"


STEP = st.one_of(
    st.tuples(
        st.just("trade"), st.sampled_from(["buy", "sell"]), st.integers(1, 4000), st.sampled_from(["cross", "isolated"])
    ),
    st.tuples(st.just("move"), st.integers(560_000, 720_000)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("lever"), st.sampled_from(["cross", "isolated"]), st.integers(1, 100)),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@example(
    [
        ("trade", "buy", 300, "cross"),
        ("move", 640_123),
        ("trade", "buy", 7, "cross"),
        ("trade", "sell", 100, "cross"),
        ("move", 641_001),
        ("trade", "sell", 9, "cross"),
        ("trade", "sell", 13, "cross"),
        ("wait", 9),
    ],
    None,
    "margin",
)
@given(st.lists(STEP, max_size=25), st.sampled_from([None, 2, 8]), st.sampled_from(["margin", "cash"]))
def test_the_wallet_is_the_opening_balance_and_its_bills_to_the_last_digit(
    steps: list[Any], fee_digits: int | None, where: Any
) -> None:
    rates = (Decimal("0.0003"), Decimal("-0.00371"), Decimal("0.0000001"))
    venue = Venue(funding_rates=rates, fee_digits=fee_digits, isolated_funding=where, default_lever=Decimal(50))
    exchange, account = venue.exchange, venue.exchange.account
    for kind, *what in steps:
        try:
            if kind == "trade":
                venue.place(side=what[0], sz=sz_text(what[1]), tdMode=what[2])
            elif kind == "lever":
                exchange.set_lever(Slot(what[0]), Decimal(what[1]))
        except Refused:
            continue
        if kind == "move":
            moved(venue, what[0])
        elif kind == "wait":
            venue.clock.advance(s=what[0] * 3600)
            exchange.advance()
        # Against the bills, against the ledger's own sums, and against what happened.
        entries = exchange.desk.ledger.bills
        assert account.wallet == 100_000 + sum(bill.change for bill in entries)
        assert account.cash() == 100_000 + sum(bill.cash_change for bill in entries)
        assert account.wallet == 100_000 + sum(bill.pnl + bill.fee for bill in entries)
        assert [bill.cash for bill in entries][-1:] in ([], [account.cash()])
        assert account.positions["isolated"].margin == sum(bill.margin_change for bill in entries)
        fills = exchange.desk.orders.fills
        flow = sum(notional(f.lots, f.px) * (1 if f.side == "sell" else -1) for f in fills) + sum(f.fee for f in fills)
        other = sum(bill.pnl for bill in entries if not bill.trade_id)
        value = sum(notional(p.lots, exchange.market.mark) for p in account.open_positions())
        assert account.equity(exchange.market.mark) == 100_000 + flow + other + value
        for position in account.open_positions():
            assert account.holds(position) + position.upl(exchange.market.mark) >= 0
