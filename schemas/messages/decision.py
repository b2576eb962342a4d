"""What the brain thought, for everybody to read."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class FrameScores(msgspec.Struct, frozen=True, kw_only=True):
    """The three scores and votes of one time frame; a vote is -1, 0 or +1.

    `trend_score_pct` in percent; `book_imbalance` bid share of size in [0, 1];
    `trade_pressure` buy share of traded volume in [0, 1]. None: not known yet.
    """

    frame: str
    trend_score_pct: float | None
    book_imbalance: float | None
    trade_pressure: float | None
    trend_vote: int
    book_vote: int
    flow_vote: int
    direction: int


class FilterView(msgspec.Struct, frozen=True, kw_only=True):
    """One context filter that is switched on, and what it said of this direction; `text` has the numbers."""

    name: str
    passed: bool
    text: str


class SizeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the account to contracts. `name` ends with the unit of `value`: _usdt, _contracts, _pct."""

    name: str
    value: Decimal
    text: str


class UnknownLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a layer that knows nothing now, and why: `order_flow.pressure`, "no trade in 30 s"."""

    part: str
    reason: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Topic state.decision: what the brain thought at one tick. `why_not` is the first reason that said no, "" when an
    order was sent. `price`: quote currency, that of the side it would meet; 0: the book has none.

    `features`: every number that the decision was made of, names with a dot, units as suffix. `size`: the steps of the
    size, also where something else said no. `model`: "" without one, else what it is or why the rules decide instead;
    `model_score` in [-1, 1]. `mono_ns`: the machine's monotonic clock as it was decided.
    """

    sequence: int
    timestamp_ns: int
    instrument: str
    tick_sequence: int
    tick_received_ns: int
    frames: tuple[FrameScores, ...]
    direction: int
    why_not: str
    why_not_text: str
    intent_id: str
    contracts: Decimal | None
    price: float
    features: dict[str, float]
    filters: tuple[FilterView, ...] = ()
    size: tuple[SizeStep, ...] = ()
    unknown: tuple[UnknownLayer, ...] = ()
    model: str = ""
    model_score: float | None = None
    mono_ns: int = 0
