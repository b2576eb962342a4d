"""A thought in words and numbers, for everybody to read: features, scores, votes, filters, size, the first no."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

from brain.decide import Thought
from brain.sizing.size import Sizer
from brain.sizing.steps import steps
from schemas.messages import Decision, FilterView, FrameScores, MarketTick, SizeStep, UnknownLayer
from schemas.settings import Settings


def explain(
    thought: Thought, *, tick: MarketTick, sequence: int, mono_ns: int, wall_ns: int, settings: Settings, size: Sizer,
    features: dict[str, float], unknown: tuple[tuple[str, str], ...] = (), intent_id: str = "",
) -> Decision:  # fmt: skip
    """The message of one decision, trade or not: every score and vote, also where something else said no.

    `features`: by name, NaN where not known. `unknown`: parts of the layers and why, beside those that the thought
    itself knows of. The same arguments give the same bytes.
    """
    why_not, scores = thought.why_not, thought.scores
    made = features | _made_of(thought, tick) | (_set(settings) if intent_id else {})
    return Decision(
        sequence=sequence,
        timestamp_ns=wall_ns,
        mono_ns=mono_ns,
        instrument=tick.instrument,
        tick_sequence=tick.sequence,
        tick_received_ns=tick.received_ns,
        frames=tuple(
            FrameScores(
                frame=name, trend_score_pct=trend, book_imbalance=thought.flow.imbalance,
                trade_pressure=thought.flow.pressure, trend_vote=vote, book_vote=thought.book_vote,
                flow_vote=thought.flow_vote, direction=direction,
            )
            for name, trend, vote, direction in zip(
                scores.frames, scores.trends, scores.votes, thought.directions, strict=True
            )
        ),
        direction=thought.direction,
        why_not=why_not.reason.value if why_not else "",
        why_not_text=why_not.text if why_not else "",
        intent_id=intent_id,
        contracts=thought.contracts,
        price=thought.price if isfinite(thought.price) else 0.0,
        features={name: value for name, value in made.items() if isfinite(value)},
        filters=tuple(
            FilterView(name=each.name, passed=each.passed, text=each.text) for each in thought.filtered
        ),
        size=_size_of(thought, size),
        unknown=tuple(UnknownLayer(part=part, reason=reason) for part, reason in (*thought.flow.unknown, *unknown)),
        model=thought.model.text if thought.model else "",
        model_score=thought.model.score if thought.model else None,
    )  # fmt: skip


def _size_of(thought: Thought, size: Sizer) -> tuple[SizeStep, ...]:
    """Also where something else said no: how large it would have been."""
    if thought.engine is None or thought.account is None:
        return ()
    return steps(size, thought.engine, thought.account, thought.price, thought.authority)


def _made_of(thought: Thought, tick: MarketTick) -> dict[str, float]:
    """Touch and the parts of the size: names with a dot, money in USDT, sizes in contracts."""
    made: dict[str, float | Decimal | None] = {
        "tick.bid": tick.bid_price, "tick.bid_size": tick.bid_size, "tick.ask": tick.ask_price,
        "tick.ask_size": tick.ask_size, "tick.last": tick.last_price,
        "size.pace_authority_pct": thought.authority * 100,
    }  # fmt: skip
    if thought.account is not None:
        made["size.equity_usdt"] = thought.account.equity
    if (engine := thought.engine) is not None:
        made |= {
            "size.contract_value": engine.contract_value, "size.lot": engine.lot, "size.minimum": engine.minimum,
            "size.largest": engine.max_order_contracts, "size.engine_authority_pct": engine.authority_pct,
        }  # fmt: skip
    return {name: float(value) for name, value in made.items() if value is not None}


def _set(settings: Settings) -> dict[str, float]:
    """The thresholds of that moment: an order can be reckoned again from its decision alone."""
    brain, sizing = settings.brain, settings.sizing
    made = {
        "set.trend_threshold_pct": brain.trend_threshold_pct, "set.book_threshold": brain.book_threshold,
        "set.flow_threshold": brain.flow_threshold, "set.votes_needed": float(brain.votes_needed),
        "size.risk_pct": sizing.risk_pct_per_trade,
    }  # fmt: skip
    if not sizing.risk_pct_per_trade:
        made["size.notional_usdt"] = float(sizing.fixed_notional_usdt)
    return made
