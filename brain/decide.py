"""THE MAIN PATH: tick -> memory -> four layers -> decision. Top to bottom on this page.

Pure: the same memory, settings and times give the same decision, to the bit. Every score and vote is computed also
when something else says no, so that the screen can always show what the brain thinks.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from brain.algorithms.frames import confirm
from brain.algorithms.votes import combine, share_vote
from brain.memory import Memory, Scores
from brain.order_flow.imbalance import book_imbalance
from brain.reasons import Reason, WhyNot
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from schemas.clock import NS_PER_S
from schemas.messages import AccountState, Decision, EngineState, FrameScores, MarketTick, TradingState
from schemas.settings import Settings
from schemas.settings.tree import Brain as BrainSettings

STATE_LIMIT_NS = 3 * NS_PER_S
"""Age at which the engine's word is no longer believed."""


class Verdict(NamedTuple):
    """What the votes come to. `directions` stand in the order of the frames."""

    directions: tuple[int, ...]
    direction: int
    why_not: WhyNot | None


class Thought(NamedTuple):
    """What an order needs, and what explain() needs; the order goes out before the rest is put into words."""

    direction: int
    why_not: WhyNot | None
    contracts: Decimal | None
    price: float
    imbalance: float | None
    pressure: float | None
    book_vote: int
    flow_vote: int
    directions: tuple[int, ...]
    scores: Scores
    engine: EngineState | None
    account: AccountState | None
    authority: Decimal
    """What the size was made of, as it was heard."""


def think(
    memory: Memory, pace: Pace, size: Sizer, settings: BrainSettings, *, tick: MarketTick, mono_ns: int, reachable: bool
) -> Thought:
    """What to do at this tick. `contracts` is set, and `why_not` None, when an order is to be sent.

    `reachable`: is the command channel connected? `mono_ns` is monotonic. Unknown scores vote 0.
    """
    scores = memory.scores
    imbalance = book_imbalance(tick.bid_sizes, tick.ask_sizes, settings.book_levels) if tick.book_valid else None
    pressure = memory.trades.pressure()
    book, flow = share_vote(imbalance, settings.book_threshold), share_vote(pressure, settings.flow_threshold)
    verdict = _verdict(scores.frames, scores.votes, book, flow, settings.votes_needed, settings.primary)
    direction = verdict.direction
    price = tick.ask_price if direction > 0 else tick.bid_price
    why_not = (
        _data_speaks_against(memory, tick, mono_ns, pace.entry_ns)
        or verdict.why_not
        or _engine_speaks_against(memory, reachable)
        or pace.why_not(mono_ns)
    )
    contracts = None
    if why_not is None:
        assert memory.heard.engine is not None
        assert memory.heard.account is not None
        sized = size(memory.heard.engine, memory.heard.account, price, pace.authority)
        if isinstance(sized, WhyNot):
            why_not = sized
        else:
            contracts = sized
    return Thought(
        direction, why_not, contracts, price, imbalance, pressure, book, flow, verdict.directions, scores,
        memory.heard.engine, memory.heard.account, pace.authority,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _verdict(
    frames: tuple[str, ...], votes: tuple[int, ...], book: int, flow: int, needed: int, primary: str
) -> Verdict:
    """Remembered, since votes seldom change from tick to tick."""
    directions = tuple(combine((vote, book, flow), needed) for vote in votes)
    direction, why_not = confirm(dict(zip(frames, directions, strict=True)), primary)
    return Verdict(directions, direction, why_not)


def explain(
    thought: Thought, *, tick: MarketTick, sequence: int, mono_ns: int, wall_ns: int, intent_id: str = "",
    settings: Settings | None = None,
) -> Decision:  # fmt: skip
    """The thought in full, for everybody to read: every score and every vote, also where something else said no.

    Of an order also what it was made of, by the `settings` of that moment: see `_made_of`.
    """
    why_not, scores = thought.why_not, thought.scores
    return Decision(
        sequence=sequence,
        timestamp_ns=wall_ns,
        instrument=tick.instrument,
        tick_sequence=tick.sequence,
        tick_received_ns=tick.received_ns,
        frames=tuple(
            FrameScores(
                frame=name, trend_score_pct=trend, book_imbalance=thought.imbalance, trade_pressure=thought.pressure,
                trend_vote=vote, book_vote=thought.book_vote, flow_vote=thought.flow_vote, direction=direction,
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
        price=thought.price,
        features=_made_of(thought, tick, settings) if intent_id else {},
        mono_ns=mono_ns,
    )  # fmt: skip


def _made_of(thought: Thought, tick: MarketTick, settings: Settings | None) -> dict[str, float]:
    """Touch, thresholds and the parts of the size: names with a dot, money in USDT, sizes in contracts."""
    made: dict[str, float | Decimal | None] = {
        "tick.bid": tick.bid_price, "tick.bid_size": tick.bid_size, "tick.ask": tick.ask_price,
        "tick.ask_size": tick.ask_size, "size.pace_authority_pct": thought.authority * 100,
    }  # fmt: skip
    if thought.account is not None:
        made["size.equity_usdt"] = thought.account.equity
    if (engine := thought.engine) is not None:
        made |= {
            "size.contract_value": engine.contract_value, "size.lot": engine.lot, "size.minimum": engine.minimum,
            "size.largest": engine.max_order_contracts, "size.engine_authority_pct": engine.authority_pct,
        }  # fmt: skip
    if settings is not None:
        brain, sizing = settings.brain, settings.sizing
        made |= {
            "set.trend_threshold_pct": brain.trend_threshold_pct, "set.book_threshold": brain.book_threshold,
            "set.flow_threshold": brain.flow_threshold, "set.votes_needed": brain.votes_needed,
        }  # fmt: skip
        made["size.risk_pct"] = sizing.risk_pct_per_trade
        if not sizing.risk_pct_per_trade:
            made["size.notional_usdt"] = sizing.fixed_notional_usdt
    return {name: float(value) for name, value in made.items() if value is not None and isfinite(value)}


def _data_speaks_against(memory: Memory, tick: MarketTick, mono_ns: int, entry_ns: int) -> WhyNot | None:
    if not tick.book_valid or not tick.bid_price < tick.ask_price:  # NaN compares false
        return WhyNot(Reason.BOOK_INVALID, "the engine does not trust its book")
    if memory.scores.hole:
        return WhyNot(Reason.WARMING_UP, memory.scores.hole)
    if unknown := memory.heard.unknown(mono_ns, STATE_LIMIT_NS):
        return WhyNot(Reason.STATE_UNKNOWN, unknown)
    if memory.heard.positions_ns < entry_ns:
        return WhyNot(Reason.STATE_UNKNOWN, "state.positions not heard since the last entry")
    return None


def _engine_speaks_against(memory: Memory, reachable: bool) -> WhyNot | None:
    heard = memory.heard
    assert heard.engine is not None
    assert heard.orders is not None
    assert heard.positions is not None
    if heard.engine.state is not TradingState.ACTIVE:
        causes = ", ".join(cause.name for cause in heard.engine.causes)
        return WhyNot(Reason.ENGINE_NOT_ACTIVE, f"{heard.engine.state.value}: {causes}")
    if not reachable:
        return WhyNot(Reason.ENGINE_UNREACHABLE, "the command channel is not connected")
    if heard.positions.positions:
        held = heard.positions.positions[0]
        return WhyNot(Reason.IN_POSITION, f"{held.contracts} contracts of {held.instrument}")
    if heard.orders.working:
        return WhyNot(Reason.ORDER_WORKING, f"{len(heard.orders.working)} orders")
    return None
