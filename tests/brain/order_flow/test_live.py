"""The facade: scores with their reasons, holes, marks, and the same answer to the same market."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.live import CVD, IMBALANCE, PRESSURE, FlowScores, OrderFlow
from brain.order_flow.publish import flow_message, heatmap_message
from brain.order_flow.trade_chain import Hole
from schemas.messages import MarketTick, Side
from schemas.settings.order_flow import OrderFlow as Settings
from tests.brain.order_flow.support import MS, T0, Print, S, as_trade, binance_usdm, freqtrade_eth, okx, tick, trade
from tests.brain.order_flow.test_pressure import by_time, by_volume

WINDOW, VOLUME = 30 * S, 0.5
NAN = float("nan")


def layer(**changes: Any) -> OrderFlow:
    return OrderFlow("X", Settings(**changes), book_levels=5, window_ns=WINDOW)


def test_in_the_good_case_both_scores_are_known_and_nothing_is_unknown() -> None:
    flow, newest = layer(), tick(T0 + S)
    flow.on_trade(trade(1, T0, 100.0, 3.0), 1)
    flow.on_trade(trade(2, T0 + 1, 100.0, 1.0, bought=False), 1)
    flow.on_tick(newest)
    assert flow.scores(newest) == FlowScores(0.75, 0.75, ())
    assert flow.scores(newest) is flow.scores(newest)


@pytest.mark.parametrize(
    ("book", "why"),
    [
        (tick(valid=False), "the engine does not trust its book"),
        (tick(bids=[], asks=[]), "the book is empty"),
        (tick(bids=[]), "the book has no bids"),
        (tick(asks=[]), "the book has no asks"),
        (tick(bids=[(100.0, 0.0)]), "the book has no bids"),
        (tick(bids=[(100.0, NAN)]), "the bids have a size of nan"),
        (tick(asks=[(100.1, -1.0)]), "the asks have a size of -1.0"),
        (tick(bids=[(100.2, 1.0)]), "the book is crossed: bid 100.2, ask 100.1"),
        (tick(bids=[(100.1, 1.0)]), "the book is crossed: bid 100.1, ask 100.1"),
    ],
)
@pytest.mark.parametrize("weighting", ["none", "distance"])
def test_a_book_that_says_nothing_is_unknown_with_its_reason(weighting: str, book: MarketTick, why: str) -> None:
    flow = layer(book_weighting=weighting)
    flow.on_trade(trade())
    flow.on_tick(book)
    assert flow.scores(book) == FlowScores(None, 1.0, ((IMBALANCE, why),), why)


def test_the_weighted_imbalance_is_taken_where_it_is_set() -> None:
    book = tick(bids=[(100.0, 1.0), (99.0, 9.0)], asks=[(100.1, 1.0), (101.1, 1.0)])
    assert layer().scores(book).imbalance == 10 / 12
    weighted = layer(book_weighting="distance", book_scale_bps=10.0).scores(book).imbalance
    assert weighted == pytest.approx(0.5, abs=0.001)


def test_nothing_traded_is_unknown_and_comes_and_goes_with_the_trades() -> None:
    flow, first = layer(), tick(T0)
    flow.on_tick(first)
    assert flow.scores(first) == FlowScores(0.75, None, ((PRESSURE, "no trade in 30 s"),))
    flow.on_trade(trade(1, T0, bought=False))
    assert flow.scores(first) == FlowScores(0.75, 0.0, ())
    flow.advance(T0 + WINDOW)
    assert flow.scores(first).unknown == ((PRESSURE, "no trade in 30 s"),)


def test_a_window_of_volume_is_unknown_until_it_is_full() -> None:
    flow, newest = layer(flow_window="volume", flow_window_contracts=4.0), tick()
    flow.on_trade(trade(1, T0, 100.0, 3.0))
    assert flow.scores(newest).unknown == ((PRESSURE, "3 of 4 contracts traded so far"),)
    flow.on_trade(trade(2, T0 + 1, 100.0, 3.0, bought=False))
    assert flow.scores(newest) == FlowScores(0.75, 0.25, ())


@pytest.mark.parametrize("window", ["time", "volume"])
def test_while_a_trade_is_missing_inside_the_window_the_pressure_is_unknown(window: str) -> None:
    flow, newest = layer(flow_window=window, flow_window_contracts=4.0), tick()
    flow.on_trade(trade(10, T0, 100.0, 2.0), 1)
    flow.on_trade(trade(15, T0 + 1, 100.0, 4.0), 2)
    assert flow.holes == (Hole(11, 13, T0 + 1),)
    missing = ((PRESSURE, "trades 11 to 13 are missing"),)
    if window == "time":
        assert flow.scores(newest) == FlowScores(0.75, None, missing, missing[0][1])
    flow.on_trade(trade(12, T0 + 1, 100.0, 2.0, bought=False), 2)
    assert flow.scores(newest).unknown == ((PRESSURE, "trade 13 is missing"),) or window == "volume"
    flow.filled(13, 13)
    assert (flow.holes, flow.scores(newest).unknown) == ((), ())


def test_a_hole_that_has_left_the_window_does_not_matter_to_the_pressure_but_to_the_cvd() -> None:
    flow, later = layer(), tick(T0 + WINDOW + S)
    flow.on_trade(trade(10, T0, 100.0, 2.0), 1)
    flow.on_trade(trade(12, T0 + S, 100.0, 4.0), 1)
    flow.on_trade(trade(13, T0 + WINDOW, 100.0, 4.0), 1)
    flow.on_tick(later)
    assert flow.scores(later) == FlowScores(0.75, 1.0, ())
    assert flow.view(later.exchange_ns).unknown == ((CVD, "trade 11 is missing"),)
    assert flow.view(later.exchange_ns).cvd is None
    flow.filled(11, 11)
    view = flow.view(later.exchange_ns)
    assert view.unknown == ()
    assert view.cvd is not None and view.cvd.contracts == 10.0


def test_before_the_first_trade_of_the_session_the_cvd_is_unknown() -> None:
    assert layer().view(T0).unknown == ((CVD, "no trade in this session yet"),)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"size": NAN}, "refused_size", "trade 9 has a size of nan"),
    ({"size": float("inf")}, "refused_size", "trade 9 has a size of inf"),
    ({"size": 0.0}, "refused_size", "trade 9 has a size of 0.0"),
    ({"size": -1.0}, "refused_size", "trade 9 has a size of -1.0"),
    ({"price": NAN}, "refused_price", "trade 9 has a price of nan"),
    ({"price": -5.0}, "refused_price", "trade 9 has a price of -5.0"),
    ({"side": Side.NONE}, "refused_side", "trade 9 has no side"),
    ({"exchange_ns": 0}, "refused_time", "trade 9 has a time of 0"),
    ({"exchange_ns": T0 + 61 * S, "received_ns": T0}, "refused_time", f"trade 9 has a time of {T0 + 61 * S}"),
]


@pytest.mark.parametrize(("changes", "counter", "why"), REFUSED)
def test_what_is_no_trade_is_refused_counted_and_said(changes: dict[str, Any], counter: str, why: str) -> None:
    flow = layer()
    assert not flow.on_trade(trade(**({"trade_id": 9} | changes)), 1)
    assert flow.screen.last == why
    view = flow.view(T0)
    assert {name: count for name, count in view.counters.items() if count} == {counter: 1}
    assert (view.cvd, view.footprint) == (None, None)
    assert flow.on_trade(trade(trade_id=9), 1)  # it was not remembered


@pytest.mark.parametrize("count", [0, 1])
def test_a_doubled_trade_counts_once(count: int) -> None:
    flow = layer()
    assert [flow.on_trade(trade(7, T0, 100.0, 2.0), count) for _ in range(3)] == [True, False, False]
    view = flow.view(T0)
    assert view.cvd is not None and view.cvd.contracts == 2.0
    assert view.footprint is not None and view.footprint.volume == 2.0
    assert (view.counters["refused_doubled"], flow.screen.last) == (
        2, "trade 7 has been told before, or is too old to tell",
    )  # fmt: skip


@given(st.permutations([Print(n, T0 + n * S, 100.0 + n, float(n), n % 3 == 0) for n in range(1, 9)]))
def test_scores_and_cvd_do_not_depend_on_the_order_of_arrival(arrived: list[Print]) -> None:
    flow, newest = layer(), tick(T0 + 10 * S)
    for row in arrived + arrived:
        flow.on_trade(as_trade(row), 1)
    flow.on_tick(newest)
    view = flow.view(newest.exchange_ns)
    assert (flow.holes, flow.scores(newest)) == ((), FlowScores(0.75, 9 / 36, ()))
    assert view.cvd is not None and view.cvd.contracts == 9 - 27
    assert view.footprint is not None and (view.footprint.volume, view.footprint.close) == (36.0, 108.0)


@pytest.mark.parametrize("load", [okx, freqtrade_eth, binance_usdm])
def test_on_recorded_trades_each_answer_is_that_of_the_definition(load: Callable[[], list[Print]]) -> None:
    rows = load()
    timed, voluminous = layer(large_trades=50), layer(flow_window="volume", flow_window_contracts=VOLUME)
    for number, row in enumerate(rows, 1):
        timed.on_trade(as_trade(row), 1)
        voluminous.on_trade(as_trade(row), 1)
        if number % 37 == 0 or number == len(rows):
            seen, book = rows[:number], tick(row.exchange_ns)
            for flow, share in ((timed, by_time(seen, WINDOW)), (voluminous, by_volume(seen, VOLUME))):
                assert flow.scores(book).pressure == (None if share is None else pytest.approx(share, rel=1e-7))
    assert voluminous.scores(tick()).pressure is not None
    view = timed.view(rows[-1].exchange_ns)
    assert view.cvd is not None
    assert view.cvd.contracts == pytest.approx(sum(row.size if row.bought else -row.size for row in rows), rel=1e-9)
    bars = [*timed.footprints(), view.footprint]
    assert sum(bar.volume for bar in bars if bar) == pytest.approx(sum(row.size for row in rows), rel=1e-9)
    assert (timed.holes, sum(view.counters.values())) == ((), 0)


def wild_market(seed: int) -> list[Any]:
    """Ticks and trades, some of them late, doubled, lost or broken."""
    rng = random.Random(seed)
    told: list[Any] = []
    for number in range(1, 1_500):
        now, price = T0 + number * 200 * MS, 100.0 + rng.gauss(0, 1)
        size = rng.choice([1.0, 2.0, 50.0, NAN, 0.0]) if rng.random() < 0.2 else rng.random() * 5
        told.append(trade(number, now - rng.choice([0, 0, 0, 900]) * MS, price, size, bought=rng.random() < 0.5))
        if rng.random() < 0.1:
            told.append(rng.choice(told))
        if rng.random() < 0.02:
            told.pop()
        told.append(tick(now, [(price - 0.1, rng.random())], [(price + 0.1, rng.random())], sequence=number))
    return told


def said(flow: OrderFlow, told: list[Any], look_every: int) -> list[Any]:
    answers: list[Any] = []
    for number, each in enumerate(told):
        if isinstance(each, MarketTick):
            flow.on_tick(each)
            answers.append(flow.scores(each))
            if number % look_every == 0:
                heatmap_message(flow, each.exchange_ns)
                flow_message(flow, flow.scores(each), each.exchange_ns)
        else:
            flow.on_trade(each, 1)
    last = told[-1].exchange_ns
    return [*answers, flow_message(flow, answers[-1], last), flow.footprints(), flow.holes]


def test_the_same_market_gives_the_same_answers_however_often_somebody_looks() -> None:
    told = wild_market(3)
    settings: dict[str, Any] = {
        "large_trades": 50,
        "absorption_bars": 2,
        "absorption_multiple": 1.1,
        "divergence_bars": 1,
    }
    once = said(layer(**settings), told, 10**9)
    assert said(layer(**settings), told, 7) == once
    message = once[-3]
    assert {mark.kind for mark in message.marks} >= {"large_trade"}
    assert message.counters["refused_doubled"] > 0
    assert message.counters["refused_size"] > 0
    assert once[-1]  # trades are missing


def test_no_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="book_levels"):
        OrderFlow("X", Settings(), book_levels=0, window_ns=WINDOW)
