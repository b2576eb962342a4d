"""The main path and layer 4: every reason is reached, and the same inputs give the same decision."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.brain import intent_prefix
from brain.decide import explain, think
from brain.memory import FrameMemory, Memory
from brain.reasons import Reason, WhyNot
from brain.sizing.pace import Pace
from brain.sizing.size import SizeLimits, Sizer, contracts_for
from schemas.messages import (
    FRAME_NS,
    AccountState,
    Candle,
    CandleHistory,
    Cause,
    Decision,
    EngineState,
    MarketTick,
    OrdersState,
    OrderView,
    PositionsState,
    PositionView,
    RejectCode,
    Side,
    TradingState,
)
from schemas.settings import Settings

S = 1_000_000_000
NOW = 100 * S
SETTINGS = Settings()
TICK = MarketTick(
    instrument="X", sequence=7, exchange_ns=NOW, received_ns=NOW, published_ns=NOW, received_mono_ns=NOW,
    book_sequence=1, book_valid=True, bid_price=64_000.0, bid_size=9.0, ask_price=64_000.1, ask_size=1.0,
    last_price=64_000.0, last_size=1.0, last_side=Side.BUY, last_id=1, bid_prices=(64_000.0,), bid_sizes=(9.0,),
    ask_prices=(64_000.1,), ask_sizes=(1.0,),
)  # fmt: skip
ENGINE = EngineState(
    timestamp_ns=1, state=TradingState.ACTIVE, causes=(), venue="sim", instrument="X", halt_id=None,
    authority_pct=100.0, brain_age_ms=1.0, ops_age_ms=1.0, feed_age_ms=1.0, last_tick_sequence=7,
    max_order_contracts=Decimal("15.62"),
    lot=Decimal("0.01"), minimum=Decimal("0.01"), contract_value=Decimal("0.01"), counters={},
)  # fmt: skip
POSITION = PositionView(
    instrument="X", contracts=Decimal(1), average_price=None, mark_price=None, unrealised=None, liquidation_price=None,
    tp_price=None, sl_price=None, leverage=None, margin=None, updated_ns=1,
)  # fmt: skip
WORKING = OrderView(
    client_order_id="c", venue_order_id="v", intent_id="i", instrument="X", side="buy", contracts=Decimal(1),
    filled_contracts=Decimal(0), average_price=None, state="live", reduce_only=False, tp_price=None, sl_price=None,
    limit_price=Decimal(1), kind="entry", fee=Decimal(0), updated_ns=1,
)  # fmt: skip


def history(frame: str, closes: list[float]) -> CandleHistory:
    length = FRAME_NS[frame]
    return CandleHistory(
        instrument="X", frame=frame, sequence=1, received_ns=1,
        candles=tuple(candle(frame, number * length, close) for number, close in enumerate(closes)),
    )  # fmt: skip


def candle(frame: str, open_ns: int, close: float, *, confirmed: bool = True) -> Candle:
    return Candle(
        instrument="X", frame=frame, sequence=1, open_ns=open_ns, received_ns=1, open=close, high=close, low=close,
        close=close, volume=1.0, confirmed=confirmed,
    )  # fmt: skip


def bullish() -> Memory:
    """Everything speaks for a long entry."""
    memory = Memory.of(SETTINGS.brain)
    for frame in SETTINGS.brain.frames:
        memory.on_history(history(frame, [100.0 + number / 10 for number in range(40)]))
    memory.trades.add(NOW, 5.0, bought=True)
    memory.on_tick(TICK)
    heard = memory.heard
    heard.engine, heard.engine_ns = ENGINE, NOW
    heard.orders, heard.orders_ns = OrdersState(timestamp_ns=1, working=(), recent=()), NOW
    heard.positions, heard.positions_ns = PositionsState(timestamp_ns=1, positions=()), NOW
    heard.account_ns = NOW
    heard.account = AccountState(
        timestamp_ns=1, currency="USDT", equity=Decimal(100_000), available=None, realised_today=None, fees_today=None
    )
    return memory


def decided(memory: Memory, pace: Pace | None = None, tick: MarketTick = TICK, **changes: Any) -> Decision:
    plain: dict[str, Any] = {"mono_ns": NOW, "reachable": True}
    size = Sizer(SETTINGS.sizing)
    thought = think(memory, pace or Pace(SETTINGS.sizing), size, SETTINGS.brain, tick=tick, **{**plain, **changes})
    return explain(thought, tick=tick, sequence=1, mono_ns=NOW, wall_ns=5)


def test_three_votes_for_up_in_both_frames_make_a_long_entry_of_half_a_percent() -> None:
    decision = decided(bullish())
    assert (decision.why_not, decision.direction, decision.price) == ("", 1, 64_000.1)
    assert decision.contracts == Decimal("0.78")  # 0.5 % of 100,000 over 64,000.1 x 0.01, on the lot
    for frame in decision.frames:
        assert (frame.trend_vote, frame.book_vote, frame.flow_vote, frame.direction) == (1, 1, 1, 1)
        assert (frame.book_imbalance, frame.trade_pressure) == (0.9, 1.0)


def test_the_decision_of_an_order_says_what_its_size_was_made_of() -> None:
    memory, pace = bullish(), Pace(SETTINGS.sizing)
    thought = think(memory, pace, Sizer(SETTINGS.sizing), SETTINGS.brain, tick=TICK, mono_ns=NOW, reachable=True)
    assert explain(thought, tick=TICK, sequence=1, mono_ns=NOW, wall_ns=5, settings=SETTINGS).features == {}
    decision = explain(thought, tick=TICK, sequence=1, mono_ns=NOW, wall_ns=5, intent_id="i1", settings=SETTINGS)
    assert decision.features == {
        "tick.bid": 64_000.0, "tick.bid_size": 9.0, "tick.ask": 64_000.1, "tick.ask_size": 1.0,
        "size.pace_authority_pct": 100.0, "size.equity_usdt": 100_000.0, "size.contract_value": 0.01, "size.lot": 0.01,
        "size.minimum": 0.01, "size.largest": 15.62, "size.engine_authority_pct": 100.0,
        "size.risk_pct": SETTINGS.sizing.risk_pct_per_trade,
        "set.trend_threshold_pct": SETTINGS.brain.trend_threshold_pct,
        "set.book_threshold": SETTINGS.brain.book_threshold, "set.flow_threshold": SETTINGS.brain.flow_threshold,
        "set.votes_needed": SETTINGS.brain.votes_needed,
    }  # fmt: skip


def test_the_same_inputs_give_the_same_decision() -> None:
    assert decided(bullish()) == decided(bullish())


def rejected(code: RejectCode) -> Pace:
    pace = Pace(SETTINGS.sizing)
    pace.sent(NOW)
    pace.rejected(code, NOW)
    return pace


def after(event: str) -> Pace:
    pace = Pace(SETTINGS.sizing)
    pace.sent(NOW)
    if event == "ack":
        pace.acked(NOW)
    elif event == "lost":
        pace.lost("i9")
    return pace


def without(memory: Memory, **heard: Any) -> Memory:
    for name, value in heard.items():
        setattr(memory.heard, name, value)
    return memory


def hole() -> Memory:
    memory = bullish()
    memory.on_candle(candle("15m", 99 * FRAME_NS["15m"], 1.0))
    return memory


def sideways() -> Memory:
    memory = bullish()
    memory.trades.advance(NOW + 60 * S)
    for frame in SETTINGS.brain.frames:
        memory.on_history(history(frame, [100.0] * 40))
    return memory


def disagreeing() -> Memory:
    memory = bullish()
    memory.trades.advance(NOW + 60 * S)
    memory.on_history(history("15m", [100.0] * 40))
    return memory


HALTED = msgspec.structs.replace(
    ENGINE, state=TradingState.HALTED,
    causes=(Cause(name="operator_halt", since_ns=1, detail="", forces=TradingState.HALTED),),
)  # fmt: skip
CASES: list[tuple[Reason, Memory, Pace | None, dict[str, Any], str]] = [
    (Reason.BOOK_INVALID, bullish(), None, {"tick": msgspec.structs.replace(TICK, book_valid=False)}, "trust"),
    (Reason.BOOK_INVALID, bullish(), None, {"tick": msgspec.structs.replace(TICK, ask_price=float("nan"))}, "trust"),
    (Reason.WARMING_UP, Memory.of(SETTINGS.brain), None, {}, "5m: no history yet"),
    (Reason.WARMING_UP, hole(), None, {}, "15m: a candle is missing"),
    (Reason.STATE_UNKNOWN, without(bullish(), account_ns=0), None, {}, "state.account not heard yet"),
    (Reason.STATE_UNKNOWN, bullish(), None, {"mono_ns": NOW + 4 * S}, "state.engine is 4.0 s old"),
    (Reason.STATE_UNKNOWN, without(bullish(), positions_ns=NOW - 1), after("ack"), {}, "since the last entry"),
    (Reason.NO_DIRECTION, sideways(), None, {}, "too few"),
    (Reason.FRAMES_DISAGREE, disagreeing(), None, {}, "5m +1, 15m +0"),
    (Reason.ENGINE_NOT_ACTIVE, without(bullish(), engine=HALTED), None, {}, "HALTED: operator_halt"),
    (Reason.ENGINE_UNREACHABLE, bullish(), None, {"reachable": False}, "not connected"),
    (Reason.WAITING_FOR_REPLY, bullish(), after("sent"), {}, "for 0 ms"),
    (Reason.OUTCOME_UNKNOWN, bullish(), after("lost"), {}, "i9"),
    (Reason.COOLDOWN, bullish(), after("ack"), {}, "60 s left"),
    (Reason.REJECT_PAUSE, bullish(), rejected(RejectCode.TTL_EXPIRED), {}, "5 s left after TTL_EXPIRED"),
    (
        Reason.IN_POSITION,
        without(bullish(), positions=PositionsState(timestamp_ns=1, positions=(POSITION,))), None, {}, "1 contracts",
    ),
    (
        Reason.ORDER_WORKING,
        without(bullish(), orders=OrdersState(timestamp_ns=1, working=(WORKING,), recent=())), None, {}, "1 orders",
    ),
    (
        Reason.UNDER_MINIMUM,
        without(bullish(), engine=msgspec.structs.replace(ENGINE, minimum=Decimal(5))), None, {}, "the minimum is 5",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "memory", "pace", "changes", "text"), CASES, ids=[str(c[0]) for c in CASES])
def test_each_reason_for_not_trading_is_reached_and_the_scores_are_there_all_the_same(
    reason: Reason, memory: Memory, pace: Pace | None, changes: dict[str, Any], text: str
) -> None:
    decision = decided(memory, pace, **changes)
    assert (decision.why_not, decision.contracts) == (reason.value, None)
    assert text in decision.why_not_text
    assert [frame.frame for frame in decision.frames] == ["5m", "15m"]


def test_every_reason_has_a_case() -> None:
    assert {case[0] for case in CASES} | {Reason.PRIMARY_DISAGREES} == set(Reason)  # needs three frames: test_layers


LIMITS = SizeLimits(
    equity=Decimal(100_000), contract_value=Decimal("0.01"), lot=Decimal("0.01"), minimum=Decimal("0.01"), largest=None
)


@given(st.floats(1, 1e6), st.floats(0.01, 100), st.decimals("1", "1000000", places=2))
def test_the_size_is_on_the_lot_and_never_above_the_notional(price: float, risk_pct: float, equity: Decimal) -> None:
    limits = SizeLimits(
        equity=equity, contract_value=Decimal("0.01"), lot=Decimal("0.01"), minimum=Decimal("0.01"), largest=Decimal(9)
    )
    contracts = contracts_for(limits=limits, price=price, risk_pct=risk_pct, fixed_notional=Decimal(1))
    notional = equity * Decimal(str(risk_pct)) / 100
    if isinstance(contracts, WhyNot):
        assert contracts.reason is Reason.UNDER_MINIMUM
        assert notional < Decimal(str(price)) * Decimal("0.0001") * Decimal("1.000001")
        return
    assert contracts % limits.lot == 0
    assert limits.minimum <= contracts <= 9
    assert contracts * Decimal(str(price)) * limits.contract_value <= notional


def test_zero_risk_means_the_fixed_notional() -> None:
    sized = contracts_for(limits=LIMITS, price=50_000.0, risk_pct=0, fixed_notional=Decimal(1_000))
    assert sized == Decimal("2.00")


PRICES = st.sampled_from([50_000.0, 64_000.1, 64_000.2])
AUTHORITIES = st.sampled_from([Decimal(1), Decimal("0.5")])
EQUITIES = st.sampled_from([Decimal(100_000), Decimal(50_000), None])
LARGEST = st.sampled_from([None, Decimal("0.3"), Decimal(9)])


@given(st.lists(st.tuples(PRICES, AUTHORITIES, EQUITIES, LARGEST), min_size=2, max_size=12))
def test_a_kept_size_is_the_size_that_a_fresh_sizer_would_find(
    asked: list[tuple[float, Decimal, Decimal | None, Decimal | None]],
) -> None:
    kept, heard = Sizer(SETTINGS.sizing), bullish().heard
    assert heard.account is not None
    for price, authority, equity, largest in asked:
        engine = msgspec.structs.replace(ENGINE, max_order_contracts=largest)
        account = msgspec.structs.replace(heard.account, equity=equity)
        answers = [size(engine, account, price, authority) for size in (kept, kept, Sizer(SETTINGS.sizing))]
        assert answers[0] == answers[1] == answers[2]
        if equity is None:
            assert isinstance(answers[0], WhyNot)
            assert answers[0].reason is Reason.STATE_UNKNOWN


def test_only_what_changed_is_sized_anew() -> None:
    size, heard = Sizer(SETTINGS.sizing), bullish().heard
    assert heard.engine is not None
    assert heard.account is not None
    half = Decimal("0.5")
    before = size(heard.engine, heard.account, 64_000.1, Decimal(1))
    assert before == Decimal("0.78")
    assert size(heard.engine, heard.account, 64_000.1, half) == Decimal("0.39")
    assert size(heard.engine, heard.account, 32_000.0, half) == Decimal("0.78")
    poorer = msgspec.structs.replace(heard.account, equity=Decimal(50_000))
    assert size(heard.engine, poorer, 32_000.0, half) == Decimal("0.39")
    smaller = msgspec.structs.replace(heard.engine, max_order_contracts=Decimal("0.1"))
    assert size(smaller, poorer, 32_000.0, half) == Decimal("0.1")


def test_a_violation_halves_the_size_and_an_ack_gives_it_back() -> None:
    pace = rejected(RejectCode.RISK_VIOLATION)
    assert pace.authority == Decimal("0.5")
    later = NOW + 6 * S
    memory = bullish()
    assert decided(without(memory, engine_ns=later, orders_ns=later, positions_ns=later, account_ns=later), pace,
                   mono_ns=later).contracts == Decimal("0.39")  # fmt: skip
    pace.acked(later)
    assert pace.authority == 1


def test_a_live_row_follows_or_replaces_and_an_old_one_changes_nothing() -> None:
    length, memory = FRAME_NS["5m"], FrameMemory("5m", lookback=1, threshold_pct=1.0)
    memory.on_candle(candle("5m", 0, 1.0))
    assert (memory.closes, memory.hole) == ([], "no history yet")
    memory.on_history(history("5m", [1.0, 2.0]))
    memory.on_candle(candle("5m", 2 * length, 3.0, confirmed=False))
    memory.on_candle(candle("5m", 2 * length, 3.5, confirmed=False))
    memory.on_candle(candle("5m", 0, 9.0))
    assert (memory.closes, memory.hole) == ([1.0, 2.0, 3.5], "")
    memory.on_history(history("5m", [1.0, 2.0]))  # the same again: what forms is kept
    assert memory.closes == [1.0, 2.0, 3.5]
    memory.on_candle(candle("5m", 4 * length, 5.0))
    assert memory.hole == "a candle is missing"
    memory.on_history(history("5m", [1.0, 2.0, 3.5, 4.0, 5.0]))
    assert (memory.closes, memory.hole) == ([1.0, 2.0, 3.5, 4.0, 5.0], "")


@given(st.integers(1, 2**62), st.integers(1, 2**62))
def test_an_intent_is_letters_and_digits_and_two_runs_never_share_one(first: int, second: int) -> None:
    assert intent_prefix(first).isalnum()
    assert len(intent_prefix(first)) <= 20
    assert (intent_prefix(first) == intent_prefix(second)) == (first // 1_000 == second // 1_000)
