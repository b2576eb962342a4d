"""The engine's numbers for the screen: state.engine and telemetry."""

from __future__ import annotations

from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Any

from engine.risk.rules import AccountShare
from engine.risk.view import Day
from schemas.clock import NS_PER_MS, Clock
from schemas.latency import LatencyWindow, summaries
from schemas.messages import EngineState
from schemas.settings import Settings
from schemas.topology import ENGINE

if TYPE_CHECKING:
    from engine.engine import Engine


def engine_state(engine: Engine, settings: Settings, clock: Clock) -> EngineState:
    """What state.engine says."""
    now_ns, touch, terms = clock.monotonic_ns(), engine.market.touch, engine.trading.terms
    authority = engine.limits.authority.pct(now_ns)
    largest = _largest_order(engine, authority)
    return EngineState(
        timestamp_ns=clock.wall_ns(),
        state=engine.causes.state,
        causes=engine.causes.standing(),
        venue=settings.venue.name,
        instrument=engine.instrument,
        halt_id=engine.halt.halt_id,
        authority_pct=float(authority),
        brain_age_ms=engine.brain.age_ms(now_ns),
        ops_age_ms=engine.ops.age_ms(now_ns),
        feed_age_ms=(now_ns - touch.mono_ns) / NS_PER_MS if touch.mono_ns else None,
        last_tick_sequence=touch.sequence,
        max_order_contracts=Decimal(largest) if largest else None,
        lot=terms.lot if terms else None,
        minimum=terms.minimum if terms else None,
        contract_value=terms.contract_value if terms else None,
        counters=_counters(engine),
    )


def _largest_order(engine: Engine, authority: Decimal) -> str:
    """Largest order that the share of the account allows now, contracts as text; "" when unknown."""
    share = next((rule for rule in engine.limits.gate.rules if isinstance(rule, AccountShare)), None)
    terms, equity, mid = engine.trading.terms, engine.trading.account.equity, engine.market.touch.mid
    if share is None or terms is None or equity is None or not mid > 0:
        return ""
    return share.largest(equity=equity, price=Decimal(str(mid)), terms=terms, authority_pct=authority)


def _counters(engine: Engine) -> dict[str, int]:
    desk, market, private = engine.desk.counters, engine.market.counters, engine.trading.private.counters
    return {
        "frames": market.frames,
        "ticks": market.ticks,
        "orders": desk.orders,
        "acks": desk.acks,
        "rejects": desk.rejects,
        "heartbeats": desk.heartbeats,
        "malformed": desk.malformed + market.malformed_frames + private.malformed_frames,
        "book_errors": market.book_errors,
        "refused_peers": engine.refused_peers,
        "venue_errors": market.venue_errors + private.venue_errors,
    }


def metrics(engine: Engine) -> dict[str, Any]:
    """What telemetry says, once a second."""
    mark = engine.market.touch.mark
    day = engine.limits.day(
        engine.trading.account, mark=None if isnan(mark) else Decimal(str(mark)), terms=engine.trading.terms
    )
    return {
        **{f"engine.{name}": value for name, value in _counters(engine).items()},
        **daily_loss(day, engine.limits.risk.max_daily_loss_pct),
        **summaries(ENGINE, legs(engine)),
    }


def daily_loss(day: Day, limit_pct: float) -> dict[str, float | None]:
    """What the day has lost so far, percent of its opening equity (a gain: 0; None: not known), and how much it may."""
    lost_pct: float | None = None
    if day.result is not None and day.opening is not None and day.opening > 0:
        lost_pct = float(max(Decimal(0), -day.result / day.opening * 100))
    return {"engine.daily_loss_pct": lost_pct, "engine.daily_loss_limit_pct": limit_pct}


def legs(engine: Engine) -> dict[str, LatencyWindow]:
    """Where the durations are that telemetry tells."""
    return {
        "frame_to_publish": engine.market.frame_to_publish,
        "tick_to_order": engine.desk.tick_to_order,
        "gate": engine.desk.gate_cost,
    }
