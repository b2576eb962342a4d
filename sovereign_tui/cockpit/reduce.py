"""(view, message) -> view. Pure: no clock, no socket, no widget.

What was heard last wins; of two heard at the same instant the one that says more (the later stamp) wins. So the view
does not depend on the order in which messages of one instant are folded in, and the same message twice is the same
view. What is not a message leaves the view as it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from zlib import crc32

from schemas.clock import NS_PER_S
from schemas.messages import (
    AccountState,
    Alert,
    AuditTrail,
    Candle,
    CandleHistory,
    Decision,
    EngineState,
    Flow,
    Heatmap,
    LogLine,
    MarketTick,
    Metrics,
    OrdersState,
    PositionsState,
    Receipt,
    Signal,
    SignalKind,
    Structure,
    SystemState,
)
from sovereign_tui.cockpit.series import Point, begun_anew, kept, merged
from sovereign_tui.cockpit.view import (
    ALERTS,
    CANDLES,
    DECISIONS,
    EQUITY_POINTS,
    LOG_LINES,
    METRICS_POINTS,
    Counts,
    Heard,
    Kill,
    TickRate,
    View,
)

_SET_BACK_S: Final = 3_600
"""What is so much older than the newest comes of a clock that was set back: nothing is that late."""

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
    Flow: "flow",
    Heatmap: "heatmap",
    Structure: "structure",
    AuditTrail: "audit",
    Candle: "candle",
}


def reduce(view: View, message: object, at_ns: int) -> View:
    """The view after `message`, heard at `at_ns` of the monotonic clock."""
    part = _PARTS.get(type(message))
    if part is not None:
        view = _newer(view, part, message, at_ns)
    match message:
        case Candle():
            return _candles(view, message.frame, (message,))
        case CandleHistory():
            return _candles(view, message.frame, message.candles)
        case Decision():
            return _decided(view, message)
        case AccountState():
            return _account(view, message)
        case Metrics():
            return _metrics(view, message)
        case Alert():
            return _alert(view, message, at_ns)
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
    if view.log and view.log[-1].timestamp_ns - line.timestamp_ns > _SET_BACK_S * NS_PER_S:
        view = replace(view, log=())
    place = bisect_left(view.log, _place(line), key=_place)
    if place < len(view.log) and view.log[place] == line:
        return view
    log = (*view.log[:place], line, *view.log[place:])[-LOG_LINES:]
    return replace(view, log=log, log_at_ns=max(at_ns, view.log_at_ns or 0))


def _place(line: LogLine) -> tuple[int, str, str, str]:
    return line.timestamp_ns, line.process, line.text, line.level


def _candles(view: View, frame: str, candles: tuple[Candle, ...]) -> View:
    """A bar that is over stays as it was confirmed; of one that runs the latest word counts."""
    points = [
        Point(each.open_ns, (each.confirmed, each.received_ns, each.sequence), each) for each in candles[-CANDLES:]
    ]
    known = view.candles.get(frame, ())
    series = kept(known, points[0], CANDLES) if len(points) == 1 else merged(known, points, CANDLES)
    if series is known:
        return view
    return replace(view, candles=MappingProxyType({**view.candles, frame: series}))


def _decided(view: View, decision: Decision) -> View:
    second = decision.timestamp_ns // NS_PER_S
    reason = crc32(f"{decision.direction}{decision.why_not}{decision.intent_id}".encode()) % 100_000
    point = Point(second * 100_000 + reason, (decision.timestamp_ns, decision.sequence), decision)
    return replace(view, decisions=kept(begun_anew(view.decisions, point, _SET_BACK_S * 100_000), point, DECISIONS))


def _metrics(view: View, metrics: Metrics) -> View:
    values: Mapping[str, float] = metrics.values
    point = Point(metrics.timestamp_ns * 2 // NS_PER_S, (metrics.timestamp_ns,), values)
    past = begun_anew(view.metrics_past, point, _SET_BACK_S * 2)
    return replace(view, metrics_past=kept(past, point, METRICS_POINTS))


def _account(view: View, account: AccountState) -> View:
    if account.equity is None:
        return view
    point = Point(account.timestamp_ns // NS_PER_S, (account.timestamp_ns,), float(account.equity))
    return replace(view, equity=kept(begun_anew(view.equity, point, _SET_BACK_S), point, EQUITY_POINTS))


def _rank(heard: Heard[Alert]) -> tuple[bool, bool, int]:
    alert = heard.value
    return alert is not None and not alert.active, alert is not None and bool(alert.acknowledged_by), heard.at_ns or 0


def _alert(view: View, alert: Alert, at_ns: int) -> View:
    """One that is over does not come back: if it does, it has another beginning."""
    key = (alert.kind, alert.since_ns)
    known = view.alerts.get(key)
    if known is not None and _rank(known) >= _rank(Heard(alert, at_ns)):
        return view
    alerts = {**view.alerts, key: Heard(alert, at_ns)}
    for oldest in sorted(alerts, key=lambda each: (each[1], each[0]))[:-ALERTS]:
        del alerts[oldest]
    return replace(view, alerts=MappingProxyType(alerts))


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
