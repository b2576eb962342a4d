"""Which order or halt a text means: ids as they stand in the records, and what belongs together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec

from schemas.blackbox import Direction, Record
from schemas.messages import (
    CancelAck,
    CancelRequest,
    OrderAck,
    OrderReject,
    OrderRequest,
    Reply,
    Request,
    Signal,
    SignalKind,
    Telemetry,
    TelemetryKind,
)
from schemas.topology import SIGNAL
from sovereign_tui.forensics.payload import PUSH, REPLY, REQUEST, read

CLIENT_STARTS: Final = "so"
PROTECTION_STARTS: Final = "sp"
"""Client ids at the venue: of an order, and with the same rest, of the take-profit and stop-loss attached to it."""
_INTENT: Final = re.compile(r"i([0-9a-z]{8,13})n[0-9]+\Z")
_NS_PER_US: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An order by its ids ("" where it has none), or a halt. `children`: the venue's ids of what TP and SL became."""

    kind: Literal["order", "halt"] = "order"
    intent_id: str = ""
    client_order_id: str = ""
    venue_order_id: str = ""
    halt_id: str = ""
    children: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Those that it has, the most telling first."""
        every = (self.halt_id, self.intent_id, self.client_order_id, self.venue_order_id, *self.children)
        return tuple(one for one in every if one)

    @property
    def protection_id(self) -> str:
        """Client id of the attached TP and SL; "" of an order that is not ours."""
        ours = self.client_order_id.startswith(CLIENT_STARTS)
        return PROTECTION_STARTS + self.client_order_id.removeprefix(CLIENT_STARTS) if ours else ""

    def __str__(self) -> str:
        return f"{self.kind} {' = '.join(self.ids)}"

    def joined(self, other: Subject) -> Subject:
        """The same with the ids that `other` adds."""
        return replace(
            self, intent_id=self.intent_id or other.intent_id, halt_id=self.halt_id or other.halt_id,
            client_order_id=self.client_order_id or other.client_order_id,
            venue_order_id=self.venue_order_id or other.venue_order_id,
            children=tuple(dict.fromkeys((*self.children, *other.children))),
        )  # fmt: skip

    def begins(self, text: str) -> bool:
        """Whether one of its ids begins with this."""
        return any(one.startswith(text) for one in self.ids)

    def same(self, other: Subject) -> bool:
        """Whether they have an id in common."""
        return self.kind == other.kind and not set(self.ids).isdisjoint(other.ids)


def begun_ns(text: str) -> int | None:
    """When the brain that made an intent id was started, wall ns; None where it is no such id."""
    match = _INTENT.match(text)
    return None if match is None else int(match[1], 36) * _NS_PER_US


def named(record: Record) -> Iterator[Subject]:
    """Every order and halt that a record speaks of."""
    if record.channel == "halt" and record.direction is Direction.NOTE:
        yield Subject(kind="halt", halt_id=record.topic)
    elif record.channel == "gate" and record.direction is Direction.NOTE:
        if record.payload.startswith(b'{"judged_ns"'):
            told = rows(record.payload)
            yield Subject(intent_id=record.topic, client_order_id=_text(told[0], "client_order_id") if told else "")
    elif record.channel == "venue" or record.channel in {"rest", "ws", "matching"}:
        yield from _at_venue(record)
    elif record.topic in {REQUEST, REPLY, PUSH, SIGNAL}:
        yield from _between_us(read(record).value)


def _between_us(value: Any) -> Iterator[Subject]:
    match value:
        case Request(body=OrderRequest(intent_id=intent) | CancelRequest(intent_id=intent)):
            yield Subject(intent_id=intent)
        case Reply(body=OrderAck(intent_id=intent, client_order_id=client, venue_order_id=venue)):
            yield Subject(intent_id=intent, client_order_id=client, venue_order_id=venue)
        case Reply(body=OrderReject(intent_id=intent) | CancelAck(intent_id=intent)):
            yield Subject(intent_id=intent)
        case Signal(kind=SignalKind.SYSTEM_HALT, id=halt):
            yield Subject(kind="halt", halt_id=halt)
        case Telemetry(kind=TelemetryKind.HALT_ACK, data=data):
            yield Subject(kind="halt", halt_id=str(data.get("id", "")))


def _at_venue(record: Record) -> Iterator[Subject]:
    for row in rows(record.payload):
        client, venue = _text(row, "clOrdId"), _text(row, "ordId")
        algo = _text(row, "algoClOrdId")
        if algo.startswith(PROTECTION_STARTS) and not client:
            parent = CLIENT_STARTS + algo.removeprefix(PROTECTION_STARTS)
            yield Subject(client_order_id=parent, children=(venue,) if venue else ())
        elif client or venue:
            yield Subject(client_order_id=client, venue_order_id=venue)


def rows(payload: bytes) -> list[dict[str, Any]]:
    """The rows of what is said to or by a venue: a request's args or body, an answer's or a push's data."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(value, dict):
        inner = value.get("data", value.get("args"))
        value = [value] if inner is None else inner
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def merged(subjects: Iterable[Subject]) -> list[Subject]:
    """Those that share an id are one."""
    whole: list[Subject] = []
    for subject in subjects:
        grown = subject
        for one in [one for one in whole if one.same(subject)]:
            whole.remove(one)
            grown = one.joined(grown)
        if grown.ids:
            whole.append(grown)
    return whole


def chosen(query: str, subjects: Iterable[Subject]) -> list[Subject]:
    """Those that `query` names: the one whose id it is, else all that have an id that begins with it."""
    every = merged(subjects)
    exact = [one for one in every if query in one.ids]
    return exact or [one for one in every if one.begins(query)]
