"""(view, message) -> view. Pure: no clock, no socket, no widget.

What was heard last wins; of two heard at the same instant the one that says more (the later stamp) wins. So the view
does not depend on the order in which messages of one instant are folded in, and the same message twice is the same
view. What is not a message leaves the view as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schemas.messages import (
    AccountState,
    Decision,
    EngineState,
    LogLine,
    MarketTick,
    Metrics,
    OrdersState,
    PositionsState,
    Receipt,
    Signal,
    SignalKind,
    SystemState,
)
from sovereign_tui.cockpit.view import LOG_LINES, Counts, Heard, Kill, TickRate, View

_PARTS: Final[dict[type, str]] = {
    EngineState: "engine",
    MarketTick: "tick",
    TickRate: "tick_rate",
    Decision: "decision",
    PositionsState: "positions",
    OrdersState: "orders",
    AccountState: "account",
    SystemState: "system",
    Metrics: "metrics",
}


def reduce(view: View, message: object, at_ns: int) -> View:
    """The view after `message`, heard at `at_ns` of the monotonic clock."""
    part = _PARTS.get(type(message))
    if part is not None:
        return _newer(view, part, message, at_ns)
    match message:
        case LogLine():
            return _logged(view, message, at_ns)
        case Signal(kind=SignalKind.OPS_HEARTBEAT):
            return _newer(view, "pulse", message, at_ns)
        case Receipt():
            return _receipt(view, message, at_ns)
        case Kill():
            return _kill(view, message)
        case Counts():
            return view if message.received < view.counts.received else replace(view, counts=message)
        case _:
            return view


def _newer(view: View, part: str, message: object, at_ns: int) -> View:
    known: Heard[object] = getattr(view, part)
    if known.at_ns is not None and (at_ns, _stamp(message)) < (known.at_ns, _stamp(known.value)):
        return view
    return replace(view, **{part: Heard(message, at_ns)})  # type: ignore[arg-type]  # the table pairs them


def _stamp(message: object) -> tuple[int, int]:
    """What orders two messages of one instant."""
    sequence = getattr(message, "sequence", 0)
    return getattr(message, "timestamp_ns", 0), sequence


def _logged(view: View, line: LogLine, at_ns: int) -> View:
    if line in view.log:
        return view
    log = tuple(sorted((*view.log, line), key=lambda known: (known.timestamp_ns, known.process, known.text)))
    return replace(view, log=log[-LOG_LINES:], log_at_ns=max(at_ns, view.log_at_ns or 0))


def progress_of(receipt: Receipt) -> int:
    """How many of the steps a receipt proves."""
    steps = (receipt.latched_ns, receipt.port_closed_ns, receipt.cancels_sent_ns, receipt.venue_confirmed_ns)
    return sum(step is not None for step in steps) + receipt.verified


def further(known: Receipt | None, new: Receipt) -> Receipt:
    """Of two receipts the one that is about the later HALT, else the one that proves more."""
    if known is None:
        return new
    old_rank = (known.requested_ns, progress_of(known), len(known.problems))
    return new if (new.requested_ns, progress_of(new), len(new.problems)) >= old_rank else known


def _receipt(view: View, receipt: Receipt, at_ns: int) -> View:
    known = view.receipt
    if further(known.value, receipt) is not receipt:
        return view
    kill = view.kill
    if kill is not None and receipt.requested_ns >= kill.pressed_ns:
        kill = replace(kill, receipt=further(kill.receipt, receipt))
    return replace(view, receipt=Heard(receipt, max(at_ns, known.at_ns or 0)), kill=kill)


def _kill(view: View, kill: Kill) -> View:
    """A later press replaces an earlier one; the same press only gains."""
    known = view.kill
    if known is None or kill.number > known.number:
        return replace(view, kill=kill)
    if kill.number < known.number:
        return view
    receipt = known.receipt if kill.receipt is None else further(known.receipt, kill.receipt)
    ended = known if known.phase != "asking" and kill.phase == "asking" else kill
    return replace(view, kill=replace(kill, phase=ended.phase, problem=ended.problem, receipt=receipt))
