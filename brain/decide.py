"""THE MAIN PATH: tick -> memory -> four layers -> decision. Top to bottom on this page.

Pure: the same memory, settings and times give the same decision, to the bit. Every score and vote is computed also
when something else says no, so that the screen can always show what the brain thinks. What a thought is in words is
in explain.py.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import NamedTuple

from brain.algorithms import filters
from brain.algorithms.filters import Filter, FilterResult, filters_of
from brain.algorithms.frames import confirm
from brain.algorithms.model.state import ModelView
from brain.algorithms.model.vote import Role, disagrees, replacing_vote
from brain.algorithms.votes import combine, share_vote
from brain.features import context_of
from brain.memory import Memory, Scores
from brain.order_flow.live import FlowScores
from brain.order_flow.screen import AHEAD_NS
from brain.reasons import Reason, WhyNot
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from schemas.clock import NS_PER_S
from schemas.messages import AccountState, EngineState, MarketTick, TradingState
from schemas.settings import Settings

STATE_LIMIT_NS = 3 * NS_PER_S
"""Age at which the engine's word is no longer believed."""
TICK_LIMIT_NS = NS_PER_S
"""Age of a tick, since the engine had it, that is decided on no more: of a brain that stood still they wait in line."""


class Rules(NamedTuple):
    """What the settings say about votes, ready for use."""

    book_threshold: float
    flow_threshold: float
    votes_needed: int
    primary: str
    primary_at: int
    filters: tuple[Filter, ...]
    role: Role

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Of these settings."""
        brain = settings.brain
        return cls(
            brain.book_threshold, brain.flow_threshold, brain.votes_needed, brain.primary,
            brain.frames.index(brain.primary), filters_of(settings.filters), settings.model.role,
        )  # fmt: skip


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
    flow: FlowScores
    book_vote: int
    flow_vote: int
    directions: tuple[int, ...]
    scores: Scores
    model: ModelView | None
    filtered: tuple[FilterResult, ...]
    engine: EngineState | None
    account: AccountState | None
    authority: Decimal
    """What the size was made of, as it was heard."""


def think(
    memory: Memory, pace: Pace, size: Sizer, rules: Rules, *, tick: MarketTick, mono_ns: int, reachable: bool,
    model: ModelView | None = None,
) -> Thought:  # fmt: skip
    """What to do at this tick. `contracts` is set, and `why_not` None, when an order is to be sent.

    `reachable`: is the command channel connected? `mono_ns` is monotonic. Unknown scores vote 0.
    `model`: what the model says now; None without one.
    """
    scores, flow = memory.scores, memory.flow.scores(tick)
    book = share_vote(flow.imbalance, rules.book_threshold)
    taken = share_vote(flow.pressure, rules.flow_threshold)
    verdict = _verdict(
        scores.frames, scores.votes, book, taken, rules.votes_needed, rules.primary,
        None if model is None else replacing_vote(model, rules.role),
    )  # fmt: skip
    direction = verdict.direction
    price = tick.ask_price if direction > 0 else tick.bid_price
    filtered: tuple[FilterResult, ...] = ()
    if rules.filters and direction:
        view = scores.views[rules.primary_at]
        context = context_of(view, memory.flow.view(tick.exchange_ns), tick)
        filtered = filters.judge(rules.filters, direction, context)
    why_not = (
        _data_speaks_against(memory, flow, tick, mono_ns, pace.entry_ns)
        or verdict.why_not
        or (disagrees(direction, model, rules.role) if model is not None else None)
        or (filters.why_not(filtered) if filtered else None)
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
        direction, why_not, contracts, price, flow, book, taken, verdict.directions, scores, model, filtered,
        memory.heard.engine, memory.heard.account, pace.authority,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _verdict(
    frames: tuple[str, ...], votes: tuple[int, ...], book: int, flow: int, needed: int, primary: str,
    replacing: int | None,
) -> Verdict:  # fmt: skip
    """Remembered, since votes seldom change from tick to tick. `replacing`: the vote that each frame takes instead."""
    if replacing is None:
        directions = tuple(combine((vote, book, flow), needed) for vote in votes)
    else:
        directions = (replacing,) * len(votes)
    direction, why_not = confirm(dict(zip(frames, directions, strict=True)), primary)
    return Verdict(directions, direction, why_not)


def _data_speaks_against(
    memory: Memory, flow: FlowScores, tick: MarketTick, mono_ns: int, entry_ns: int
) -> WhyNot | None:
    if not tick.book_valid:
        return WhyNot(Reason.BOOK_INVALID, "the engine does not trust its book")
    if not 0 < tick.bid_price < tick.ask_price < inf:  # NaN compares false
        return WhyNot(Reason.BOOK_INVALID, f"the touch is no price: bid {tick.bid_price:g}, ask {tick.ask_price:g}")
    if memory.scores.hole:
        return WhyNot(Reason.WARMING_UP, memory.scores.hole)
    if (ahead_ns := tick.exchange_ns - tick.received_ns) > AHEAD_NS:
        text = f"order flow: the venue's time is {ahead_ns / NS_PER_S:.0f} s ahead of ours"
        return WhyNot(Reason.LAYER_UNKNOWN, text)
    if tick.exchange_ns >= memory.scores.until_ns:
        return WhyNot(Reason.LAYER_UNKNOWN, f"price action: {memory.scores.overdue(tick.exchange_ns)}")
    if flow.fault:
        return WhyNot(Reason.LAYER_UNKNOWN, f"order flow: {flow.fault}")
    if unknown := memory.heard.unknown(mono_ns, STATE_LIMIT_NS):
        return WhyNot(Reason.STATE_UNKNOWN, unknown)
    if memory.heard.positions_ns < entry_ns:
        return WhyNot(Reason.STATE_UNKNOWN, "state.positions not heard since the last entry")
    if (age_ns := mono_ns - tick.received_mono_ns) > TICK_LIMIT_NS:
        return WhyNot(Reason.STATE_UNKNOWN, f"the newest tick is {age_ns / NS_PER_S:.1f} s old")
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
