"""Value <-> bytes. The only importer of generated code.

Every decoder raises `Malformed`, and nothing else, on bytes that it cannot read.
"""

from schemas.codec.errors import Malformed
from schemas.codec.market import (
    decode_candle,
    decode_history,
    decode_trade,
    decode_trade_history,
    encode_candle,
    encode_history,
    encode_trade,
    encode_trade_history,
    pack_trade_row,
)
from schemas.codec.orders import OrderRequestEncoder, decode_reply, decode_request, encode_reply, encode_request
from schemas.codec.signals import decode_signal, encode_signal
from schemas.codec.state import (
    decode_account,
    decode_alert,
    decode_decision,
    decode_engine_state,
    decode_log,
    decode_metrics,
    decode_orders,
    decode_positions,
    decode_receipt,
    decode_system,
    encode_account,
    encode_alert,
    encode_decision,
    encode_engine_state,
    encode_log,
    encode_metrics,
    encode_orders,
    encode_positions,
    encode_receipt,
    encode_system,
)
from schemas.codec.telemetry import decode_telemetry, encode_telemetry, read_telemetry
from schemas.codec.tick import TickDecoder, TickEncoder, read_tick_slowly
from schemas.codec.tick_layout import TICK_LEVELS

__all__ = [
    "TICK_LEVELS",
    "Malformed",
    "OrderRequestEncoder",
    "TickDecoder",
    "TickEncoder",
    "decode_account",
    "decode_alert",
    "decode_candle",
    "decode_decision",
    "decode_engine_state",
    "decode_history",
    "decode_log",
    "decode_metrics",
    "decode_orders",
    "decode_positions",
    "decode_receipt",
    "decode_reply",
    "decode_request",
    "decode_signal",
    "decode_system",
    "decode_telemetry",
    "decode_trade",
    "decode_trade_history",
    "encode_account",
    "encode_alert",
    "encode_candle",
    "encode_decision",
    "encode_engine_state",
    "encode_history",
    "encode_log",
    "encode_metrics",
    "encode_orders",
    "encode_positions",
    "encode_receipt",
    "encode_reply",
    "encode_request",
    "encode_signal",
    "encode_system",
    "encode_telemetry",
    "encode_trade",
    "encode_trade_history",
    "pack_trade_row",
    "read_telemetry",
    "read_tick_slowly",
]
