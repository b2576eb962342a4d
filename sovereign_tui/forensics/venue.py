"""What the engine and the venue said to each other about one order, and what the exchange's own record adds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from schemas.blackbox import Direction, Record
from sovereign_tui.forensics.subject import Subject, rows
from sovereign_tui.forensics.trace import Step

_PUSH: Final = b'{"arg"'
_ENDED: Final = frozenset({"filled", "canceled", "mmp_canceled"})
_CALLS: Final = {
    "trade/order": "venue", "order": "venue", "trade/cancel-order": "cancel", "trade/cancel-batch-orders": "cancel",
    "cancel-order": "cancel", "batch-cancel-orders": "cancel", "trade/amend-order": "amend",
    "trade/order-algo": "protection", "trade/cancel-algos": "protection_cancel",
    "trade/close-position": "close", "trade/cancel-all-after": "dead_man",
}  # fmt: skip
"""Call of REST or operation of the websocket -> what it is about."""


def call_of(record: Record) -> tuple[str, str]:
    """Method ("WS" for the websocket) and call of a record: ("POST", "trade/order")."""
    if record.topic.startswith("ws/"):
        try:
            value = msgspec.json.decode(record.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        return "WS", str(value.get("op", "")) if isinstance(value, dict) else ""
    method, _, path = record.topic.partition(" ")
    return method, path.partition(" ")[0].removeprefix("/api/v5/")


def engine_steps(record: Record, subject: Subject) -> Iterator[Step]:
    """What a record of channel "venue" tells of the order, if anything."""
    method, call = call_of(record)
    if record.payload.startswith(_PUSH):
        yield from _pushed(record, subject)
    elif record.direction is Direction.SENT and method != "GET":
        about = _CALLS.get(call, "venue")
        yield _step(f"{about}_request", record, _what_was_said(record))
    elif record.direction is Direction.SENT and call == "trade/order":
        yield _step("venue_asked", record, {"query": record.payload.decode(errors="replace")})
    elif record.direction is Direction.RECEIVED and method != "GET":
        yield _step(f"{_CALLS.get(call, 'venue')}_answer", record, _what_was_said(record))
    elif record.direction is Direction.RECEIVED and call == "trade/order":
        yield _step("venue_told", record, _what_was_said(record))
    elif call == "trade/orders-algo-pending" and record.direction is Direction.RECEIVED:
        for row in rows(record.payload):
            if subject.protection_id and row.get("algoClOrdId") == subject.protection_id:
                yield _step("protection_seen", record, row)


def _pushed(record: Record, subject: Subject) -> Iterator[Step]:
    for row in rows(record.payload):
        if _is_its_child(row, subject):
            yield _step("protection_order", record, row)
        elif _is_it(row, subject):
            filled = row.get("tradeId") and row.get("fillSz") not in (None, "", "0")
            yield _step("fill" if filled else "venue_state", record, row)


def exchange_steps(record: Record, subject: Subject) -> Iterator[Step]:
    """What a record of the simulated exchange tells of the order."""
    if record.channel == "matching":
        yield from _matched(record, subject)
    elif record.payload.startswith(_PUSH) or record.topic.startswith("GET "):
        return
    elif record.direction is Direction.RECEIVED:
        about = _CALLS.get(call_of(record)[1], "venue")
        yield _step("exchange_received" if about == "venue" else f"exchange_{about}", record, _what_was_said(record))
    elif record.direction is Direction.SENT:
        about = _CALLS.get(call_of(record)[1], "venue")
        what = "exchange_answered" if about == "venue" else f"exchange_{about}_answered"
        yield _step(what, record, _what_was_said(record))


def _matched(record: Record, subject: Subject) -> Iterator[Step]:
    for row in rows(record.payload):
        at_ns = row.get("mono_ns")
        at_ns = at_ns if isinstance(at_ns, int) else record.monotonic_ns
        if row.get("kind") == "algo":
            if subject.protection_id and row.get("algoClOrdId") == subject.protection_id:
                held = row.get("state") == "live"
                yield _step("protection_held" if held else "protection_ended", record, row, at_ns)
        elif _is_its_child(row, subject):
            yield _step("protection_matched", record, row, at_ns)
        elif _is_it(row, subject):
            yield _step(_change(row), record, row, at_ns)


def _change(row: dict[str, Any]) -> str:
    if row.get("tradeId") and row.get("fillSz") not in (None, "", "0"):
        return "matched"
    if row.get("state") in _ENDED:
        return "gone"
    return "amended" if row.get("amendResult") else "accepted"


def unnamed_answers(request: Record, around: Iterable[Record]) -> Iterator[Step]:
    """The answer to a request that names no order: a refusal of the whole, or none at all."""
    method, call = call_of(request)
    asked_id = _frame_id(request)
    for record in around:
        if record.monotonic_ns < request.monotonic_ns or record.direction is Direction.SENT:
            continue
        if method == "WS":
            if not asked_id or _frame_id(record) != asked_id or record.payload.startswith(_PUSH):
                continue
        elif call_of(record) != (method, call):
            continue
        text = record.payload.decode(errors="replace")
        note = record.direction is Direction.NOTE
        yield _step(f"{_CALLS.get(call, 'venue')}_answer", record, {"text": text} if note else _what_was_said(record))
        return


def of_the_position(record: Record) -> Iterator[Step]:
    """Protection that the engine makes for all that is held, whichever order brought it."""
    method, call = call_of(record)
    if method == "POST" and call in {"trade/order-algo", "trade/cancel-algos", "trade/close-position"}:
        sent = record.direction is Direction.SENT
        yield _step(f"{_CALLS[call]}_{'request' if sent else 'answer'}", record, _what_was_said(record))


def _is_it(row: dict[str, Any], subject: Subject) -> bool:
    client, venue = subject.client_order_id, subject.venue_order_id
    return bool((client and row.get("clOrdId") == client) or (venue and row.get("ordId") == venue))


def _is_its_child(row: dict[str, Any], subject: Subject) -> bool:
    if row.get("ordId") in subject.children:
        return True
    mine = subject.protection_id
    return bool(mine and row.get("algoClOrdId") == mine and not row.get("clOrdId"))


def _frame_id(record: Record) -> str:
    try:
        value = msgspec.json.decode(record.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def _what_was_said(record: Record) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(record.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"text": record.payload[:2_000].decode(errors="replace")}
    return value if isinstance(value, dict) else {"rows": value}


def _step(what: str, record: Record, data: dict[str, Any], at_ns: int | None = None) -> Step:
    at = record.monotonic_ns if at_ns is None else at_ns
    return Step(what=what, process=record.process, at_ns=at, text=_text(what, record, data), data=data)


def _text(what: str, record: Record, data: dict[str, Any]) -> str:
    """One line: for a row of an order its state and sizes, else what was said where."""
    if "state" in data:
        return _row_text(data)
    said = rows(record.payload)
    parts = [record.topic]
    if "code" in data:
        parts.append(f"code {data['code']}" + (f" {data['msg']}" if data.get("msg") else ""))
    for row in said[:3]:
        if row.get("sCode") not in (None, "", "0"):
            parts.append(f"sCode {row['sCode']} {row.get('sMsg', '')}".strip())
        elif what.endswith("_request") or record.direction is Direction.RECEIVED or "ordId" in row:
            names = ("side", "ordType", "sz", "px", "reduceOnly", "slTriggerPx", "tpTriggerPx", "clOrdId", "ordId")
            parts.append(" ".join(f"{name} {row[name]}" for name in names if row.get(name) not in (None, "")))
    return ", ".join(part for part in parts if part)


def _row_text(row: dict[str, Any]) -> str:
    parts = [str(row["state"])]
    if row.get("fillSz") not in (None, "", "0"):
        parts.append(f"filled {row['fillSz']} at {row.get('fillPx', '?')} (trade {row.get('tradeId', '?')})")
    if row.get("accFillSz") not in (None, ""):
        parts.append(f"{row['accFillSz']} of {row.get('sz', '?')} contracts")
    if row.get("avgPx"):
        parts.append(f"average {row['avgPx']}")
    triggers = [f"{leg} {row[name]}" for leg, name in (("TP", "tpTriggerPx"), ("SL", "slTriggerPx")) if row.get(name)]
    parts += triggers
    if row.get("cancelSource"):
        parts.append(f"cancel source {row['cancelSource']}")
    return ", ".join(parts)
