"""The engine's numbers for the screen: state.engine and telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from engine.desk_counters import DeskCounters
from engine.risk.view import Day, Terms
from schemas.clock import NS_PER_MS, Clock
from schemas.latency import LatencyWindow, summaries
from schemas.messages import EngineState
from schemas.settings import Settings
from schemas.settings.risk import Risk
from schemas.topology import ENGINE

if TYPE_CHECKING:
    from engine.engine import Engine


def engine_state(engine: Engine, settings: Settings, clock: Clock) -> EngineState:
    """What state.engine says."""
    now_ns, touch, terms = clock.monotonic_ns(), engine.market.touch, engine.trading.terms
    authority = engine.limits.authority.pct(now_ns)
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
        max_order_contracts=_largest_order(engine, authority),
        lot=terms.lot if terms else None,
        minimum=terms.minimum if terms else None,
        contract_value=terms.contract_value if terms else None,
        counters=_counters(engine),
    )


def _largest_order(engine: Engine, authority: Decimal) -> Decimal | None:
    """Largest order that could pass now, contracts; None when unknown. At the ask, so that it passes on either side."""
    terms, equity, ask = engine.trading.terms, engine.trading.account.equity, engine.market.touch.ask
    if terms is None or equity is None or not ask > 0 or not isfinite(ask):
        return None
    return largest_order(
        engine.limits.risk, equity=equity, price=Decimal(str(ask)), terms=terms, authority_pct=authority
    )


def largest_order(
    risk: Risk, *, equity: Decimal, price: Decimal, terms: Terms, authority_pct: Decimal
) -> Decimal:  # fmt: skip
    """Largest market order that no rule of size refuses while nothing is held and nothing works, contracts.

    By the share of the account with the brain's authority in it, the largest order in contracts and in USDT, the
    venue's own, the largest position, exposure and leverage; rounded down to the lot. `equity` in USDT, `price` in
    quote currency, above 0, `authority_pct` in percent.
    """
    most_usdt = min(
        equity * Decimal(str(risk.max_account_share_pct)) * authority_pct / 10_000,
        equity * Decimal(str(risk.max_leverage)),
        risk.max_order_notional_usdt,
        risk.max_gross_exposure_usdt,
    )
    contracts = min(
        most_usdt / (price * terms.contract_value),
        risk.max_order_contracts,
        risk.max_position_contracts,
        *(() if terms.largest_market is None else (terms.largest_market,)),
    )
    return max(Decimal(0), contracts // terms.lot * terms.lot)


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
        **by_kind(engine.desk.counters, engine.rest.errors),
        **daily_loss(day, engine.limits.risk.max_daily_loss_pct),
        **summaries(ENGINE, legs(engine)),
    }


def by_kind(desk: DeskCounters, rest_errors: Mapping[str, int]) -> dict[str, int]:
    """The rejects by rule, and the calls that the venue did not do by kind, each under its metric's name."""
    return {
        **{f"engine.rejects_{rule}": count for rule, count in desk.by_rule().items()},
        **{f"engine.rest_errors_{kind}": count for kind, count in rest_errors.items()},
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
