"""The story of one order: tick, decision, verdict, journal, venue, fills, protection, reply. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from schemas.blackbox import Direction, Record
from schemas.clock import NS_PER_MS
from schemas.messages import MarketTick, OrderAck, OrderReject, OrderRequest, Reply, Request, Telemetry, TelemetryKind
from schemas.topology import BRAIN, ENGINE, EXCHANGE
from sovereign_tui.forensics.lines import says
from sovereign_tui.forensics.payload import PUSH, REPLY, REQUEST, Payload, read
from sovereign_tui.forensics.search import Records
from sovereign_tui.forensics.subject import Subject, rows
from sovereign_tui.forensics.trace import Step, Trace, in_order
from sovereign_tui.forensics.venue import engine_steps, exchange_steps, of_the_position, unnamed_answers

_DEPTH: Final = ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")
_ONCE: Final = frozenset({"protection_seen", "request_received", "decision"})
"""What is told again and again; the first time counts."""
_PROTECTED: Final = ("protection_held", "protection_seen", "protection_answer", "protection_order")
_NOT_SENT: Final = frozenset({"journal", "trading_state", "order_ttl"})
"""Rules of the router that refuse what the gate has cleared, before it is sent."""


def decided_on(found: Records) -> OrderRequest | None:
    """The request of the brain, wherever it is recorded."""
    for record in found.records:
        if record.topic == REQUEST and isinstance(body := _body(record), OrderRequest):
            return body
    return None


def order_trace(
    subject: Subject, found: Records, *, journal: Sequence[Mapping[str, Any]], ticks: Sequence[Record],
    around: Sequence[Record],
) -> Trace:  # fmt: skip
    """The trace of an order. `ticks`: records of the tick decided on; `around`: all of channel "venue" meanwhile."""
    steps = [step for record in found.records for step in _steps(record, subject)]
    request, gate = decided_on(found), _gate(found)
    order = msgspec.to_builtins(request) if request is not None else gate.get("order") if gate else None
    decision = next((step.data for step in steps if step.what == "decision"), None)
    steps += _journal_steps(journal, found)
    steps += _venue_without_ids(found, steps, around)
    tick = _tick(ticks, request, decision)
    if tick is not None and (at_ns := _tick_ns(tick, found)):
        steps.append(Step(what="tick", process=ENGINE, at_ns=at_ns, text=_tick_text(tick), data=tick))
    ordered = in_order(_once(steps))
    reply = next((body for record in found.records if (body := _answer(record)) is not None), None)
    return Trace(
        subject=subject, outcome=_outcome(reply, gate, ordered), steps=ordered, order=order, tick=tick,
        began_ns=ordered[0].at_ns if ordered else 0, decision=decision, gate=gate, left_out=found.left_out,
        missing=tuple(_missing(ordered, reply, gate, found.processes, by_brain=request is not None)),
    )  # fmt: skip


def _steps(record: Record, subject: Subject) -> Iterator[Step]:
    process, sent = record.process, record.direction is Direction.SENT
    if record.channel == "venue":
        yield from engine_steps(record, subject)
    elif process == EXCHANGE and record.channel in {"rest", "ws", "matching"}:
        yield from exchange_steps(record, subject)
    elif record.channel == "gate":
        if record.topic == subject.intent_id and (note := _json(record)) is not None:
            yield Step(what="gate", process=process, at_ns=note["judged_ns"], text=_verdict(note), data=note)
    elif record.topic in {REQUEST, REPLY}:
        body = _body(record)
        if getattr(body, "intent_id", None) == subject.intent_id and subject.intent_id:
            kind = "request" if isinstance(body, OrderRequest) else "reply" if record.topic == REPLY else "cancel"
            if kind == "reply" and not isinstance(body, OrderAck | OrderReject):
                kind = "cancel_reply"
            what = f"{kind}_{'sent' if sent else 'received'}"
            yield _step(what, record, data=msgspec.to_builtins(body))
    elif record.topic == PUSH and process == BRAIN:
        yield from _decision(record, subject)


def _decision(record: Record, subject: Subject) -> Iterator[Step]:
    value = read(record).value
    if not isinstance(value, Telemetry) or value.kind is not TelemetryKind.DECISION:
        return
    data = value.data
    if data.get("intent_id") == subject.intent_id and subject.intent_id:
        told_late_ns = record.wall_ns - int(data.get("timestamp_ns", record.wall_ns))
        text = f"direction {data.get('direction', 0):+d}, {data.get('contracts')} contracts at {data.get('price')}"
        if data.get("why_not"):
            text += f"; {data['why_not']}: {data.get('why_not_text', '')}"
        yield Step(
            what="decision", process=record.process, at_ns=record.monotonic_ns - told_late_ns, text=text, data=data
        )


def _venue_without_ids(found: Records, steps: Sequence[Step], around: Sequence[Record]) -> Iterator[Step]:
    """Answers that name no order, and the protection of the whole position, which names none either."""
    if not any(step.what == "venue_answer" for step in steps):
        asked = [one for one in found.records if one.channel == "venue" and one.direction is Direction.SENT]
        for record in asked[:1]:
            yield from unnamed_answers(record, around)
    fills = [step.at_ns for step in steps if step.what == "fill"]
    known = {(step.what, step.at_ns) for step in steps}
    for record in around if fills else ():
        if record.monotonic_ns >= fills[0]:
            for step in of_the_position(record):
                if (step.what, step.at_ns) not in known:
                    yield step


def _journal_steps(journal: Sequence[Mapping[str, Any]], found: Records) -> Iterator[Step]:
    """The journal has wall times; the records nearest to them have both."""
    for line in journal:
        wall_ns = int(line.get("wall_ns", 0))
        near = min(found.records, key=lambda record: abs(record.wall_ns - wall_ns), default=None)
        if near is None:
            continue
        begun = line.get("event") == "intent"
        text = f"on disk as {line.get('client_order_id')}" if begun else f"ended: {line.get('state')}"
        at_ns = near.monotonic_ns - near.wall_ns + wall_ns
        what = "journal" if begun else "journal_end"
        yield Step(what=what, process=ENGINE, at_ns=at_ns, text=text, data=dict(line))


def _once(steps: Sequence[Step]) -> Iterator[Step]:
    seen: set[str] = set()
    for step in sorted(steps, key=lambda step: step.at_ns):
        if step.what in _ONCE and step.what in seen:
            continue
        seen.add(step.what)
        yield step


def _tick(
    ticks: Sequence[Record], request: OrderRequest | None, decision: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    sequence = request.decided_on.tick_sequence if request is not None else 0
    for record in ticks:
        payload = read(record)
        if isinstance(payload.value, MarketTick) and payload.value.sequence == sequence:
            told = Payload(payload.kind, payload.value).builtins()
            return {"source": "record", **{name: value for name, value in told.items() if name not in _DEPTH}}
    features = (decision or {}).get("features") or {}
    if decision is None or "tick.bid" not in features:
        return None
    touch = {"bid_price": "bid", "bid_size": "bid_size", "ask_price": "ask", "ask_size": "ask_size"}
    return {
        "source": "decision", "sequence": decision.get("tick_sequence"),
        "received_ns": decision.get("tick_received_ns"),
        **{name: features.get(f"tick.{short}") for name, short in touch.items()},
    }  # fmt: skip


def _tick_ns(tick: Mapping[str, Any], found: Records) -> int | None:
    if tick.get("received_mono_ns"):
        return int(tick["received_mono_ns"])
    if not found.records or not tick.get("received_ns"):
        return None
    near = found.records[0]
    return near.monotonic_ns - near.wall_ns + int(tick["received_ns"])


def _tick_text(tick: Mapping[str, Any]) -> str:
    touch = f"{tick.get('bid_price')} x {tick.get('bid_size')} | {tick.get('ask_price')} x {tick.get('ask_size')}"
    lag = ""
    if tick.get("exchange_ns") and tick.get("received_ns"):
        lag = f", {(tick['received_ns'] - tick['exchange_ns']) / NS_PER_MS:.1f} ms after the venue's time"
    return f"tick {tick.get('sequence')} arrives, {touch}{lag}"


def _outcome(reply: object, gate: Mapping[str, Any] | None, steps: Sequence[Step]) -> str:
    if isinstance(reply, OrderReject):
        return (
            f"refused by {reply.rule}: {reply.code.value}, observed {reply.observed}, limit {reply.limit}; {reply.text}"
        )
    if gate is not None and gate.get("refusal"):
        refusal = gate["refusal"]
        return f"refused by {refusal['rule']}: observed {refusal['observed']}, limit {refusal['limit']}"
    states = [step for step in steps if step.what in {"venue_state", "fill", "matched", "gone"}]
    if states:
        return f"{states[-1].data.get('state', 'known to the venue')}" + _protected(steps)
    return "taken by the venue" if isinstance(reply, OrderAck) else "no answer is in the record"


def _protected(steps: Sequence[Step]) -> str:
    return " and protected" if any(step.what in _PROTECTED for step in steps) else ""


def _missing(
    steps: Sequence[Step], reply: object, gate: Mapping[str, Any] | None, processes: frozenset[str], *, by_brain: bool
) -> Iterator[str]:
    """What belongs to the story of such an order and is not there."""
    there = {step.what for step in steps}
    wanted = ["tick", "decision", "request_sent", "request_received", "gate"] if by_brain else ["gate"]
    if by_brain:
        wanted += ["reply_sent", "reply_received"]
    refused = gate is not None and gate.get("verdict") == "refused"
    dropped = isinstance(reply, OrderReject) and reply.rule in _NOT_SENT
    if not refused:
        wanted += ["journal"] if not dropped or getattr(reply, "rule", "") != "journal" else []
    if not refused and not dropped:
        wanted += ["venue_request", "venue_answer"]
        taken = isinstance(reply, OrderAck) or "fill" in there
        wanted += ["journal_end"] if "fill" in there and _ended(steps) else []
        if EXCHANGE in processes:
            wanted += ["exchange_received", "exchange_answered", *(["accepted"] if taken else [])]
            wanted += ["matched"] if "fill" in there else []
        if taken:
            wanted += [] if there & {"venue_state", "fill", "venue_told"} else ["venue_state"]
        if "fill" in there and _wants_stop(steps) and not there & set(_PROTECTED):
            wanted.append("protection")
    yield from (what for what in wanted if what not in there)


def _ended(steps: Sequence[Step]) -> bool:
    return any(step.what == "fill" and step.data.get("state") == "filled" for step in steps)


def _wants_stop(steps: Sequence[Step]) -> bool:
    """Did its request to the venue bring a stop?"""
    for step in steps:
        if step.what == "venue_request":
            asked = step.data.get("args") or [step.data]
            return any(isinstance(row, dict) and row.get("attachAlgoOrds") for row in asked)
    return False


def _gate(found: Records) -> dict[str, Any] | None:
    for record in found.records:
        if record.channel == "gate" and (note := _json(record)) is not None and "rules" in note:
            return note
    return None


def _verdict(note: Mapping[str, Any]) -> str:
    cost = f"in {note['cost_ns'] / 1_000:.1f} us"
    rules = [row for row in note["rules"] if row["outcome"] != "not asked"]
    if note.get("refusal"):
        refusal = note["refusal"]
        seen = f"observed {refusal['observed']}, limit {refusal['limit']}"
        return f"refused {cost} by {refusal['rule']}, rule {len(rules)} of {len(note['rules'])}: {seen}"
    return f"cleared {cost} by {len(rules)} rules"


def _answer(record: Record) -> OrderAck | OrderReject | None:
    body = _body(record) if record.topic == REPLY else None
    return body if isinstance(body, OrderAck | OrderReject) else None


def _body(record: Record) -> object:
    value = read(record).value
    return value.body if isinstance(value, Request | Reply) else None


def _json(record: Record) -> dict[str, Any] | None:
    found = rows(record.payload)
    return found[0] if found else None


def _step(what: str, record: Record, data: Any) -> Step:
    return Step(what=what, process=record.process, at_ns=record.monotonic_ns, text=says(record), data=data)
