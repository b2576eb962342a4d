"""Trade, TradeHistory, Candle and CandleHistory <-> FlatBuffers, through the generated builder and accessors."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import flatbuffers

from schemas.codec.errors import Malformed
from schemas.generated.market import Candle as FbCandle
from schemas.generated.market import CandleHistory as FbHistory
from schemas.generated.market import Trade as FbTrade
from schemas.generated.market import TradeHistory as FbTrades
from schemas.messages import Candle, CandleHistory, Side, Trade, TradeHistory

_T = TypeVar("_T")
_TRADE_ROW: Final = struct.Struct("<qddqiB3x")
_CANDLE_ROW: Final = struct.Struct("<qddddd")
"""TradeRow and CandleRow of market.fbs: a struct lies in the message as it is written here."""


def _readable(what: str, read: Callable[[bytes], _T], payload: bytes | memoryview) -> _T:
    try:
        return read(bytes(payload))
    except (struct.error, IndexError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise Malformed(what, f"not readable ({error})") from None


def _text(value: bytes | None, what: str, field: str) -> str:
    if value is None:
        raise Malformed(what, f"no {field}")
    return value.decode()


def encode_trade(value: Trade) -> bytes:
    """Bytes of one trade."""
    builder = flatbuffers.Builder(192)
    name = builder.CreateString(value.instrument)
    FbTrade.TradeStart(builder)
    FbTrade.TradeAddInstrument(builder, name)
    FbTrade.TradeAddSequence(builder, value.sequence)
    FbTrade.TradeAddExchangeNs(builder, value.exchange_ns)
    FbTrade.TradeAddReceivedNs(builder, value.received_ns)
    FbTrade.TradeAddPrice(builder, value.price)
    FbTrade.TradeAddSize(builder, value.size)
    FbTrade.TradeAddTradeId(builder, value.trade_id)
    FbTrade.TradeAddSide(builder, value.side)
    FbTrade.TradeAddCount(builder, value.count)
    builder.Finish(FbTrade.TradeEnd(builder))
    return bytes(builder.Output())


def decode_trade(payload: bytes | memoryview) -> Trade:
    """The trade in `payload`. Raises Malformed."""
    return _readable("Trade", _read_trade, payload)


def _read_trade(payload: bytes) -> Trade:
    fb = FbTrade.Trade.GetRootAs(payload, 0)
    return Trade(
        instrument=_text(fb.Instrument(), "Trade", "instrument"), sequence=fb.Sequence(),
        exchange_ns=fb.ExchangeNs(), received_ns=fb.ReceivedNs(), price=fb.Price(), size=fb.Size(),
        trade_id=fb.TradeId(), side=Side(fb.Side()), count=fb.Count(),
    )  # fmt: skip


def pack_trade_row(exchange_ns: int, price: float, size: float, trade_id: int, count: int, side: int) -> bytes:
    """One row of a trade history, as it lies in the message. Raises: struct.error where a number does not fit."""
    return _TRADE_ROW.pack(exchange_ns, price, size, trade_id, count, side)


def encode_trade_history(
    instrument: str, rows: Sequence[bytes], *, since_id: int, sequence: int, received_ns: int
) -> bytes:
    """Bytes of a history made of packed rows: a thousand rows cost the publisher a join, not a thousand calls."""
    builder = flatbuffers.Builder(128 + _TRADE_ROW.size * len(rows))
    name = builder.CreateString(instrument)
    vector = _vector_of(builder, _TRADE_ROW.size, rows)
    FbTrades.TradeHistoryStart(builder)
    FbTrades.TradeHistoryAddInstrument(builder, name)
    FbTrades.TradeHistoryAddSequence(builder, sequence)
    FbTrades.TradeHistoryAddReceivedNs(builder, received_ns)
    FbTrades.TradeHistoryAddSinceId(builder, since_id)
    FbTrades.TradeHistoryAddRows(builder, vector)
    builder.Finish(FbTrades.TradeHistoryEnd(builder))
    return bytes(builder.Output())


def decode_trade_history(payload: bytes | memoryview) -> TradeHistory:
    """The history in `payload`. Raises Malformed."""
    return _readable("TradeHistory", _read_trade_history, payload)


def _read_trade_history(payload: bytes) -> TradeHistory:
    fb = FbTrades.TradeHistory.GetRootAs(payload, 0)
    name, sequence, received_ns = _text(fb.Instrument(), "TradeHistory", "instrument"), fb.Sequence(), fb.ReceivedNs()
    trades = tuple(
        Trade(
            instrument=name, sequence=sequence, exchange_ns=exchange_ns, received_ns=received_ns, price=price,
            size=size, trade_id=trade_id, side=Side(side), count=each,
        )
        for exchange_ns, price, size, trade_id, each, side in _rows_of("TradeHistory", fb, _TRADE_ROW, payload)
    )  # fmt: skip
    return TradeHistory(
        instrument=name, sequence=sequence, received_ns=received_ns, since_id=fb.SinceId(), trades=trades
    )


def encode_candle(value: Candle) -> bytes:
    """Bytes of one candle."""
    builder = flatbuffers.Builder(192)
    name, frame = builder.CreateString(value.instrument), builder.CreateString(value.frame)
    FbCandle.CandleStart(builder)
    FbCandle.CandleAddInstrument(builder, name)
    FbCandle.CandleAddFrame(builder, frame)
    FbCandle.CandleAddSequence(builder, value.sequence)
    FbCandle.CandleAddOpenNs(builder, value.open_ns)
    FbCandle.CandleAddReceivedNs(builder, value.received_ns)
    FbCandle.CandleAddOpen(builder, value.open)
    FbCandle.CandleAddHigh(builder, value.high)
    FbCandle.CandleAddLow(builder, value.low)
    FbCandle.CandleAddClose(builder, value.close)
    FbCandle.CandleAddVolume(builder, value.volume)
    FbCandle.CandleAddConfirmed(builder, value.confirmed)
    builder.Finish(FbCandle.CandleEnd(builder))
    return bytes(builder.Output())


def decode_candle(payload: bytes | memoryview) -> Candle:
    """The candle in `payload`. Raises Malformed."""
    return _readable("Candle", _read_candle, payload)


def _read_candle(payload: bytes) -> Candle:
    fb = FbCandle.Candle.GetRootAs(payload, 0)
    return Candle(
        instrument=_text(fb.Instrument(), "Candle", "instrument"), frame=_text(fb.Frame(), "Candle", "frame"),
        sequence=fb.Sequence(), open_ns=fb.OpenNs(), received_ns=fb.ReceivedNs(), open=fb.Open(), high=fb.High(),
        low=fb.Low(), close=fb.Close(), volume=fb.Volume(), confirmed=bool(fb.Confirmed()),
    )  # fmt: skip


def pack_candle_row(candle: Candle) -> bytes:
    """One row of a history, as it lies in the message. Raises: struct.error where a number does not fit."""
    return _CANDLE_ROW.pack(candle.open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume)


def encode_packed_history(
    instrument: str, frame: str, rows: Sequence[bytes], *, sequence: int, received_ns: int
) -> bytes:
    """Bytes of a history made of packed rows: thousands of rows cost the publisher a join, not as many calls."""
    builder = flatbuffers.Builder(128 + _CANDLE_ROW.size * len(rows))
    name, frame_name = builder.CreateString(instrument), builder.CreateString(frame)
    vector = _vector_of(builder, _CANDLE_ROW.size, rows)
    FbHistory.CandleHistoryStart(builder)
    FbHistory.CandleHistoryAddInstrument(builder, name)
    FbHistory.CandleHistoryAddFrame(builder, frame_name)
    FbHistory.CandleHistoryAddSequence(builder, sequence)
    FbHistory.CandleHistoryAddReceivedNs(builder, received_ns)
    FbHistory.CandleHistoryAddRows(builder, vector)
    builder.Finish(FbHistory.CandleHistoryEnd(builder))
    return bytes(builder.Output())


def encode_history(value: CandleHistory) -> bytes:
    """Bytes of a history; its candles must all be confirmed and of its own frame."""
    rows = [pack_candle_row(candle) for candle in value.candles]
    return encode_packed_history(
        value.instrument, value.frame, rows, sequence=value.sequence, received_ns=value.received_ns
    )


def _vector_of(builder: Any, size: int, rows: Sequence[bytes]) -> int:
    """A vector of structs of `size` bytes, given as they lie in the message; its offset."""
    builder.StartVector(size, len(rows), 8)
    joined = b"".join(rows)
    builder.head -= len(joined)
    builder.Bytes[builder.head : builder.head + len(joined)] = joined
    return int(builder.EndVector())


def _rows_of(what: str, fb: Any, row: struct.Struct, payload: bytes) -> Iterator[tuple[Any, ...]]:
    """The structs of the field `rows`. Raises: Malformed where the message ends before they do."""
    count = fb.RowsLength()
    start = fb.Rows(0)._tab.Pos if count else 0
    rows = payload[start : start + count * row.size]
    if len(rows) != count * row.size:
        raise Malformed(what, f"{count} rows announced, {len(rows)} bytes are there")
    return row.iter_unpack(rows)


def decode_history(payload: bytes | memoryview) -> CandleHistory:
    """The history in `payload`. Raises Malformed."""
    return _readable("CandleHistory", _read_history, payload)


def _read_history(payload: bytes) -> CandleHistory:
    fb = FbHistory.CandleHistory.GetRootAs(payload, 0)
    name = _text(fb.Instrument(), "CandleHistory", "instrument")
    frame = _text(fb.Frame(), "CandleHistory", "frame")
    sequence, received_ns = fb.Sequence(), fb.ReceivedNs()

    candles = tuple(
        Candle(
            instrument=name, frame=frame, sequence=sequence, open_ns=open_ns, received_ns=received_ns, open=first,
            high=high, low=low, close=close, volume=volume, confirmed=True,
        )
        for open_ns, first, high, low, close, volume in _rows_of("CandleHistory", fb, _CANDLE_ROW, payload)
    )  # fmt: skip
    return CandleHistory(instrument=name, frame=frame, sequence=sequence, received_ns=received_ns, candles=candles)
