"""The story of one halt: who asked, how often, what was done, what the venue confirmed, what was dropped. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from schemas.blackbox import Direction, Record
from schemas.clock import NS_PER_S
from schemas.messages import OrderReject, Receipt, Reply, Signal, SignalKind, Telemetry, TelemetryKind
from schemas.topology import ENGINE, EXCHANGE, OPS_RECEIPT, SIGNAL
from sovereign_tui.forensics.lines import receipt_words, says
from sovereign_tui.forensics.payload import PUSH, REPLY, read
from sovereign_tui.forensics.search import Records
from sovereign_tui.forensics.subject import Subject, rows
from sovereign_tui.forensics.trace import Step, Trace, in_order
from sovereign_tui.forensics.venue import call_of

CHANNELS: Final = ("venue", "matching", "control", REPLY)
"""What is looked at while a halt goes on, though it does not name it."""
_STAGES: Final = (
    ("latched_ns", "latched"),
    ("port_closed_ns", "port_closed"),
    ("cancels_sent_ns", "cancels_sent"),
    ("venue_confirmed_ns", "venue_confirmed"),
)
_CANCELS: Final = frozenset({
    "trade/cancel-order", "trade/cancel-batch-orders", "trade/cancel-algos", "trade/cancel-all-after",
    "trade/close-position", "cancel-order", "batch-cancel-orders",
})  # fmt: skip
_LISTS: Final = frozenset({"trade/orders-pending", "trade/orders-algo-pending"})
_GONE: Final = frozenset({"canceled", "mmp_canceled", "filled"})
_UNREQUESTED: Final = frozenset({"signal_sent", "signal_received"})
"""Not there when the engine halted by itself, or was told by a file or a Unix signal."""


def halt_trace(
    subject: Subject, found: Records, *, receipt: Mapping[str, Any] | None, around: Sequence[Record],
    signature: str = "",
) -> Trace:  # fmt: skip
    """The trace of a halt. `around`: records of CHANNELS meanwhile. `signature`: what is wrong with the receipt's."""
    steps: list[Step] = []
    stages: set[str] = set()
    for record in found.records:
        for step in _named(record, subject):
            if step.what == "ack" and step.process == ENGINE:
                steps += _stages(step, stages)
            steps.append(step)
    began_ns = _began(receipt, steps)
    last_ns = max((step.at_ns for step in steps), default=began_ns)
    steps += [
        step for record in around if began_ns - NS_PER_S <= record.monotonic_ns
        for step in (_asked(record) if record.channel == "control" else _meanwhile(record))
        if (step.at_ns >= began_ns or step.what == "halt_asked")
        and (step.at_ns <= last_ns or step.data.get("id") == subject.halt_id)
    ]  # fmt: skip
    ordered = in_order(_unchanged_once(steps))
    return Trace(
        subject=subject, outcome=_outcome(receipt, stages, signature), began_ns=began_ns, steps=ordered,
        receipt=receipt, missing=tuple(_missing(subject, ordered, receipt)), left_out=found.left_out,
    )  # fmt: skip


def _named(record: Record, subject: Subject) -> Iterator[Step]:
    way = "sent" if record.direction is Direction.SENT else "received"
    if record.channel == "halt":
        said = (rows(record.payload) or [{}])[0]
        rest = {name: value for name, value in said.items() if name != "step"}
        text = f"{said.get('step', 'note')}  {msgspec.json.encode(rest).decode() if rest else ''}".rstrip()
        yield Step(what="note", process=record.process, at_ns=record.monotonic_ns, text=text, data=said)
        return
    if record.topic not in {SIGNAL, PUSH, OPS_RECEIPT}:
        return
    value = read(record).value
    if isinstance(value, Signal) and subject.halt_id in {value.id, value.target}:
        kind = "resume" if value.kind is SignalKind.SYSTEM_RESUME else "signal"
        yield _step(f"{kind}_{way}", record, msgspec.to_builtins(value))
    elif isinstance(value, Telemetry) and value.kind is TelemetryKind.HALT_ACK:
        if subject.halt_id in {value.data.get("id"), value.data.get("asked")}:
            yield _step("ack" if way == "sent" else "ack_received", record, value.data)
    elif isinstance(value, Receipt) and value.id == subject.halt_id:
        yield _step("receipt_published" if way == "sent" else "receipt_received", record, msgspec.to_builtins(value))


def _stages(ack: Step, seen: set[str]) -> Iterator[Step]:
    """What an acknowledgement is the first to tell, at the time at which it was done."""
    for name, what in _STAGES:
        at_ns = ack.data.get(name)
        if isinstance(at_ns, int) and what not in seen:
            seen.add(what)
            text = what.replace("_", " ")
            if what == "venue_confirmed":
                text = f"the venue says that {ack.data.get('open_orders')} orders are open"
            yield Step(what=what, process=ENGINE, at_ns=at_ns, text=text, data={name: at_ns})


def _asked(record: Record) -> Iterator[Step]:
    """A halt asked for at the control socket, and its answers."""
    if record.topic in {"halt", "flatten"}:
        said = (rows(record.payload) or [{}])[0]
        if record.direction is Direction.RECEIVED:
            yield _step("halt_asked", record, said)
            return
        receipt = said.get("progress") or said
        yield Step(
            what="halt_answered", process=record.process, at_ns=record.monotonic_ns, text=receipt_words(receipt),
            data={"id": receipt.get("id"), **said},
        )  # fmt: skip


def _meanwhile(record: Record) -> Iterator[Step]:
    """Cancels, the venue's lists, orders that ended, and orders that were refused because of it."""
    sent = record.direction is Direction.SENT
    if record.channel == "venue":
        method, call = call_of(record)
        if call in _CANCELS:
            yield _step("cancel_sent" if sent else "cancel_answered", record, _said(record))
        elif method == "GET" and call in _LISTS and record.direction is Direction.RECEIVED:
            count = len(rows(record.payload))
            text = f"{call.rpartition('/')[2]}: {count} open"
            yield Step(what="venue_listed", process=record.process, at_ns=record.monotonic_ns, text=text,
                       data={"open": count})  # fmt: skip
    elif record.channel == "matching" and record.process == EXCHANGE:
        for row in rows(record.payload):
            if row.get("state") in _GONE:
                text = f"{row.get('kind')} {record.topic} {row['state']}"
                yield Step(what="gone", process=EXCHANGE, at_ns=record.monotonic_ns, text=text, data=row)
    elif record.process == ENGINE and record.topic == REPLY:
        value = read(record).value
        body = value.body if isinstance(value, Reply) else None
        if isinstance(body, OrderReject):
            yield _step("order_dropped", record, msgspec.to_builtins(body))


def _unchanged_once(steps: Sequence[Step]) -> Iterator[Step]:
    """Of acknowledgements and receipts only those that say something new; of signals, all: each is a repetition."""
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for step in sorted(steps, key=lambda step: step.at_ns):
        key = (step.what, step.process)
        if step.what.startswith(("ack", "receipt", "venue_listed", "halt_answered")) and last.get(key) == step.data:
            continue
        last[key] = step.data
        yield step


def _began(receipt: Mapping[str, Any] | None, steps: Sequence[Step]) -> int:
    first_ns = min((step.at_ns for step in steps), default=0)
    asked_ns = receipt.get("requested_ns") if receipt else None
    return asked_ns if isinstance(asked_ns, int) and asked_ns <= first_ns else first_ns


def _outcome(receipt: Mapping[str, Any] | None, stages: set[str], signature: str) -> str:
    if receipt is None:
        done = ", ".join(sorted(stage.replace("_", " ") for stage in stages)) or "nothing is known to be done"
        return f"no receipt; {done}"
    total = receipt.get("total_ms")
    signed = f"signature: {signature}" if signature else "signed by this instance"
    if receipt.get("flatten") and receipt.get("flat_ns") is None:
        return f"not flat: {receipt.get('position_contracts') or 'unknown'} contracts held; {signed}"
    if receipt.get("verified"):
        flat = "flat, " if receipt.get("flatten") else ""
        took = f" in {total:.3f} ms" if isinstance(total, float) else ""
        return f"{flat}verified by the venue{took}; {signed}"
    return "not verified: " + ("; ".join(map(str, receipt.get("problems") or ())) or "the receipt does not say why")


def _missing(subject: Subject, steps: Sequence[Step], receipt: Mapping[str, Any] | None) -> Iterator[str]:
    there = {step.what for step in steps}
    wanted = ["signal_sent", "signal_received", *(what for _, what in _STAGES if what != "cancels_sent")]
    if receipt is not None and receipt.get("cancels_sent_ns"):
        wanted += ["cancels_sent"]
    noted = [step.data for step in steps if step.what == "note"]
    asked = {note.get("path") for note in noted if note.get("asked") == subject.halt_id}  # not those that joined it
    unasked = bool(noted) and "signal" not in asked
    yield from (what for what in wanted if what not in there and not (unasked and what in _UNREQUESTED))
    if receipt is None:
        yield "receipt"


def _said(record: Record) -> dict[str, Any]:
    return {"rows": rows(record.payload)}


def _step(what: str, record: Record, data: Mapping[str, Any]) -> Step:
    return Step(what=what, process=record.process, at_ns=record.monotonic_ns, text=says(record), data=data)


def span_ns(found: Records) -> tuple[int, int]:
    """Wall times between which a halt went on, with a second before and after; of a long one the first two minutes."""
    first_ns, last_ns = found.records[0].wall_ns, found.records[-1].wall_ns
    return first_ns - NS_PER_S, min(last_ns, first_ns + 120 * NS_PER_S) + NS_PER_S
