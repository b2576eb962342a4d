"""One record in one line, for people and for other programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from schemas.blackbox import Direction, Record
from schemas.clock import NS_PER_MS
from schemas.messages import (
    CancelAck,
    CancelRequest,
    Candle,
    CandleHistory,
    Heartbeat,
    HeartbeatAck,
    Heatmap,
    MarketTick,
    OrderAck,
    OrderReject,
    OrderRequest,
    Receipt,
    Reply,
    Request,
    Signal,
    Telemetry,
    TelemetryKind,
    Trade,
    TradeHistory,
)
from schemas.printable import printable
from sovereign_tui.forensics.payload import read

ARROWS: Final = {Direction.RECEIVED: "<-", Direction.SENT: "->", Direction.NOTE: "--"}
COLUMNS: Final = (
    "wall_ns", "time", "monotonic_ns", "process", "direction", "channel", "topic", "kind", "problem", "value",
)  # fmt: skip
"""Of an exported record; `value` is JSON in a CSV."""


def clock_time(wall_ns: int) -> str:
    """Date and time in UTC, to the microsecond."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000:06d}"


def line(record: Record) -> str:
    """Time (UTC), process, direction, channel, topic, and what it says."""
    arrow = ARROWS[record.direction]
    told = f"{record.process:<8} {arrow} {record.channel} {record.topic}: {says(record)}"
    return f"{clock_time(record.wall_ns)}  {printable(told)}"


def says(record: Record) -> str:
    """What a record says, in words where it is a message that is known."""
    payload = read(record)
    if payload.problem:
        return f"unreadable ({payload.problem}): {payload.value}"
    told = _words(payload.value)
    if told is None:
        text = payload.value if isinstance(payload.value, str) else msgspec.json.encode(payload.builtins()).decode()
        told = text if payload.kind in {"json", "text", "bytes"} else f"{payload.kind} {text}"
    return printable(told)


def exported(record: Record) -> dict[str, Any]:
    """A record with what it says, ready for JSON."""
    payload = read(record)
    return {
        "wall_ns": record.wall_ns, "time": clock_time(record.wall_ns), "monotonic_ns": record.monotonic_ns,
        "process": record.process, "direction": record.direction.name, "channel": record.channel,
        "topic": record.topic, "kind": payload.kind, "problem": payload.problem, "value": payload.builtins(),
    }  # fmt: skip


def _words(value: Any) -> str | None:
    """None: its fields say it best."""
    match value:
        case MarketTick():
            touch = f"{value.bid_price} x {value.bid_size:g} | {value.ask_price} x {value.ask_size:g}"
            book = "" if value.book_valid else "  BOOK INVALID"
            return f"tick {value.sequence}  {touch}  last {value.last_price} x {value.last_size:g}{book}"
        case Trade():
            return f"trade {value.side.name} {value.size:g} at {value.price}"
        case Candle():
            ended = "confirmed" if value.confirmed else "forming"
            return f"candle {value.frame} {value.open} {value.high} {value.low} {value.close} {ended}"
        case CandleHistory():
            return f"history {value.frame}, {len(value.candles)} candles"
        case TradeHistory():
            return f"latest trades, {len(value.trades)}, none missing after id {value.since_id}"
        case Request() | Reply():
            return _asked(value.body)
        case Telemetry(kind=TelemetryKind.HALT_ACK):
            return f"halt_ack {receipt_words(value.data)}"
        case Receipt():
            return f"receipt {receipt_words(msgspec.to_builtins(value))}"
        case Heatmap():
            grid = f"{value.rows} prices from {value.first_price} by {value.bucket}, {len(value.column_ns)} times"
            return f"heatmap of {value.provider}, {value.unknown or grid}"
        case Telemetry(kind=TelemetryKind.HEATMAP):
            rest = {name: each for name, each in value.data.items() if name not in {"cells", "column_ns"}}
            return f"heatmap {msgspec.json.encode(rest).decode()}"
        case Telemetry():
            return f"{value.kind.value} {msgspec.json.encode(value.data).decode()}"
        case Signal():
            parts = [f"{value.kind.name} {value.id}", f"by {value.issuer}"]
            parts += [part for part in (value.reason, value.target and f"target {value.target}") if part]
            return ", ".join([*parts, *(f"{name} = {text}" for name, text in value.changes.items())])
    return None


def _asked(body: object) -> str:
    match body:
        case OrderRequest():
            return " ".join(("order", *order_words(body)))
        case CancelRequest():
            return f"cancel {body.intent_id} of {body.instrument}: {body.reason}"
        case Heartbeat():
            return f"heartbeat of {body.process}, tick {body.last_tick_sequence}"
        case OrderAck():
            return f"ack {body.intent_id}: {body.client_order_id} is {body.venue_order_id} at the venue"
        case OrderReject():
            seen = f"observed {body.observed}, limit {body.limit}"
            return f"reject {body.intent_id}: {body.code.value} by {body.rule}, {seen}; {body.text}"
        case CancelAck():
            return f"cancel ack {body.intent_id}: {'found' if body.found else 'not found'}, {body.text}"
        case HeartbeatAck():
            return f"heartbeat ack, {body.trading_state}, tick {body.last_tick_sequence}"
    return str(body)


_STEPS: Final = {
    "received_ns": "heard", "latched_ns": "latched", "port_closed_ns": "port closed", "cancels_sent_ns": "cancels sent",
    "venue_confirmed_ns": "venue confirmed", "close_sent_ns": "close sent", "flat_ns": "flat",
}  # fmt: skip


def receipt_words(fields: Mapping[str, Any]) -> str:
    """A receipt: its steps, ms after it was asked for, and what is open."""
    asked_ns = fields.get("requested_ns")
    parts = [f"{fields.get('id')}"]
    for name, what in _STEPS.items():
        at_ns = fields.get(name)
        if isinstance(at_ns, int) and isinstance(asked_ns, int):
            parts.append(f"{what} +{(at_ns - asked_ns) / NS_PER_MS:.1f}")
    if fields.get("open_orders") is not None:
        parts.append(f"{fields['open_orders']} open")
    if fields.get("position_contracts") is not None:
        parts.append(f"{fields['position_contracts']} contracts held")
    parts.append("VERIFIED" if fields.get("verified") else "not verified")
    return ", ".join([*parts, *(f"! {problem}" for problem in fields.get("problems") or ())])


def order_words(order: OrderRequest) -> Iterator[str]:
    """The parts of a request."""
    yield order.intent_id
    yield f"{order.side.name} {order.contracts:f} contracts of {order.instrument}"
    yield "at market" if order.limit_price is None else f"at {order.limit_price:f}"
    yield f"TP {'none' if order.tp_pct is None else f'{order.tp_pct:g} %'}"
    yield f"SL {'none' if order.sl_pct is None else f'{order.sl_pct:g} %'}"
    if order.reduce_only:
        yield "reduce only"
    yield f"on tick {order.decided_on.tick_sequence}"
