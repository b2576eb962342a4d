from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import Malformed
from schemas.codec.state import MIRRORS, TOP_LEVEL
from schemas.generated import orders_pb2, signals_pb2, state_pb2
from schemas.generated.market import TradeHistory as FbTrades
from schemas.messages import (
    CancelRequest,
    Candle,
    CandleHistory,
    DecidedOn,
    Flow,
    FlowMark,
    FootprintRow,
    Heartbeat,
    Heatmap,
    LogLine,
    OrderAck,
    OrderReject,
    OrderRequest,
    RejectCode,
    Reply,
    Request,
    Side,
    Signal,
    SignalKind,
    Trade,
    UnknownLayer,
)

I64 = st.integers(-(2**63), 2**63 - 1)
U64 = st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12)

ORDERS = st.builds(
    OrderRequest, intent_id=TEXT, instrument=TEXT, side=st.sampled_from([Side.BUY, Side.SELL]), contracts=MONEY,
    reduce_only=st.booleans(), tp_pct=st.none() | FINITE, sl_pct=st.none() | FINITE,
    decided_on=st.builds(DecidedOn, tick_sequence=U64, timestamp_ns=I64), created_ns=I64,
    limit_price=st.none() | MONEY,
)  # fmt: skip
REQUESTS = st.builds(
    Request, sequence=U64, timestamp_ns=I64,
    body=ORDERS
    | st.builds(CancelRequest, intent_id=TEXT, instrument=TEXT, reason=TEXT, created_ns=I64)
    | st.builds(Heartbeat, process=TEXT, last_tick_sequence=U64, last_decision_sequence=U64, created_ns=I64),
)  # fmt: skip
REPLIES = st.builds(
    Reply, sequence=U64, timestamp_ns=I64, request_sequence=U64,
    body=st.builds(OrderAck, intent_id=TEXT, client_order_id=TEXT, venue_order_id=TEXT, accepted_ns=I64)
    | st.builds(
        OrderReject, intent_id=TEXT, code=st.sampled_from(RejectCode), rule=TEXT, observed=st.none() | TEXT,
        limit=st.none() | TEXT, text=TEXT,
    ),
)  # fmt: skip


@given(REQUESTS)
def test_a_request_comes_back_as_it_was_sent(request: Request) -> None:
    assert codec.decode_request(codec.encode_request(request)) == request


@given(st.lists(ORDERS, min_size=2, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4), U64, I64)
def test_an_encoder_in_use_writes_what_a_new_one_writes(
    orders: list[OrderRequest], like: list[bool], sequence: int, now: int
) -> None:
    encoder, first = codec.OrderRequestEncoder(), orders[0]
    for order, alike in zip(orders, like, strict=False):
        sent = order
        if alike:
            sent = msgspec.structs.replace(
                first, intent_id=order.intent_id, contracts=order.contracts, decided_on=order.decided_on,
                created_ns=order.created_ns, limit_price=None,
            )  # fmt: skip
        encoded = encoder.encode(sent, sequence=sequence, timestamp_ns=now)
        assert encoded == codec.encode_request(Request(sequence=sequence, timestamp_ns=now, body=sent))


@given(ORDERS, U64, I64)
def test_the_reused_encoder_writes_what_a_new_one_writes(order: OrderRequest, sequence: int, now: int) -> None:
    encoder = codec.OrderRequestEncoder()
    encoder.encode(msgspec.structs.replace(order, tp_pct=1.0, limit_price=Decimal(1)), sequence=1, timestamp_ns=1)
    encoded = encoder.encode(order, sequence=sequence, timestamp_ns=now)
    assert encoded == codec.encode_request(Request(sequence=sequence, timestamp_ns=now, body=order))


@given(REPLIES)
def test_a_reply_comes_back_as_it_was_sent(reply: Reply) -> None:
    assert codec.decode_reply(codec.encode_reply(reply)) == reply


@given(
    st.builds(
        Signal, kind=st.sampled_from(SignalKind), id=TEXT.filter(bool), issuer=TEXT, reason=TEXT, timestamp_ns=I64,
        sequence=U64, target=TEXT, changes=st.dictionaries(TEXT, TEXT, max_size=3),
    )
)  # fmt: skip
def test_a_signal_comes_back_as_it_was_sent(signal: Signal) -> None:
    assert codec.decode_signal(codec.encode_signal(signal)) == signal


@pytest.mark.parametrize("mirror", MIRRORS + TOP_LEVEL, ids=lambda mirror: mirror.struct.__name__)
def test_a_mirrored_message_has_the_same_fields_on_the_wire(mirror: Any) -> None:
    here, wire = mirror.names
    assert here == wire


@pytest.mark.parametrize("mirror", TOP_LEVEL, ids=lambda mirror: mirror.struct.__name__)
@given(data=st.data())
def test_a_state_message_comes_back_as_it_was_sent(mirror: Any, data: st.DataObject) -> None:
    value = data.draw(structs(mirror.struct))
    assert mirror.decode(mirror.encode(value)) == value


@cache  # to register a type makes every strategy anew
def structs(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any value of a struct type whose numbers fit the wire."""
    for type_, strategy in {Decimal: MONEY, float: FINITE, str: TEXT}.items():
        st.register_type_strategy(type_, strategy)
    small = st.integers(0, 2**31 - 1)
    st.register_type_strategy(int, small)
    return st.from_type(kind)


@given(
    st.builds(Trade, instrument=TEXT, sequence=U64, exchange_ns=I64, received_ns=I64, price=FINITE, size=FINITE,
              trade_id=I64, side=st.sampled_from(Side), count=st.integers(-(2**31), 2**31 - 1))
)  # fmt: skip
def test_a_trade_comes_back_as_it_was_sent(trade: Trade) -> None:
    assert codec.decode_trade(codec.encode_trade(trade)) == trade


ROWS = st.tuples(I64, FINITE, FINITE, I64, st.integers(-(2**31), 2**31 - 1), st.sampled_from(Side))


@given(st.lists(ROWS, max_size=5), I64)
def test_a_history_of_trades_comes_back_row_by_row_and_as_the_generated_code_reads_it(
    rows: list[tuple[int, float, float, int, int, Side]], since_id: int
) -> None:
    packed = [codec.pack_trade_row(*row) for row in rows]
    payload = codec.encode_trade_history("X", packed, since_id=since_id, sequence=3, received_ns=4)
    history = codec.decode_trade_history(payload)
    assert (history.instrument, history.sequence, history.received_ns, history.since_id) == ("X", 3, 4, since_id)
    read = [(t.exchange_ns, t.price, t.size, t.trade_id, t.count, t.side) for t in history.trades]
    assert read == rows
    assert all((t.instrument, t.sequence, t.received_ns) == ("X", 3, 4) for t in history.trades)
    fb = FbTrades.TradeHistory.GetRootAs(payload, 0)
    generated = [fb.Rows(i) for i in range(fb.RowsLength())]
    assert [(r.ExchangeNs(), r.Price(), r.Size(), r.TradeId(), r.Count(), r.Side()) for r in generated] == rows


CANDLES = st.builds(
    Candle, instrument=st.just("X"), frame=st.just("5m"), sequence=st.just(3), open_ns=I64, received_ns=st.just(4),
    open=FINITE, high=FINITE, low=FINITE, close=FINITE, volume=FINITE, confirmed=st.just(True),
)  # fmt: skip


@given(st.lists(CANDLES, max_size=5))
def test_candles_and_their_history_come_back_as_they_were_sent(candles: list[Candle]) -> None:
    history = CandleHistory(instrument="X", frame="5m", sequence=3, received_ns=4, candles=tuple(candles))
    assert codec.decode_history(codec.encode_history(history)) == history
    for candle in candles:
        assert codec.decode_candle(codec.encode_candle(candle)) == candle


DECODERS = [
    codec.decode_request, codec.decode_reply, codec.decode_signal, codec.decode_telemetry, codec.decode_trade,
    codec.decode_candle, codec.decode_history, codec.decode_engine_state, codec.decode_orders, codec.decode_decision,
    codec.decode_trade_history, codec.decode_heatmap, codec.decode_flow,
]  # fmt: skip


@pytest.mark.parametrize("decode", DECODERS)
@given(payload=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(decode: Any, payload: bytes) -> None:
    try:
        decode(payload)
    except Malformed as error:
        assert error.problem


ORDER = OrderRequest(
    intent_id="i1", instrument="BTC-USDT-SWAP", side=Side.BUY, contracts=Decimal("1.5"), tp_pct=0.6, sl_pct=0.4,
    decided_on=DecidedOn(tick_sequence=9, timestamp_ns=10), created_ns=11,
)  # fmt: skip


def test_the_bytes_of_an_order_a_signal_and_a_log_line_are_pinned() -> None:
    request = codec.encode_request(Request(sequence=1, timestamp_ns=2, body=ORDER))
    assert request.hex() == (
        "080110021a340a026931120d4254432d555344542d5357415018012203312e3531333333333333e3"
        "3f399a9999999999d93f42040809100a480b"
    )
    signal = Signal(kind=SignalKind.SYSTEM_HALT, id="h1", issuer="op", reason="r", timestamp_ns=3)
    assert codec.encode_signal(signal).hex() == "0801120268311a026f702201722803"
    assert codec.encode_log(LogLine(timestamp_ns=1, process="p", level="l", text="t")).hex() == "08011201701a016c220174"


HEATMAP = Heatmap(
    timestamp_ns=1, instrument="X", provider="book", bucket=0.5, first_price=99.0, rows=2, column_ns=(1, 2),
    peak_contracts=4.0, cells=b"\x00\xff\x80\x01", unknown="u",
)  # fmt: skip
FLOW = Flow(
    timestamp_ns=1, instrument="X", frame="1m", imbalance=0.5, pressure=None, cvd_contracts=-1.5, cvd_session_ns=2,
    cvd_since_ns=3, cvd_bars=(1.0, -2.0), footprint_open_ns=4, footprint_bucket=0.5, footprint_poc=99.0,
    footprint=(FootprintRow(price=99.0, bought=1.0, sold=2.0),),
    marks=(FlowMark(kind="absorption", side=Side.SELL, at_ns=5, confirmed_ns=6, price=99.5, contracts=None),),
    counters={"refused_size": 7}, unknown=(UnknownLayer(part="order_flow.pressure", reason="no trade in 30 s"),),
)  # fmt: skip


def test_the_bytes_of_a_heatmap_and_of_the_flow_are_pinned() -> None:
    assert codec.encode_heatmap(HEATMAP).hex() == (
        "08011201581a04626f6f6b21000000000000e03f290000000000c0584030023a0201024100000000000010404a0400ff8001520175"
    )
    assert codec.encode_flow(FLOW).hex() == (
        "08011201581a02316d21000000000000e03f31000000000000f8bf380240034a10000000000000f03f00000000"
        "000000c0500459000000000000e03f610000000000c058406a1b090000000000c0584011000000000000f03f19"
        "0000000000000040721b0a0a6162736f727074696f6e100218052006290000000000e058407a100a0c72656675"
        "7365645f73697a6510078201270a136f726465725f666c6f772e707265737375726512106e6f20747261646520"
        "696e2033302073"
    )
    assert codec.decode_heatmap(codec.encode_heatmap(HEATMAP)) == HEATMAP
    assert codec.decode_flow(codec.encode_flow(FLOW)) == FLOW


def test_the_cells_of_a_heatmap_are_sizes_row_by_row_or_refused() -> None:
    assert HEATMAP.sizes() == ((0.0, 4.0), (pytest.approx(4 * (128 / 255) ** 2), pytest.approx(4 / 255**2)))
    with pytest.raises(ValueError, match="4 cells for 3 rows and 2 columns"):
        msgspec.structs.replace(HEATMAP, rows=3).sizes()


def test_a_message_of_a_newer_schema_with_an_unknown_field_is_read() -> None:
    unknown = b"\xf2\x3f\x03new"  # field 1022, length-delimited
    assert (
        codec.decode_request(codec.encode_request(Request(sequence=1, timestamp_ns=2, body=ORDER)) + unknown).body
        == ORDER
    )
    signal = codec.encode_signal(Signal(kind=SignalKind.FLATTEN, id="x", issuer="", reason="", timestamp_ns=0))
    assert codec.decode_signal(signal + unknown).kind is SignalKind.FLATTEN
    assert (
        codec.decode_log(codec.encode_log(LogLine(timestamp_ns=1, process="p", level="l", text="t")) + unknown).text
        == "t"
    )


def test_a_message_of_an_older_schema_without_the_later_fields_is_read_with_their_defaults() -> None:
    old = orders_pb2.Request(sequence=5)
    old.order.intent_id = "i1"
    old.order.side = orders_pb2.SIDE_SELL
    old.order.contracts = "2"
    order = codec.decode_request(old.SerializeToString()).body
    assert isinstance(order, OrderRequest)
    assert (order.tp_pct, order.limit_price, order.reduce_only, order.decided_on.tick_sequence) == (
        None,
        None,
        False,
        0,
    )
    assert codec.decode_signal(signals_pb2.Signal(kind=1, id="h").SerializeToString()).changes == {}
    assert codec.decode_positions(state_pb2.PositionsState(timestamp_ns=1).SerializeToString()).positions == ()


def test_a_refusal_with_a_code_that_this_version_does_not_know_stays_a_refusal() -> None:
    newer = orders_pb2.Reply()
    newer.reject.code, newer.reject.text = "LUNAR_ECLIPSE", "wait"
    reject = codec.decode_reply(newer.SerializeToString()).body
    assert isinstance(reject, OrderReject)
    assert (reject.code, reject.text) == (RejectCode.INTERNAL, "LUNAR_ECLIPSE: wait")


@pytest.mark.parametrize(
    ("change", "names"),
    [({"contracts": "many"}, "contracts"), ({"contracts": "NaN"}, "contracts"), ({"side": 0}, "side")],
)
def test_an_order_that_makes_no_sense_is_malformed_and_named(change: dict[str, Any], names: str) -> None:
    message = orders_pb2.Request()
    message.order.side, message.order.contracts = 1, "1"
    for field, value in change.items():
        setattr(message.order, field, value)
    with pytest.raises(Malformed, match=names):
        codec.decode_request(message.SerializeToString())
