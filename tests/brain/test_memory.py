"""What the memory asks for again, and what it does not."""

from __future__ import annotations

import msgspec
import pytest

from brain.memory import Memory
from brain.mind import Mind
from brain.order_flow.trade_chain import Hole
from schemas import codec, topology
from schemas.messages import Trade, TradeHistory
from tests.brain.test_decide import SETTINGS, TICK, TRADE, S

NOT_SENT = {"instrument", "bid_price", "bid_size", "ask_price", "ask_size"}
"""They follow from the levels, and from who sends."""


def trades(*ids: int, later_ns: int = 0) -> tuple[Trade, ...]:
    return tuple(
        msgspec.structs.replace(TRADE, trade_id=each, exchange_ns=TRADE.exchange_ns + later_ns + each) for each in ids
    )


def latest(since_id: int, *ids: int) -> TradeHistory:
    return TradeHistory(instrument="X", sequence=1, received_ns=1, since_id=since_id, trades=trades(*ids))


def heard(*ids: int, memory: Memory | None = None, later_ns: int = 0) -> Memory:
    memory = memory or Memory.of(SETTINGS)
    for trade in trades(*ids, later_ns=later_ns):
        memory.on_trade(trade)
    return memory


def test_a_hole_is_asked_for_until_the_latest_trades_have_filled_it() -> None:
    memory = heard(10, 14)
    assert memory.trades_wanted
    memory.on_trades(latest(9, 10, 11, 12, 13, 14))
    assert (memory.flow.holes, memory.trades_wanted) == ((), False)


def test_what_nobody_knows_any_more_is_asked_for_once_and_what_is_missed_later_again() -> None:
    memory = heard(10, 14, 15)
    memory.on_trades(latest(12, 13, 14, 15))
    (hole,) = memory.flow.holes
    assert (hole.from_id, hole.to_id, memory.trades_wanted) == (11, 12, False)
    heard(18, memory=memory)
    assert memory.trades_wanted


def test_where_the_venue_counts_anew_lower_ids_are_asked_for() -> None:
    memory = heard(1_000)
    memory.on_trades(latest(999, 1_000))
    heard(3, 5, memory=memory, later_ns=10 * S)
    assert memory.flow.holes == (Hole(4, 4, TRADE.exchange_ns + 10 * S + 5),)
    assert memory.trades_wanted


@pytest.mark.parametrize("since_id", [-1, -(2**63)])
def test_a_list_that_is_whole_since_before_the_first_id_fills_every_hole(since_id: int) -> None:
    memory = heard(10, 14)
    memory.on_trades(latest(since_id, 10, 14))
    assert (memory.flow.holes, memory.trades_wanted) == ((), False)


def test_the_mind_asks_for_what_the_memory_wants() -> None:
    mind = Mind(SETTINGS, prefix="i")
    wanted = [topology.history(frame, mind.instrument) for frame in SETTINGS.brain.frames]
    assert mind.wanted() == wanted
    heard(10, 14, memory=mind.memory)
    assert mind.wanted() == [*wanted, topology.trades(mind.instrument)]


def test_a_tick_from_the_far_future_moves_no_window() -> None:
    mind = Mind(SETTINGS, prefix="i")
    fields = {name: value for name, value in msgspec.structs.asdict(TICK).items() if name not in NOT_SENT}

    def tick(ahead_s: int) -> memoryview:
        return codec.TickEncoder(mind.instrument).encode(**fields | {"exchange_ns": TICK.received_ns + ahead_s * S})

    heard(10, memory=mind.memory)
    for ahead_s in (61, 1):
        mind.on_tick(tick(ahead_s))
        assert mind.memory.tick is not None
        assert mind.memory.flow.scores(mind.memory.tick).pressure == 1.0
