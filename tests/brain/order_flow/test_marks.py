"""Large trades and absorption."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.absorption import Absorption, Absorptions
from brain.order_flow.footprint import FormingFootprint
from brain.order_flow.large import EwmaYardstick, LargeTrade, LargeTrades, QuantileYardstick, Yardstick, ewma_step
from brain.order_flow.units import PRICE_UNITS, units_of
from schemas.messages import FRAME_NS, Side
from tests.brain.order_flow.support import T0, S, binance_usdm

M = FRAME_NS["1m"]
SIZES = st.lists(st.integers(1, 1_000).map(float), max_size=60)


def marked(yardstick: Yardstick, sizes: list[float]) -> list[LargeTrade | None]:
    large = LargeTrades(yardstick)
    return [large.add(number, T0 + number, Side.BUY, 100.0, size) for number, size in enumerate(sizes)]


def test_a_trade_is_large_against_the_mean_of_those_before_it_only() -> None:
    marks = marked(EwmaYardstick(3.0, 4), [1.0, 1.0, 1.0, 1.0, 3.0, 3.0])
    assert marks[:4] == [None] * 4
    assert marks[4] == LargeTrade(4, T0 + 4, Side.BUY, 100.0, 3.0, 3.0)
    assert marks[5] is None  # the mean is 1.8 by now


def test_a_trade_is_large_against_a_quantile_of_the_window_before_it() -> None:
    marks = marked(QuantileYardstick(0.75, 4), [1.0, 2.0, 3.0, 9.0, 3.0, 2.9])
    assert [mark and mark.threshold for mark in marks] == [None, None, None, None, 3.0, None]
    assert marks[4] is not None and marks[4].contracts == 3.0


@given(SIZES, st.integers(2, 10), st.floats(0.5, 0.99))
def test_the_quantile_is_that_of_the_last_sizes(sizes: list[float], window: int, quantile: float) -> None:
    yardstick = QuantileYardstick(quantile, window)
    for number, size in enumerate(sizes):
        before = sorted(sizes[max(0, number - window) : number])
        rank = max(1, math.ceil(quantile * window))
        assert yardstick.threshold() == (before[rank - 1] if number >= window else None)
        yardstick.measure(size)


@given(SIZES, st.integers(2, 10))
def test_the_mean_is_plain_while_it_warms_up_and_weighs_the_newest_after(sizes: list[float], span: int) -> None:
    mean = 0.0
    for count, size in enumerate(sizes):
        before, mean = mean, ewma_step(mean, count, size, span)
        if count < (span + 1) // 2:
            assert mean == pytest.approx(sum(sizes[: count + 1]) / (count + 1))
        assert min(before, size) <= mean + 1e-9 if count else mean == size


@pytest.mark.parametrize("make", [lambda: EwmaYardstick(3.0, 20), lambda: QuantileYardstick(0.9, 20)])
@given(sizes=SIZES, garbage=SIZES)
def test_nothing_that_comes_later_changes_a_mark(make: object, sizes: list[float], garbage: list[float]) -> None:
    assert marked(make(), sizes + garbage)[: len(sizes)] == marked(make(), sizes)  # type: ignore[operator]


def test_a_late_trade_is_neither_measured_nor_marked() -> None:
    yardstick = EwmaYardstick(2.0, 1)
    large = LargeTrades(yardstick)
    large.add(1, 10 * S, Side.BUY, 1.0, 1.0)
    assert large.add(2, 9 * S, Side.BUY, 1.0, 50.0) is None
    assert (yardstick.threshold(), large.last) == (2.0, None)


def test_recorded_trades_have_few_marks_but_some() -> None:
    rows = binance_usdm()
    for yardstick in (EwmaYardstick(10.0, 100), QuantileYardstick(0.99, 100)):
        large = LargeTrades(yardstick)
        for row in rows:
            large.add(row.trade_id, row.exchange_ns, Side.BUY, row.price, row.size)
        assert large.last is not None
        assert large.last.contracts >= large.last.threshold


def bar(number: int, *rows: tuple[float, float, bool]) -> FormingFootprint:
    """(price, contracts, bought), in buckets of 1."""
    made = FormingFootprint(T0 + number * M, rows[0][0], PRICE_UNITS)
    for at, (price, size, bought) in enumerate(rows):
        made.add(made.open_ns + at, price, units_of(size), bought, at)
    return made


QUIET = ((100.0, 1.0, True), (100.0, 1.0, False))


def judge(*rows: tuple[float, float, bool], through: int = 0) -> tuple[Absorption, ...]:
    """After three quiet bars."""
    judged = Absorptions(multiple=5.0, span=3, through=through, frame_ns=M)
    for number in range(3):
        assert judged.close(bar(number, *QUIET)) == ()
    marks = judged.close(bar(3, *rows))
    assert judged.last == (marks[-1] if marks else None)
    return marks


def test_much_bought_at_a_price_that_held_is_absorbed() -> None:
    mark = Absorption(Side.BUY, T0 + 3 * M, T0 + 4 * M, 100.0, 5.0, 5.0)
    assert judge((99.0, 0.5, True), (100.5, 5.0, True), (99.5, 0.5, True)) == (mark,)


def test_much_sold_at_a_price_that_held_is_absorbed() -> None:
    mark = Absorption(Side.SELL, T0 + 3 * M, T0 + 4 * M, 100.0, 6.0, 5.0)
    assert judge((100.5, 6.0, False), (101.5, 0.5, False)) == (mark,)


@pytest.mark.parametrize(
    "rows",
    [
        ((100.0, 4.9, True), (99.0, 0.5, True)),  # not much
        ((100.0, 9.0, True), (101.0, 0.5, True), (99.0, 0.5, True)),  # it went through
        ((100.0, 9.0, False), (99.9, 0.5, False), (101.0, 0.5, False)),
    ],
)
def test_little_or_a_price_that_did_not_hold_is_no_absorption(rows: tuple[tuple[float, float, bool], ...]) -> None:
    assert judge(*rows) == ()


def test_an_overshoot_that_is_allowed_still_has_to_come_back() -> None:
    there = ((100.0, 9.0, True), (101.0, 0.5, True))
    assert judge(*there, (100.0, 0.1, True), through=1) != ()
    assert judge(*there, through=1) == ()
    assert judge(*there, (102.0, 0.1, True), (100.0, 0.1, True), through=1) == ()


def test_nothing_is_absorbed_before_the_usual_is_known() -> None:
    judged = Absorptions(multiple=5.0, span=3, through=0, frame_ns=M)
    assert [judged.close(bar(number, (100.0, 10.0**number, True))) for number in range(3)] == [(), (), ()]
    assert len(judged.close(bar(3, (100.0, 10.0**6, True)))) == 1
