"""The numbers that a decision may be made of, under names that do not change: what a model is given, and what is told.

A feature that is not known is NaN here, and absent from what is told. Version 1 of their definitions is
brain.algorithms.model.sheet.SCHEMA; who changes one counts it up, so that a model of before is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import nan
from typing import Final

from brain.algorithms.filters import Context
from brain.memory import Scores
from brain.order_flow.live import FlowScores, FlowView
from brain.price_action.view import PriceActionView
from schemas.clock import NS_PER_S
from schemas.messages import MarketTick

_OF_A_FRAME = (
    "trend_pct", "structure", "premium_discount", "to_swing_high_pct", "to_swing_low_pct", "to_day_high_pct",
    "to_day_low_pct", "to_bullish_block_pct", "to_bearish_block_pct",
)  # fmt: skip
_OF_THE_FLOW = (
    "book.imbalance", "book.spread_bps", "flow.pressure", "flow.cvd_contracts", "flow.divergence", "flow.large_side",
    "flow.absorption_side",
)  # fmt: skip

MARK_NS: Final = 60 * NS_PER_S
"""Age, by the venue's time, up to which a large trade or an absorption counts."""


def feature_names(frames: Sequence[str]) -> tuple[str, ...]:
    """In the order of `feature_values`: those of each frame, the differences between frames, those of the flow."""
    own = tuple(f"{frame}.{name}" for frame in frames for name in _OF_A_FRAME)
    between = tuple(f"{one}-{other}.trend_pct" for one, other in pairwise(frames))
    return (*own, *between, *_OF_THE_FLOW)


def feature_values(
    scores: Scores, flow_scores: FlowScores, flow: FlowView, tick: MarketTick
) -> tuple[float, ...]:  # fmt: skip
    """Shape (len(feature_names),): percent, shares in [0, 1], directions -1, 0, +1, contracts; NaN: not known."""
    mid = (tick.bid_price + tick.ask_price) / 2
    values: list[float] = []
    for trend, view in zip(scores.trends, scores.views, strict=True):
        values += _of_a_frame(trend, view, mid)
    trends = [_number(trend) for trend in scores.trends]
    values += [one - other for one, other in pairwise(trends)]
    cvd, since_ns = flow.cvd, tick.exchange_ns - MARK_NS
    values += (
        _number(flow_scores.imbalance),
        (tick.ask_price - tick.bid_price) / mid * 1e4 if mid > 0 else nan,
        _number(flow_scores.pressure),
        cvd.contracts if cvd else nan,
        divergence_of(flow) if cvd else nan,
        _side(flow.large.side) if flow.large and flow.large.exchange_ns > since_ns else 0.0,
        _side(flow.absorption.taker) if flow.absorption and flow.absorption.confirmed_ns > since_ns else 0.0,
    )
    return tuple(values)


def _of_a_frame(trend: float | None, view: PriceActionView, mid: float) -> tuple[float, ...]:
    bullish, bearish = _block(view, 1), _block(view, -1)
    return (
        _number(trend),
        nan if view.unknown else float(view.structure),
        _number(view.premium_discount),
        _away_pct(view.swing_high.price if view.swing_high else None, mid),
        _away_pct(view.swing_low.price if view.swing_low else None, mid),
        _away_pct(view.previous_day_high, mid),
        _away_pct(view.previous_day_low, mid),
        _away_pct(bullish[1] if bullish else None, mid),
        _away_pct(bearish[0] if bearish else None, mid),
    )


def context_of(view: PriceActionView, flow: FlowView, tick: MarketTick) -> Context:
    """What the filters look at. Layer 1 of the primary frame, as it was after its last confirmed bar."""
    price = (tick.bid_price + tick.ask_price) / 2
    divergence = int(divergence_of(flow)) if flow.cvd else None
    if view.unknown:
        return Context(price=price, divergence=divergence)
    below = [level.top for level in view.levels if level.top < price]
    above = [level.bottom for level in view.levels if level.bottom > price]
    known = bool(view.levels)
    return Context(
        price=price, structure=view.structure, premium_discount=view.premium_discount,
        bullish_block=_block(view, 1), bearish_block=_block(view, -1),
        support=max(below, default=float("-inf")) if known else None,
        resistance=min(above, default=float("inf")) if known else None,
        sessions=tuple(session.name for session in view.sessions if session.active), divergence=divergence,
    )  # fmt: skip


def divergence_of(flow: FlowView) -> float:
    """+1 bullish, -1 bearish, 0 none: the last divergence of CVD and price, while it is of the bars that are kept."""
    cvd = flow.cvd
    if cvd is None or cvd.divergence is None:
        return 0.0
    if cvd.bars and cvd.divergence.bar_ns < cvd.bars[0].open_ns:
        return 0.0
    return -1.0 if cvd.divergence.bearish else 1.0


def _block(view: PriceActionView, direction: int) -> tuple[float, float] | None:
    """Low and high edge of the nearest open block of a side."""
    return next(((zone.bottom, zone.top) for zone in view.blocks if zone.direction == direction), None)


def _away_pct(price: float | None, mid: float) -> float:
    return nan if price is None or not mid > 0 else (price / mid - 1.0) * 100.0


def _number(value: float | None) -> float:
    return nan if value is None else value


def _side(side: int) -> float:
    return 1.0 if side == 1 else -1.0
