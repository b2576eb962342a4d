"""What happened in a session, for the marks on its scrubber and the list beside it: told once, in words. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from schemas.clock import NS_PER_S
from schemas.messages import (
    Alert,
    OrderAck,
    OrderReject,
    OrderRequest,
    OrdersState,
    OrderView,
    Receipt,
    Reply,
    Request,
    Signal,
    SignalKind,
)
from schemas.topology import OPS
from sovereign_tui.replay.sessions import SYSTEM, Run

MOST_EVENTS: Final = 10_000
_QUIET_NS: Final = 5 * NS_PER_S
"""A refusal of one kind is told once in so long: a brain may be refused a thousand times a second."""
_MOST_ASKED: Final = 1_000


class EventKind(StrEnum):
    """What an event is about."""

    HALT = "halt"
    ALERT = "alert"
    ORDER = "order"
    DECISION = "decision"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something worth a mark. `at_ns`: monotonic; `wall_ns` since 1970 UTC."""

    at_ns: int
    wall_ns: int
    kind: EventKind
    text: str


class Events:
    """Folds messages into events, of one session that began at `since_ns` (wall time)."""

    def __init__(self, since_ns: int) -> None:
        self.found: list[Event] = []
        """By time."""
        self.left_out = 0
        """Events beyond the most that are kept."""
        self._since_ns = since_ns
        self._halts: dict[str, bool] = {}
        self._signals: set[str] = set()
        self._alerts: dict[tuple[str, int], bool] = {}
        self._orders: dict[str, tuple[str, Decimal]] = {}
        self._asked: dict[str, tuple[int, int, OrderRequest]] = {}
        self._refused_ns: dict[str, int] = {}
        self._ended: set[tuple[str, int, int]] = set()
        self._begun: set[tuple[str, int, int]] = set()

    def take(self, message: object, at_ns: int, wall_ns: int) -> None:
        """One message; what is not worth an event is passed over."""
        for kind, text in self._told(message, at_ns, wall_ns):
            self._add(Event(at_ns, wall_ns, kind, text))

    def runs(self, runs: Iterable[Run]) -> None:
        """Restarts and broken ends of processes; runs that are told already are passed over."""
        ordered = sorted(runs, key=lambda run: run.first_ns)
        for process in {run.process for run in ordered}:
            each = [run for run in ordered if run.process == process]
            for number, run in enumerate(each):
                key = (run.process, run.first_ns, run.pid)
                if number and key not in self._begun:
                    self._begun.add(key)
                    text = f"{process} restarted, pid {run.pid}"
                    self._add(Event(run.first_ns, run.since_ns, EventKind.PROCESS, text))
                over = not run.live or number < len(each) - 1
                if over and not run.closed and process in SYSTEM and key not in self._ended:
                    self._ended.add(key)
                    text = f"{process} ended without saying so, pid {run.pid}"
                    self._add(Event(run.last_ns, run.until_ns, EventKind.PROCESS, text))

    def _add(self, event: Event) -> None:
        if len(self.found) >= MOST_EVENTS:
            self.left_out += 1
        else:
            insort(self.found, event)

    def _told(self, message: object, at_ns: int, wall_ns: int) -> Iterable[tuple[EventKind, str]]:
        match message:
            case Receipt():
                return self._receipt(message)
            case Signal():
                return self._signal(message)
            case Alert():
                return self._alert(message)
            case OrdersState():
                return [
                    (EventKind.ORDER, text) for text in map(self._order, (*message.working, *message.recent)) if text
                ]
            case Request(body=OrderRequest() as order):
                if len(self._asked) < _MOST_ASKED:
                    self._asked[order.intent_id] = (at_ns, wall_ns, order)
            case Reply(body=OrderAck() as ack):
                self._taken(ack)
            case Reply(body=OrderReject() as reject):
                return self._refused(reject, at_ns)
        return ()

    def _receipt(self, receipt: Receipt) -> Iterable[tuple[EventKind, str]]:
        what = "FLATTEN" if receipt.flatten else "HALT"
        known = self._halts.get(receipt.id)
        told = []
        if known is None:
            reason = f": {receipt.reason}" if receipt.reason else ""
            told.append((EventKind.HALT, f"{what} {receipt.id} by {receipt.issuer or '?'}{reason}"))
        if receipt.done and not known:
            took = "" if receipt.total_ms is None else f" in {receipt.total_ms:.0f} ms"
            told.append((EventKind.HALT, f"{what} {receipt.id} verified by the venue{took}"))
        self._halts[receipt.id] = bool(known) or receipt.done
        return told

    def _signal(self, signal: Signal) -> Iterable[tuple[EventKind, str]]:
        if signal.kind is SignalKind.OPS_HEARTBEAT or signal.id in self._signals:
            return ()
        self._signals.add(signal.id)
        by = f"by {signal.issuer or '?'}"
        match signal.kind:
            case SignalKind.SYSTEM_HALT | SignalKind.FLATTEN if signal.id not in self._halts:
                self._halts[signal.id] = False
                what = "FLATTEN" if signal.kind is SignalKind.FLATTEN else "HALT"
                reason = f": {signal.reason}" if signal.reason else ""
                return ((EventKind.HALT, f"{what} {signal.id} {by}{reason}"),)
            case SignalKind.SYSTEM_RESUME:
                return ((EventKind.HALT, f"RESUME of {signal.target} {by}"),)
            case SignalKind.REARM:
                return ((EventKind.HALT, f"REARM {by}"),)
            case SignalKind.SHUTDOWN:
                return ((EventKind.PROCESS, f"{signal.target or OPS} is told to end {by}"),)
        return ()

    def _alert(self, alert: Alert) -> Iterable[tuple[EventKind, str]]:
        key = (alert.kind, alert.since_ns)
        known = self._alerts.get(key)
        self._alerts[key] = alert.active
        if alert.active and known is None:
            return ((EventKind.ALERT, f"{alert.kind}: {alert.text}"),)
        return ((EventKind.ALERT, f"{alert.kind} is over"),) if known and not alert.active else ()

    def _order(self, order: OrderView) -> str:
        """What is new about it; "" if nothing is, or if it ended before this session began."""
        now = (order.state, order.filled_contracts)
        if self._orders.get(order.client_order_id) == now or order.updated_ns < self._since_ns:
            return ""
        self._orders[order.client_order_id] = now
        price = "" if order.average_price is None else f" at {order.average_price}"
        filled = f", {order.filled_contracts} filled{price}" if order.filled_contracts else ""
        return f"{order.kind} {order.side} {order.contracts} {order.state}{filled}"

    def _taken(self, ack: OrderAck) -> None:
        asked = self._asked.pop(ack.intent_id, None)
        if asked is not None:
            at_ns, wall_ns, order = asked
            text = f"decided to {order.side.name} {order.contracts} contracts, intent {order.intent_id}"
            self._add(Event(at_ns, wall_ns, EventKind.DECISION, text))

    def _refused(self, reject: OrderReject, at_ns: int) -> Iterable[tuple[EventKind, str]]:
        self._asked.pop(reject.intent_id, None)
        last_ns = self._refused_ns.get(reject.code)
        if last_ns is not None and at_ns - last_ns < _QUIET_NS:
            return ()
        self._refused_ns[reject.code] = at_ns
        return ((EventKind.ORDER, f"refused {reject.code}: {reject.text}"),)
