"""What the bytes of a record say, as values: FlatBuffers, Protobuf and JSON alike. Pure.

Which decoder is meant follows from the topic, as everywhere; what nobody knows is JSON or text where it looks like it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from schemas import codec
from schemas.blackbox import Record
from schemas.topology import (
    OPS_FLOW,
    OPS_HEATMAP,
    OPS_LOG,
    OPS_METRICS,
    OPS_RECEIPT,
    OPS_SYSTEM,
    SIGNAL,
    STATE_ACCOUNT,
    STATE_DECISION,
    STATE_ENGINE,
    STATE_ORDERS,
    STATE_POSITIONS,
)

REQUEST, REPLY, PUSH = "request", "reply", "push"

_EXACT: Final[dict[str, Callable[[memoryview], Any]]] = {
    REQUEST: codec.decode_request,
    REPLY: codec.decode_reply,
    PUSH: codec.decode_telemetry,
    SIGNAL: codec.decode_signal,
    STATE_ENGINE: codec.decode_engine_state,
    STATE_ORDERS: codec.decode_orders,
    STATE_POSITIONS: codec.decode_positions,
    STATE_ACCOUNT: codec.decode_account,
    STATE_DECISION: codec.decode_decision,
    OPS_SYSTEM: codec.decode_system,
    OPS_LOG: codec.decode_log,
    OPS_METRICS: codec.decode_metrics,
    OPS_RECEIPT: codec.decode_receipt,
    OPS_HEATMAP: codec.decode_heatmap,
    OPS_FLOW: codec.decode_flow,
}
_STARTS: Final[tuple[tuple[str, Callable[[memoryview], Any]], ...]] = (
    ("tick.trade.", codec.decode_trade),
    ("trades.", codec.decode_trade_history),
    ("tick.", codec.read_tick_slowly),
    ("candle.", codec.decode_candle),
    ("history.", codec.decode_history),
)


class Payload(NamedTuple):
    """`kind`: the message's name, "json", "text" or "bytes". `value`: the message itself, or what JSON or text say.

    `problem`: why it could not be read as what its topic promises; "" when it could.
    """

    kind: str
    value: Any
    problem: str = ""

    def builtins(self) -> Any:
        """As JSON knows it: sums as text, what is no number as None."""
        return _plain(msgspec.to_builtins(self.value))


def read(record: Record) -> Payload:
    """What a record says. Never raises: a record that cannot be read says so."""
    decoder = _EXACT.get(record.topic) or next((by for start, by in _STARTS if record.topic.startswith(start)), None)
    if decoder is None:
        return _unnamed(record.payload)
    try:
        value = decoder(memoryview(record.payload))
    except codec.Malformed as error:
        return _unnamed(record.payload)._replace(problem=str(error))
    body = getattr(value, "body", None)
    return Payload(type(value if body is None else body).__name__, value)


def _unnamed(payload: bytes) -> Payload:
    try:
        return Payload("json", msgspec.json.decode(payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # not JSON, then
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return Payload("bytes", payload.hex())
    return Payload("text" if text.isprintable() else "bytes", text if text.isprintable() else payload.hex())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
