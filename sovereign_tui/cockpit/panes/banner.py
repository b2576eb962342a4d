"""What must be seen at once: a HALT on its way, a HALT that stands, ops gone. No row when there is nothing of it.

HALTED is said on the engine's word alone, VERIFIED on the venue's.
"""

from __future__ import annotations

from typing import Final

from schemas.clock import NS_PER_MS
from schemas.messages import Receipt
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.text import Row, Span, age, clean, clock_text, fit, person, row, width_of
from sovereign_tui.cockpit.view import Kill, KillPhase

UNCONFIRMED_MS: Final = 500.0
"""Without an acknowledgement of the engine for so long, a HALT is UNCONFIRMED."""
OUT_OF_BAND_MS: Final = 2_000.0
"""From here on the other way is shown."""
_MOST_ALERTS: Final = 3
_ACKNOWLEDGE: Final = " a acknowledge "
_OPS_GRACE_MS: Final = 3_000.0
_ENGINE_GRACE_NS: Final = 500 * NS_PER_MS


def draw(paint: Paint, width: int) -> tuple[Row, ...]:
    """The rows of the banner, most urgent first."""
    rows: list[Row] = []
    kill = paint.view.kill
    if kill is not None and not is_over(paint, kill):
        rows += _kill(paint, kill, width)
    elif paint.view.halt_id is not None:
        rows += _standing(paint, paint.view.halt_id, width)
    rows += _ops(paint, width)
    rows += _alerts(paint, width)
    return tuple(_filled(cells, width) for cells in rows)


def is_unconfirmed(paint: Paint) -> bool:
    """Whether our kill key has waited too long for the engine's acknowledgement."""
    kill = paint.view.kill
    if kill is None or is_over(paint, kill) or _latched(kill):
        return False
    return kill.phase is not KillPhase.ASKING or _waited_ms(paint, kill) >= UNCONFIRMED_MS


def is_over(paint: Paint, kill: Kill) -> bool:
    """Whether the HALT that our key asked for was confirmed, and lifted since."""
    latched = None if kill.receipt is None else kill.receipt.latched_ns
    engine = paint.view.engine
    if latched is None or engine.value is None or engine.at_ns is None:
        return False
    return engine.value.halt_id is None and engine.at_ns > max(latched, kill.pressed_ns) + _ENGINE_GRACE_NS


def _latched(kill: Kill) -> bool:
    return kill.receipt is not None and kill.receipt.latched_ns is not None


def _waited_ms(paint: Paint, kill: Kill) -> float:
    return max(0.0, (paint.now_ns - kill.pressed_ns) / NS_PER_MS)


def _kill(paint: Paint, kill: Kill, width: int) -> list[Row]:
    receipt = kill.receipt
    head = Span(" HALT asked " if receipt is None else f" HALT {clean(receipt.id)} by {_who(receipt)} ", "alarm")
    steps = () if receipt is None else steps_of(receipt, kill.pressed_ns)
    after: Row = ()
    waited = _waited_ms(paint, kill)
    if receipt is not None and receipt.verified:
        end = Span("VERIFIED", "alarm.ok")
        after = (_resume(receipt.id),)
    elif is_unconfirmed(paint):
        end = Span(f" UNCONFIRMED {age(waited)} ", "alarm")
    else:
        end = Span(f"waiting {age(waited)}", "alarm.calm")
    rows = _wrapped(head, (*steps, end, *after), width)
    problems = [kill.problem] if kill.problem else []
    problems += list(receipt.problems) if receipt is not None else []
    rows += [row(Span(f"   {clean(problem)}", "alarm.strong")) for problem in problems[:2]]
    if is_unconfirmed(paint) and (waited >= OUT_OF_BAND_MS or kill.phase is KillPhase.FAILED):
        rows.append(_other_way())
    return rows


def _who(receipt: Receipt) -> str:
    return person(receipt.issuer)


def _wrapped(head: Span, steps: Row, width: int) -> list[Row]:
    """The head and its steps, on as many rows as they take: the last step is the verdict, and must not be cut."""
    rows: list[Row] = []
    line: Row = (head,)
    for step in steps:
        piece = (Span(" │ ", "alarm.calm"), step)
        if width_of((*line, *piece)) > width and width_of(line) > 3:
            rows.append(line)
            line = (Span("   "), step)
        else:
            line = (*line, *piece)
    return [*rows, line]


def steps_of(receipt: Receipt, origin_ns: int) -> Row:
    """The steps that the receipt proves, each with its time since `origin_ns`."""
    steps = [
        ("sent", receipt.requested_ns),
        ("latched", receipt.latched_ns),
        ("5556 closed", receipt.port_closed_ns),
        ("cancels sent", receipt.cancels_sent_ns),
        (f"venue says {_open(receipt)} open", receipt.venue_confirmed_ns),
    ]
    done = [f"{name} {_since(at_ns, origin_ns)}" for name, at_ns in steps if at_ns is not None]
    return tuple(Span(text, "alarm.strong") for text in done)


def _open(receipt: Receipt) -> str:
    return "?" if receipt.open_orders is None else str(receipt.open_orders)


def _since(at_ns: int, origin_ns: int) -> str:
    return "before" if at_ns < origin_ns else age((at_ns - origin_ns) / NS_PER_MS)


def _standing(paint: Paint, halt_id: str, width: int) -> list[Row]:
    receipt = paint.view.receipt.value
    head = f" HALT {clean(halt_id)} STANDS "
    if receipt is None or receipt.id != halt_id:
        return _wrapped(Span(head, "alarm"), (_resume(halt_id),), width)
    end = Span("VERIFIED", "alarm.ok") if receipt.verified else Span(" NOT VERIFIED ", "alarm")
    steps = (*steps_of(receipt, receipt.requested_ns), end, _resume(halt_id))
    return _wrapped(Span(f"{head}by {_who(receipt)} ", "alarm"), steps, width)


def _resume(halt_id: str) -> Span:
    """What lifts it; until then only cancels go out."""
    return Span(f"$ sovereign resume {clean(halt_id)}", "alarm.strong")


def _other_way() -> Row:
    return row(
        Span("   from another terminal: ", "alarm.calm"),
        Span("sovereign halt", "alarm.strong"),
        Span("; and look at the venue yourself", "alarm.calm"),
    )


def _ops(paint: Paint, width: int) -> list[Row]:
    pulse = paint.view.pulse
    since_start_ms = (paint.now_ns - paint.started_ns) / NS_PER_MS
    age_ms = pulse.age_ms(paint.now_ns)
    if age_ms is None and (paint.alone or since_start_ms < _OPS_GRACE_MS):
        return []
    if age_ms is not None and age_ms <= max(paint.stale_ms, 1_000.0):
        return []
    said = "was never heard" if age_ms is None else f"is silent for {age(age_ms)}"
    steps = row(
        Span("the kill key may not get through", "alarm.calm"), _command("sovereign up"), _command("sovereign halt")
    )
    return _wrapped(Span(f" OPS {said} ", "alarm"), steps, width)


def _alerts(paint: Paint, width: int) -> list[Row]:
    """What stands and nobody has acknowledged; the halt has rows of its own."""
    waiting = [alert for alert in paint.view.standing if alert.kind != "halt" and not alert.acknowledged_by]
    rows: list[Row] = []
    for alert in waiting[:_MOST_ALERTS]:
        head = Span(f" ! {clean(alert.kind).replace('_', ' ').upper()} ", "alarm")
        since = Span(f" {clock_text(alert.since_ns)} UTC ", "alarm.calm")
        room = width - width_of((head, since)) - len(_ACKNOWLEDGE)
        rows.append((*fit(row(head, since, Span(clean(alert.text), "alarm.strong")), room + width_of((head, since))),
                     Span(_ACKNOWLEDGE, "alarm")))  # fmt: skip
    if len(waiting) > _MOST_ALERTS:
        rows.append(row(Span(f"   and {len(waiting) - _MOST_ALERTS} more alerts", "alarm.strong")))
    return rows


def _command(text: str) -> Span:
    return Span(f"$ {text}", "alarm.strong")


def _filled(cells: Row, width: int) -> Row:
    fitted = fit(cells, width)
    return tuple(Span(span.text, "alarm.calm" if span.role == "text" else span.role) for span in fitted)
