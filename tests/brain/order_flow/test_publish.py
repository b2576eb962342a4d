from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.footprint import Row
from brain.order_flow.live import OrderFlow
from brain.order_flow.publish import MOST_ROWS, cells, flow_message, heatmap_message, nearest
from schemas import codec
from schemas.messages import Flow, FlowMark, FootprintRow, Heatmap, MarketTick, Side, UnknownLayer
from schemas.settings.order_flow import OrderFlow as Settings
from tests.brain.order_flow.support import T0, S, tick, trade

WINDOW = 30 * S


def layer(**changes: Any) -> OrderFlow:
    return OrderFlow("X", Settings(**changes), book_levels=5, window_ns=WINDOW)


def test_the_heatmap_of_a_book_is_told_as_bytes_that_a_reader_turns_into_sizes() -> None:
    flow = layer(heatmap_rows=4, heatmap_bucket_bps=100.0)
    assert heatmap_message(flow, T0) is None
    flow.on_tick(tick(T0, [(100.0, 4.0), (99.0, 1.0)], [(101.0, 16.0)]))
    message = heatmap_message(flow, T0 + 1)
    assert message == Heatmap(
        timestamp_ns=T0, instrument="X", provider="book", bucket=1.0, first_price=98.0, rows=4, column_ns=(T0,),
        peak_contracts=16.0, cells=bytes([0, 64, 128, 255]),
    )  # fmt: skip
    assert [row[0] for row in message.sizes()] == pytest.approx([0.0, 1.0, 4.0, 16.0], rel=0.02)
    assert codec.decode_heatmap(codec.encode_heatmap(message)) == message


@given(st.lists(st.just(0.0) | st.floats(0, 1e6), min_size=1, max_size=20))
def test_a_cell_is_within_half_a_step_of_the_root_of_its_share(values: list[float]) -> None:
    peak = max(values)
    for value, cell in zip(values, cells(tuple(values), peak), strict=True):
        assert cell == pytest.approx(255 * (value / peak) ** 0.5 if peak >= 1e-8 else 0, abs=0.5001)


def test_the_book_is_looked_at_no_more_often_than_the_settings_say() -> None:
    flow = layer()
    for late_ms, looked_ms in ((0, 0), (100, 0), (249, 0), (250, 250), (260, 250), (600, 600)):
        now = T0 + late_ms * 1_000_000
        flow.on_tick(tick(now))
        message = heatmap_message(flow, now)
        assert message is not None and message.timestamp_ns == T0 + looked_ms * 1_000_000


@pytest.mark.parametrize("book", [tick(valid=False), tick(bids=[]), tick(bids=[(100.2, 1.0)])])
def test_a_book_that_is_not_whole_is_not_looked_at(book: MarketTick) -> None:
    flow = layer()
    flow.on_tick(book)
    assert heatmap_message(flow, T0) is None


def test_the_flow_is_told_with_everything_that_is_known() -> None:
    flow, newest = layer(large_trades=10, bucket_price=1.0), tick(T0 + 20)
    for number in range(1, 11):
        flow.on_trade(trade(number, T0 + number, 100.5, 1.0, bought=number % 2 == 0), 1)
    flow.on_trade(trade(11, T0 + 11, 102.5, 10.0), 1)
    flow.on_tick(newest)
    session = T0 // (86_400 * S) * 86_400 * S
    message = flow_message(flow, flow.scores(newest), T0 + 20)
    assert message == Flow(
        timestamp_ns=T0 + 20, instrument="X", frame="1m", imbalance=0.75, pressure=0.75, cvd_contracts=10.0,
        cvd_session_ns=session, cvd_since_ns=T0 + 1, cvd_bars=(), footprint_open_ns=T0, footprint_bucket=1.0,
        footprint_poc=100.0,
        footprint=(FootprintRow(price=100.0, bought=5.0, sold=5.0), FootprintRow(price=102.0, bought=10.0, sold=0.0)),
        marks=(
            FlowMark(kind="large_trade", side=Side.BUY, at_ns=T0 + 11, confirmed_ns=T0 + 11, price=102.5,
                     contracts=10.0),
        ),
        counters=dict.fromkeys(message.counters, 0),
    )  # fmt: skip
    assert codec.decode_flow(codec.encode_flow(message)) == message


def test_what_is_unknown_is_told_with_its_reason_and_never_as_zero() -> None:
    flow, book = layer(), tick(bids=[])
    flow.on_tick(book)
    message = flow_message(flow, flow.scores(book), T0)
    assert (message.imbalance, message.pressure, message.cvd_contracts, message.footprint_poc) == (None,) * 4
    assert message.unknown == (
        UnknownLayer(part="order_flow.imbalance", reason="the book has no bids"),
        UnknownLayer(part="order_flow.pressure", reason="no trade in 30 s"),
        UnknownLayer(part="order_flow.cvd", reason="no trade in this session yet"),
    )


def test_marks_of_bars_are_told() -> None:
    flow = layer(absorption_bars=2, absorption_multiple=2.0, divergence_bars=1, bucket_price=1.0)
    number, minute = 0, 60 * S
    for bar, (price, bought) in enumerate([(101, 1), (105, 8), (101, 1), (102, 0.1), (106, 0.5), (101, 9), (101, 1)]):
        for side, size in ((True, bought), (False, 2.0)):
            number += 1
            flow.on_trade(trade(number, T0 - 10 * minute + bar * minute + number, price, size, bought=side), 1)
    flow.on_tick(tick(T0))
    kinds = {mark.kind: mark for mark in flow_message(flow, flow.scores(tick(T0)), T0).marks}
    begin = T0 - 10 * minute
    assert kinds["divergence"] == FlowMark(
        kind="divergence", side=Side.SELL, at_ns=begin + 4 * minute, confirmed_ns=begin + 6 * minute, price=106.0,
        contracts=None,
    )  # fmt: skip
    assert kinds["absorption"] == FlowMark(
        kind="absorption", side=Side.BUY, at_ns=begin + 5 * minute, confirmed_ns=begin + 6 * minute, price=101.0,
        contracts=9.0,
    )  # fmt: skip


def test_of_a_long_footprint_the_rows_nearest_to_the_price_are_told_from_the_lowest() -> None:
    rows = tuple(Row(float(price), 1.0, 2.0) for price in range(200))
    told = [row.price for row in nearest(rows, 150.0)]
    assert told == sorted(told)
    assert len(told) == MOST_ROWS
    assert (150.0 in told, min(told), max(told)) == (True, 126.0, 173.0)


def test_a_provider_that_was_shut_off_leaves_an_empty_picture_that_says_why() -> None:
    flow = layer()
    flow.heatmap._shut("failed on a tick", ZeroDivisionError("x"))
    message = heatmap_message(flow, T0)
    assert message is not None
    assert (message.rows, message.cells, message.sizes()) == (0, b"", ())
    assert message.unknown == "provider 'book' failed on a tick (ZeroDivisionError: x)"
