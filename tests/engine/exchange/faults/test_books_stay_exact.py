"""Whatever is armed, whatever a client does: the venue's own books stay exact, and what it shows is what it holds."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.faults.catalogue import CATALOGUE
from engine.exchange.faults.switchboard import Fault
from engine.exchange.market.events import Change, Print
from tests.engine.exchange.faults.support import LIMIT, MARKET, SWAP, Rig, audit
from tests.engine.exchange.support import Venue

SIDES = st.sampled_from(["buy", "sell"])
ATTACHED = {
    "buy": [{"slTriggerPx": "63990", "slOrdPx": "-1", "tpTriggerPx": "64010", "tpOrdPx": "-1", "cxlOnClosePos": True}],
    "sell": [{"slTriggerPx": "64010", "slOrdPx": "-1"}],
}


def some_faults(most: int) -> st.SearchStrategy[list[Fault]]:
    """Of different names, most of them about trading; the parameters of the two that have the most to spoil vary."""
    share, offset = st.floats(0.01, 0.99), st.integers(-5000, 5000)
    trading = ("partial_fills", "cancel_fill_race", "protection_late", "protection_never")
    when = {"probability": st.sampled_from([1.0, 0.5]), "after_ms": st.sampled_from([0, 0, 300])}

    def fault(name: str) -> st.SearchStrategy[Fault]:
        given = {"partial_fills": {"share": share}, "clock_skew": {"offset_ms": offset}}.get(name, {})
        times = {} if name == "clock_skew" else {"times": st.none() | st.integers(1, 4)}
        return st.builds(Fault, name=st.just(name), **when, **given, **times)

    names = st.sampled_from(trading) | st.sampled_from(sorted(CATALOGUE))
    return st.lists(names, max_size=most, unique=True).flatmap(lambda chosen: st.tuples(*map(fault, chosen)).map(list))


steps = st.one_of(
    st.tuples(st.just("market"), SIDES, st.integers(1, 500), st.booleans()),
    st.tuples(st.just("limit"), SIDES, st.integers(1, 500), st.integers(-30, 10)),
    st.tuples(st.just("reduce"), SIDES, st.integers(1, 500), st.integers(-10, 10)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("amend"), st.integers(0, 5), st.integers(1, 500)),
    st.tuples(st.just("print"), SIDES, st.integers(1, 60_000), st.integers(-20, 20)),
    st.tuples(st.just("move"), st.integers(-15, 15)),
    st.tuples(st.just("close"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 12)),
)


def act(rig: Rig, step: Any) -> None:
    """One step of a client, or of the market. Whether and how it is answered is another test's matter."""
    pending = rig.exchange.desk.orders.pending()
    match step:
        case ("market", side, lots, protected):
            attached = {"attachAlgoOrds": ATTACHED[side]} if protected else {}
            rig("POST", "trade/order", {**MARKET, "side": side, "sz": f"{lots / 100}", **attached})
        case ("limit", side, lots, depth):
            px = 640_000 + depth if side == "buy" else 640_000 - depth
            rig("POST", "trade/order", {**LIMIT, "side": side, "sz": f"{lots / 100}", "px": f"{px / 10}"})
        case ("reduce", side, lots, depth):
            px = (640_000 - depth if side == "sell" else 640_000 + depth) / 10
            order = {**LIMIT, "side": side, "sz": f"{lots / 100}", "px": f"{px}", "reduceOnly": True}
            rig("POST", "trade/order", order)
        case ("cancel", index) if pending:
            rig("POST", "trade/cancel-order", {**SWAP, "ordId": pending[index % len(pending)].ord_id})
        case ("amend", index, lots) if pending:
            name = {**SWAP, "ordId": pending[index % len(pending)].ord_id}
            rig("POST", "trade/amend-order", {**name, "newSz": f"{lots / 100}", "cxlOnFail": True})
        case ("print", side, lots, shift):
            rig.venue.script.say(Print(side, 640_000 + shift, lots, 2))
            rig.passes(10)
        case ("move", shift):
            bid = 639_999 + shift
            top = rig.exchange.market.matcher
            gone = [Change("buy", level.px, 0, 0) for level in top.bids._levels.values()]
            gone += [Change("sell", level.px, 0, 0) for level in top.asks._levels.values()]
            new = [Change("buy", bid, 20_000, 1), Change("sell", bid + 1, 20_000, 1)]
            rig.venue.script.say(*gone, *new)
            rig.passes(10)
        case ("close", cancel_first):
            rig("POST", "trade/close-position", {**SWAP, "mgnMode": "isolated", "autoCxl": cancel_first})
        case ("wait", beats):
            rig.passes(10 * beats)


def shown_alike(rig: Rig) -> None:
    """With nothing armed any more, REST shows what the fills add up to."""
    rig.faults.clear(None)
    rig.venue.clock.advance(s=3)
    fills = rig.exchange.desk.orders.fills
    net = sum(fill.lots if fill.side == "buy" else -fill.lots for fill in fills)
    assert sum(Decimal(row["pos"]) for row in rig.rows("account/positions")) == Decimal(net) / 100
    by_order = Counter[str]()
    for fill in fills:
        by_order[fill.ord_id] += fill.lots
    for order in rig.exchange.desk.orders.history(0)[:5]:
        rig.venue.clock.advance(s=1)
        (row,) = rig.rows(f"trade/order?instId=BTC-USDT-SWAP&ordId={order.ord_id}")
        assert Decimal(row["accFillSz"]) == Decimal(by_order[order.ord_id]) / 100


@settings(deadline=None, max_examples=300)
@given(some_faults(8), st.lists(steps, min_size=12, max_size=40))
def test_no_fault_corrupts_the_books(armed: list[Fault], story: list[Any]) -> None:
    rig = Rig(*armed, venue=Venue(default_lever=Decimal(20)))
    rig.connect("private", "orders", "positions", instType="SWAP")
    rig.connect("public", "books", **SWAP)
    for step in story:
        act(rig, step)
        audit(rig.venue)
    rig.passes(3000)
    audit(rig.venue)
    shown_alike(rig)


@settings(deadline=None, max_examples=25)
@given(some_faults(6), st.lists(steps, min_size=5, max_size=15))
def test_the_same_seed_and_story_give_the_same_run(armed: list[Fault], story: list[Any]) -> None:
    runs = []
    for _ in range(2):
        rig = Rig(*armed)
        peer = rig.connect("private", "orders", instType="SWAP")
        for step in story:
            act(rig, step)
        runs.append((peer.raw, rig.faults.injected(), rig.slept, rig.exchange.desk.orders.fills))
    assert runs[0] == runs[1]


def drawn(rng: random.Random) -> tuple[Any, ...]:
    """A step of a long story."""
    side, lots = rng.choice(["buy", "sell"]), rng.randint(1, 300)
    return rng.choice(
        [
            ("market", side, lots, rng.random() < 0.5),
            ("limit", side, lots, rng.randint(-20, 5)),
            ("limit", side, lots, rng.randint(-3, 0)),
            ("reduce", side, lots, rng.randint(-10, 10)),
            ("cancel", rng.randrange(6)),
            ("amend", rng.randrange(6), lots),
            ("print", side, rng.randint(1, 60_000), rng.randint(-20, 20)),
            ("move", rng.randint(-15, 15)),
            ("close", rng.random() < 0.5),
            ("wait", rng.randint(1, 60)),
        ]
    )


def test_all_faults_together_over_a_long_story_leave_the_books_exact() -> None:
    rig, rng = Rig(venue=Venue(default_lever=Decimal(20))), random.Random(5)
    for name, entry in CATALOGUE.items():  # each often enough to strike, and seldom enough that orders get through
        seldom = 0.03 if "call" in entry.parameters else 0.15
        rare_occasions = {"clock_skew": 1.0, "final_candle_late": 1.0, "final_candle_missing": 0.5}
        rig.faults.arm(Fault(name=name, probability=rare_occasions.get(name, seldom)))
    for path, channel in (("private", "orders"), ("public", "books"), ("business", "candle1m")):
        rig.connect(path, channel, **(SWAP if channel != "orders" else {"instType": "SWAP"}))
    for number in range(1500):
        if number % 10 == 0:  # those that were cut come back
            rig.connect("private", "orders", instType="SWAP")
        act(rig, drawn(rng))
        for order in rig.exchange.desk.orders.history(0)[:1]:
            rig("GET", f"trade/order?instId=BTC-USDT-SWAP&ordId={order.ord_id}")
        rig.passes(200)
        audit(rig.venue)
    shown_alike(rig)
    assert set(rig.faults.injected()) == set(CATALOGUE)
    assert len(rig.exchange.desk.orders.fills) > 300
