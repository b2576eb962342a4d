"""The two rows that never disappear: what is traded, how the engine stands, who is alive, the result, the kill key."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.messages import Cause, EngineState, TradingState
from schemas.topology import BRAIN, ENGINE, OPS
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.text import Row, Span, age, clean, fit, number, person, row, signed, size, spread, width_of
from sovereign_tui.cockpit.tty.pacer import Level

_WORST: Final = {TradingState.HALTED: 2, TradingState.REDUCING: 1, TradingState.ACTIVE: 0}
_BADGES: Final = {
    TradingState.ACTIVE: Span(" ▶ ACTIVE ", "badge.active"),
    TradingState.REDUCING: Span(" ▼ REDUCING ", "badge.reducing"),
    TradingState.HALTED: Span(" ■ HALTED ", "badge.halted"),
}

_BANDED: Final = {
    "text": "band", "label": "band.dim", "frame": "band.dim", "dim": "band.dim", "strong": "band.strong",
    "up": "band.up", "down": "band.down", "warn": "band.warn", "unknown": "band.unknown",
}  # fmt: skip
_COMPACT: Final = 104
"""Columns below which the pulses are marks without ages."""
_WHOLE_PCT: Final = 100.0
_BRAIN_DEAD_MS: Final = 3_000.0

Chunk = tuple[int, Row]
"""A piece of a row and its importance: the least important goes first when the row is too long."""


def draw(paint: Paint, width: int) -> tuple[Row, Row]:
    """Both rows."""
    key = Span(" ^K HALT ", "badge.kill") if paint.halts else Span(" NO HALT HERE ", "badge.note")
    kill = row(*_badges(paint), key)
    first = _packed(
        [
            *_market(paint),
            (9, _state(paint)),
            (4, _cause(paint, compact=width < _COMPACT)),
            (3, _processes(paint)),
            (1, _equity(paint)),
            (2, _screen(paint)),
        ],
        width - width_of(kill) - 1,
    )
    compact = width < _COMPACT
    pulses = _pulses(paint, compact=compact)
    second = _packed(
        [
            (7, pulses), (5, _feed(paint, compact=compact)), (6, _authority(paint)), (8, _day(paint)),
            (9, _position(paint)), (4, _alerts(paint)), (3, _link(paint, compact=compact)),
        ],
        width,
    )  # fmt: skip
    return _banded(spread(first, kill, width)), _banded(fit(second, width))


def present(paint: Paint, width: int) -> Row:
    """The present in one row, for a screen that shows the past."""
    day = (Span("  day ", "label"), signed(day_result(paint), 2))
    cells = (Span(" now ", "badge.replay"), Span(" "), *_state(paint), Span(" "), *_position(paint), *day)
    return _banded(spread(cells, row(Span("esc back to the present ", "label")), width))


def worst(engine: EngineState) -> Cause | None:
    """The cause that demands most; the oldest of several."""
    return max(engine.causes, key=lambda cause: (_WORST[cause.forces], -cause.since_ns), default=None)


def day_result(paint: Paint) -> Decimal | None:
    """Realised + fees + unrealised of today; None if any of it is unknown."""
    account, positions = paint.view.account.value, paint.view.positions.value
    if account is None or positions is None or account.realised_today is None or account.fees_today is None:
        return None
    total = account.realised_today + account.fees_today
    for position in positions.positions:
        if position.unrealised is None:
            return None
        total += position.unrealised
    return total


def _packed(chunks: list[Chunk], width: int) -> Row:
    kept = [chunk for chunk in chunks if chunk[1]]
    while kept:
        joined: list[Span] = [Span(" ")]
        for index, (_, cells) in enumerate(kept):
            joined += ([Span(" │ ", "frame")] if index else []) + list(cells)
        if width_of(tuple(joined)) <= width or len(kept) == 1:
            return tuple(joined)
        kept.remove(min(kept, key=lambda chunk: chunk[0]))
    return ()


def _banded(cells: Row) -> Row:
    """The header's own background, under roles that have none."""
    return tuple([Span(text, _BANDED.get(role, role)) for text, role in cells])


def _badges(paint: Paint) -> Row:
    replay = (Span(f" REPLAY {clean(paint.replay)} ", "badge.replay"), " ") if paint.replay else ()
    shown = [(paint.frozen, " FROZEN "), (paint.readonly, " READ-ONLY ")]
    return row(*replay, *(piece for on, text in shown if on for piece in (Span(text, "badge.note"), " ")))


def _market(paint: Paint) -> list[Chunk]:
    engine, tick = paint.view.engine.value, paint.view.tick
    venue = engine.venue if engine is not None else paint.venue
    instrument = engine.instrument if engine is not None else paint.instrument
    badge = Span(f" {clean(venue).upper()} ", f"badge.{venue}" if venue in {"sim", "paper", "demo"} else "badge.live")
    price = Span("?", "unknown") if tick.value is None else Span(number(tick.value.last_price, 1), "strong")
    if paint.is_stale(tick):
        price = Span(price.text, "warn")
    return [(10, row(badge, " ", Span(clean(instrument), "strong"))), (6, row(price))]


def _state(paint: Paint) -> Row:
    engine = paint.view.engine
    if engine.value is None:
        return row(Span(" ? UNKNOWN ", "badge.unknown"))
    if paint.is_stale(engine):
        was = f" ? STALE {age(engine.age_ms(paint.now_ns))}, was {engine.value.state} "
        return row(Span(was, "badge.note"))
    return row(_BADGES[engine.value.state])


def _cause(paint: Paint, *, compact: bool) -> Row:
    """Why; where there is little room the name alone, which says more than nothing."""
    engine = paint.view.engine.value
    if engine is None:
        return row(Span("engine not heard" if compact else "nothing heard from the engine", "unknown"))
    cause = worst(engine)
    if cause is None or paint.is_stale(paint.view.engine):
        return ()
    more = f" (+{len(engine.causes) - 1})" if len(engine.causes) > 1 else ""
    name = clean(cause.name).replace("_", " ")
    words = f"{name}: {person(cause.detail)}" if cause.detail and not compact else name
    return row(Span(words[:70] + more, "warn" if cause.forces is not TradingState.ACTIVE else "dim"))


def _processes(paint: Paint) -> Row:
    """How many of the processes run."""
    system = paint.view.system
    if system.value is None or paint.is_stale(system):
        return row(Span("processes ", "label"), Span("?", "unknown"))
    running = sum(process.state.upper() == "RUNNING" for process in system.value.processes)
    total = len(system.value.processes)
    return row(Span(f"{running}/{total} up", "up" if running == total else "warn"))


def _screen(paint: Paint) -> Row:
    """Which of the screens this is."""
    number, _, name = paint.screen.partition(" ")
    return row(Span(number, "key"), Span(f" {name}", "label")) if name else ()


def _equity(paint: Paint) -> Row:
    account = paint.view.account
    if account.value is None or paint.is_stale(account):
        return row(Span("equity ", "label"), Span("?", "unknown"))
    return row(Span("equity ", "label"), Span(number(account.value.equity, 2)))


def _pulses(paint: Paint, *, compact: bool) -> Row:
    """Who is alive: the engine and ops by what they say themselves, the brain by what the engine heard of it: of a
    silent engine nothing is known of the brain."""
    view = paint.view
    engine_ms, engine = view.engine.age_ms(paint.now_ns), view.engine.value
    brain_ms = None
    if engine is not None and engine.brain_age_ms is not None and not paint.is_stale(view.engine):
        brain_ms = engine.brain_age_ms + (engine_ms or 0.0)
    pulses = (
        _pulse(paint, "eng", ENGINE, engine_ms, paint.stale_ms, compact=compact),
        _pulse(paint, "brn", BRAIN, brain_ms, max(paint.stale_ms, _BRAIN_DEAD_MS), compact=compact),
        _pulse(paint, "ops", OPS, view.pulse.age_ms(paint.now_ns), paint.stale_ms, compact=compact),
    )
    gap = Span(" " if compact else "  ")
    return (*pulses[0], gap, *pulses[1], gap, *pulses[2])


def _pulse(paint: Paint, name: str, process: str, age_ms: float | None, limit_ms: float, *, compact: bool) -> Row:
    label = Span(f"{name} ", "label")
    system = paint.view.system
    processes = () if system.value is None or paint.is_stale(system) else system.value.processes
    for known in processes:
        if known.name == process and known.state.upper() not in {"RUNNING", "STARTING"}:
            return row(label, Span(f"✗ {clean(known.state)}", "down"))
    if age_ms is None:
        return row(label, Span("?", "unknown"))
    if age_ms > limit_ms:
        return row(label, Span(f"✗ {age(age_ms)}", "down"))
    return row(label, Span("●", "up"), *(() if compact else (Span(f"{age(age_ms):>7}", "dim"),)))


def _feed(paint: Paint, *, compact: bool) -> Row:
    rate, tick = paint.view.tick_rate, paint.view.tick
    if tick.value is None:
        return row(Span("ticks ", "label"), Span("?", "unknown"))
    old = Span(f"{age(tick.age_ms(paint.now_ns)):>7}", "warn" if paint.is_stale(tick) else "text")
    if compact:
        return row(Span("tick", "label"), old)
    per_s = "?" if rate.value is None else f"{rate.value.per_s:.0f}/s"
    return row(Span("ticks ", "label"), Span(f"{per_s:>6}"), old)


def _link(paint: Paint, *, compact: bool) -> Row:
    """How long the terminal takes to answer a frame, and how many it gets."""
    link = paint.link
    if link is None:
        return ()
    slow = link.level is Level.SLOW
    mark = (Span(" SLOW", "warn"),) if slow else ()
    if link.rtt_ms is None:
        return row(Span("link ", "label"), Span("?", "unknown"), *mark)
    speed = () if compact else (Span(f" {link.fps:.0f} fps", "dim"),)
    return row(Span("link ", "label"), Span(age(link.rtt_ms), "warn" if slow else "text"), *speed, *mark)


def _alerts(paint: Paint) -> Row:
    count = len(paint.view.standing)
    return row(Span(f"! {count} alert{'s' if count > 1 else ''}", "warn")) if count else ()


def _authority(paint: Paint) -> Row:
    """What violations have left of the brain's authority; nothing while it is whole, or not known."""
    engine = paint.view.engine
    if engine.value is None or paint.is_stale(engine) or engine.value.authority_pct >= _WHOLE_PCT:
        return ()
    return row(Span("authority ", "label"), Span(f"{engine.value.authority_pct:g}%", "warn"))


def _day(paint: Paint) -> Row:
    account = paint.view.account.value
    currency = "" if account is None else f" {clean(account.currency)}"
    stale = paint.is_stale(paint.view.account) or paint.is_stale(paint.view.positions)
    result = signed(day_result(paint), 2)
    shown = Span(f"{result.text} STALE", "warn") if stale else result
    return row(Span("day ", "label"), shown, Span(currency, "dim"))


def _position(paint: Paint) -> Row:
    state = paint.view.positions.value
    if state is None:
        return row(Span("pos ", "label"), Span("?", "unknown"))
    stale = paint.is_stale(paint.view.positions)
    if not state.positions:
        return row(Span("pos ", "label"), Span("flat STALE", "warn") if stale else Span("flat", "dim"))
    first = state.positions[0]
    long = first.contracts > 0
    more = f" (+{len(state.positions) - 1})" if len(state.positions) > 1 else ""
    side = Span(f"{'▲ LONG' if long else '▼ SHORT'} {size(abs(first.contracts))}{more} ", "up" if long else "down")
    if stale:
        return row(Span("pos ", "label"), Span(f"{side.text}STALE", "warn"))
    return row(Span("pos ", "label"), side, signed(first.unrealised, 2))
