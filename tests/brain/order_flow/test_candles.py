from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.candles import Candles, TradeBar
from schemas.messages import FRAME_NS
from tests.brain.order_flow.support import MS, T0, Print, S, numbered, xrp_eth
from tests.support.recordings import recording

M = FRAME_NS["1m"]


def feed(candles: Candles, rows: list[Print]) -> list[TradeBar]:
    made: list[TradeBar] = []
    for row in rows:
        made += candles.add(row.exchange_ns, row.price, row.size, bought=row.bought, trade_id=row.trade_id)
    return made


def test_recorded_trades_make_the_recorded_candles_in_every_row() -> None:
    candles = Candles(M)
    made = feed(candles, xrp_eth()) + list(candles.rest())
    with recording("ohlcv/xrp-eth_1m_from_trades.csv").open() as lines:
        rows = [[float(cell) for cell in row.values()] for row in csv.DictReader(lines)]
    assert len(rows) == 2_469
    assert [[bar.open_ns / MS, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in made] == rows
    assert sum(bar.trades for bar in made) == 12_477
    assert (candles.late, candles.doubled) == (0, 0)


def test_doubled_recorded_trades_that_come_up_to_two_seconds_late_make_the_same_candles() -> None:
    rows = xrp_eth()[:3_000]
    plain, mixed = Candles(M), Candles(M, settle_ns=2 * S)
    expected = feed(plain, rows) + list(plain.rest())
    arrival = sorted(rows + rows[::3], key=lambda row: row.exchange_ns + row.trade_id * 7_919 % 2_000 * MS)
    assert feed(mixed, arrival) + list(mixed.rest()) == expected
    assert (mixed.late, mixed.doubled) == (0, 1_000)


PRINTS = st.lists(
    st.builds(
        Print, trade_id=st.just(0), exchange_ns=st.integers(0, 200).map(lambda s: T0 + s * S),
        price=st.integers(1, 9).map(float), size=st.integers(1, 99).map(lambda n: n / 10), bought=st.booleans(),
    ),
    min_size=1, max_size=25,
).map(numbered)  # fmt: skip


def naive(rows: list[Print]) -> list[TradeBar]:
    made = []
    for open_ns in sorted({row.exchange_ns // M * M for row in rows}):
        inside = [row for row in rows if row.exchange_ns // M * M == open_ns]
        prices = [row.price for row in inside]
        volume = sum(round(row.size * 10) for row in inside) / 10
        made.append(TradeBar(open_ns, prices[0], max(prices), min(prices), prices[-1], volume, len(inside)))
    return made


@given(PRINTS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_within_the_time_to_settle_any_order_of_arrival_makes_the_same_candles(
    case: tuple[list[Print], list[Print]],
) -> None:
    rows, arrived = case
    candles = Candles(M, settle_ns=300 * S)
    assert feed(candles, arrived) == []
    assert list(candles.rest()) == naive(rows)


@given(PRINTS, st.integers(0, 25))
def test_a_final_candle_does_not_change_with_what_comes_after(rows: list[Print], cut: int) -> None:
    before, after = Candles(M), Candles(M)
    early = feed(before, rows[:cut])
    assert feed(after, rows)[: len(early)] == early


def test_a_trade_of_a_final_candle_is_dropped_and_counted() -> None:
    candles = Candles(M, settle_ns=S)
    candles.add(T0, 5.0, 1.0, bought=True, trade_id=1)
    assert candles.advance(T0 + M + S - 1) == ()
    assert candles.advance(T0 + M + S) == (TradeBar(T0, 5.0, 5.0, 5.0, 5.0, 1.0, 1),)
    assert candles.add(T0 + M - 1, 9.0, 1.0, bought=True, trade_id=2) == ()
    assert (candles.late, candles.rest()) == (1, ())
    candles.add(T0 + M, 6.0, 2.0, bought=True, trade_id=3)
    assert candles.rest() == (TradeBar(T0 + M, 6.0, 6.0, 6.0, 6.0, 2.0, 1),)


def test_what_is_no_trade_makes_no_candle_and_is_remembered_by_no_id() -> None:
    candles = Candles(M)
    for price, size in ((float("nan"), 1.0), (1.0, float("inf")), (0.0, 1.0), (1.0, -1.0)):
        assert candles.add(T0, price, size, bought=True, trade_id=1) == ()
    assert candles.rest() == ()
    candles.add(T0, 1.0, 1.0, bought=True, trade_id=1)
    assert len(candles.rest()) == 1


@pytest.mark.parametrize(("length", "settle"), [(0, 0), (-1, 0), (1, -1)])
def test_bars_without_length_are_refused(length: int, settle: int) -> None:
    with pytest.raises(ValueError, match="none"):
        Candles(length, settle)
