"""After a latch nothing is sent: the proof, from the records of engine and exchange. Pure; times are monotonic ns.

For every halt, from its latch L until its resume was asked for: no order left the engine for the venue, and each order
that the exchange accepted was sent before L, and was gone when the venue said zero. Where an engine was killed its last
records may be missing; what the exchange received before L was sent before L, whatever the engine's record lacks. What
it received just after L, by no more than 99 of 100 orders of the run were on their way, may have been sent before or
after: no record decides it, and it is counted as undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from schemas.blackbox import Direction, Record

NEW_RISK: Final = frozenset({"trade/order", "trade/batch-orders", "trade/order-algo", "trade/close-position"})
"""What HALT forbids: anything but a cancel."""
_OPERATIONS: Final = frozenset({"order", "batch-orders", "amend-order", "batch-amend-orders"})
_ENDED: Final = frozenset({"filled", "canceled"})
_PREFIX: Final = "/api/v5/"


@dataclass(frozen=True, slots=True)
class Sent:
    """An order on its way; `id` is the client's, empty where it has none."""

    at_ns: int
    what: str
    id: str


@dataclass(slots=True)
class Accepted:
    """An order that the exchange took, by its client id; `ended_ns` None: it was still there at the end."""

    at_ns: int
    id: str
    ended_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """One halt: latched, confirmed by the venue (None: never), and until when it stood. `killed`: the engine was."""

    id: str
    latched_ns: int
    confirmed_ns: int | None
    until_ns: int
    killed: bool = False


@dataclass(slots=True)
class Proof:
    """What was found. `violations` is empty, or the proof has failed."""

    sent: int = 0
    accepted: int = 0
    """In all: a proof about nothing proves nothing."""
    chased: int = 0
    """Accepted after the latch, sent before it, gone in the end."""
    unrecorded: int = 0
    """Of these: the killed engine's record lacks the sending."""
    undecided: int = 0
    """Of these: received so shortly after the latch that it was sent before or after."""
    dropped: int = 0
    """Sent before the latch, and never accepted."""
    violations: list[str] = field(default_factory=list)


def sent_by_engine(records: Iterable[Record]) -> list[Sent]:
    """Whatever could add risk, as the engine's record of the venue has it."""
    return [one for record in records if record.direction is Direction.SENT for one in _orders_in(record)]


def received_by_exchange(records: Iterable[Record]) -> list[Sent]:
    """The same, as it arrived."""
    return [one for record in records if record.direction is Direction.RECEIVED for one in _orders_in(record)]


def accepted_by_exchange(records: Iterable[Record]) -> list[Accepted]:
    """Orders of clients, in the order of their acceptance; what a stop of the venue's own makes is not among them."""
    found: dict[str, Accepted] = {}
    for record in records:
        if record.direction is not Direction.NOTE:
            continue
        row = orjson.loads(record.payload)
        if row["kind"] != "order" or row["algoId"]:
            continue
        order = found.setdefault(row["ordId"], Accepted(row["mono_ns"], row["clOrdId"] or row["ordId"]))
        if row["state"] in _ENDED and order.ended_ns is None:
            order.ended_ns = row["mono_ns"]
    return list(found.values())


def _orders_in(record: Record) -> Iterable[Sent]:
    method, _, path = record.topic.partition(" ")
    if method == "POST" and path.removeprefix(_PREFIX) in NEW_RISK:
        body = orjson.loads(record.payload)
        for one in body if isinstance(body, list) else [body]:
            id_ = one.get("clOrdId") or one.get("algoClOrdId", "")
            yield Sent(record.monotonic_ns, path.removeprefix(_PREFIX), id_)
    elif record.topic.startswith("ws/") and b'"op"' in record.payload:
        message = orjson.loads(record.payload)
        if message.get("op") in _OPERATIONS:
            for one in message["args"]:
                yield Sent(record.monotonic_ns, message["op"], one.get("clOrdId", ""))


def prove(
    halts: Iterable[Halted], *, sent: Iterable[Sent], received: Iterable[Sent], accepted: Iterable[Accepted],
    ours: str,
) -> Proof:  # fmt: skip
    """`ours`: how the client ids begin of orders that a drill placed beside the engine; they prove nothing."""
    sent = [one for one in sent if not one.id.startswith(ours)]
    accepted = [one for one in accepted if not one.id.startswith(ours)]
    proof = Proof(sent=len(sent), accepted=len(accepted))
    if not sent or not accepted:
        proof.violations.append(f"{len(sent)} orders sent and {len(accepted)} accepted: nothing is proved")
    first_sent, first_received = _first(sent), _first(received)
    way_ns = _way(first_sent, first_received)
    taken = {one.id for one in accepted}
    for halt in halts:
        for one in sent:
            if halt.latched_ns < one.at_ns < halt.until_ns:
                after_ms = (one.at_ns - halt.latched_ns) / 1e6
                text = f"halt {halt.id}: {one.what} {one.id} was sent {after_ms:.3f} ms after the latch"
                proof.violations.append(text)
        for order in accepted:
            if halt.latched_ns < order.at_ns < halt.until_ns:
                _judge(proof, halt, order, first_sent.get(order.id), first_received.get(order.id), way_ns)
    proof.dropped = sum(one.id not in taken for one in sent if one.id and one.what != "trade/order-algo")
    return proof


def _judge(
    proof: Proof, halt: Halted, order: Accepted, sent_ns: int | None, received_ns: int | None, way_ns: int
) -> None:
    unrecorded = sent_ns is None and halt.killed
    if unrecorded:
        sent_ns = received_ns
    undecided = unrecorded and sent_ns is not None and halt.latched_ns < sent_ns <= halt.latched_ns + way_ns
    if undecided:
        sent_ns = halt.latched_ns
    after_ms = (order.at_ns - halt.latched_ns) / 1e6
    what = f"halt {halt.id}: order {order.id} was accepted {after_ms:.3f} ms after the latch"
    if sent_ns is None:
        proof.violations.append(f"{what}, and nobody recorded that it was sent")
    elif sent_ns > halt.latched_ns:
        by = "arrived" if unrecorded else "was sent"
        proof.violations.append(f"{what}, and {by} {(sent_ns - halt.latched_ns) / 1e6:.3f} ms after it")
    elif halt.confirmed_ns is not None and (order.ended_ns is None or order.ended_ns > halt.confirmed_ns):
        proof.violations.append(f"{what}, and was still there when the venue said zero")
    else:
        proof.chased += 1
        proof.unrecorded += unrecorded
        proof.undecided += undecided


def _way(first_sent: Mapping[str, int], first_received: Mapping[str, int]) -> int:
    """How long 99 of 100 orders were on their way at the most; 0 where of none both ends are on record."""
    ways = sorted(first_received[id_] - at_ns for id_, at_ns in first_sent.items() if id_ in first_received)
    return ways[-(-len(ways) * 99 // 100) - 1] if ways else 0


def _first(sent: Iterable[Sent]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in sent:
        found.setdefault(one.id, one.at_ns)
    return found
