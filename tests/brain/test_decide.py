"""The main path and layer 4: every reason is reached, and the same inputs give the same decision."""

from __future__ import annotations

from decimal import Decimal
from math import nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.algorithms.model.state import ModelView
from brain.brain import intent_prefix
from brain.decide import Rules, Thought, think
from brain.explain import explain
from brain.memory import Memory
from brain.reasons import Reason, WhyNot
from brain.sizing.day import DayBook
from brain.sizing.pace import Pace
from brain.sizing.size import SizeLimits, Sizer, SizeRule, enough, measure
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
    Trade,
    TradingState,
    UnknownLayer,
)
from schemas.settings import Settings

S = 1_000_000_000
NOW = 100 * S
SETTINGS = Settings()
RULES = Rules.of(SETTINGS)
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


ACCOUNT = AccountState(
    timestamp_ns=NOW, currency="USDT", equity=Decimal(100_000), available=None, realised_today=Decimal(0),
    fees_today=Decimal(0),
)  # fmt: skip
TRADE = Trade(
    instrument="X", sequence=1, exchange_ns=NOW, received_ns=NOW, price=64_000.1, size=5.0, trade_id=1, side=Side.BUY,
    count=1,
)  # fmt: skip

DUE = 40 * FRAME_NS["5m"]
"""When the bar after the newest of `bullish` begins."""
LATE = msgspec.structs.replace(TICK, exchange_ns=DUE + 61 * S, received_ns=DUE + 61 * S)
AHEAD = msgspec.structs.replace(TICK, exchange_ns=NOW + 61 * S)


def longer(frame: str, closes: list[float]) -> CandleHistory:
    """One that reaches further back than `history`: it takes its place."""
    found, length = history(frame, closes), FRAME_NS[frame]
    moved = tuple(msgspec.structs.replace(each, open_ns=each.open_ns + length) for each in found.candles)
    return msgspec.structs.replace(found, candles=moved)


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


def bullish(*, read: bool = True, bars: int = 40) -> Memory:
    """Everything speaks for a long entry. `read`: layer 1 has read its candles; a trend needs 25 `bars`."""
    memory = Memory.of(SETTINGS)
    for frame in SETTINGS.brain.frames:
        memory.on_history(history(frame, [100.0 + number / 10 for number in range(bars)]))
    if read:
        memory.catch_up()
    memory.on_trade(TRADE)
    memory.on_tick(TICK)
    heard = memory.heard
    heard.engine, heard.engine_ns = ENGINE, NOW
    heard.orders, heard.orders_ns = OrdersState(timestamp_ns=1, working=(), recent=()), NOW
    heard.positions, heard.positions_ns = PositionsState(timestamp_ns=1, positions=()), NOW
    heard.account_ns = NOW
    heard.account = ACCOUNT
    return memory


def decided(memory: Memory, pace: Pace | None = None, tick: MarketTick = TICK, **changes: Any) -> Decision:
    plain: dict[str, Any] = {"mono_ns": NOW, "reachable": True}
    size, rules = Sizer(SETTINGS.sizing), changes.pop("rules", RULES)
    thought = think(memory, pace or Pace(SETTINGS.sizing), size, rules, tick=tick, **{**plain, **changes})
    return explained(thought, tick)


def explained(thought: Thought, tick: MarketTick = TICK, **changes: Any) -> Decision:
    plain: dict[str, Any] = {"features": {}, "size": Sizer(SETTINGS.sizing), "settings": SETTINGS}
    return explain(thought, tick=tick, sequence=1, mono_ns=NOW, wall_ns=5, **{**plain, **changes})


def test_three_votes_for_up_in_both_frames_make_a_long_entry_of_half_a_percent() -> None:
    decision = decided(bullish())
    assert (decision.why_not, decision.direction, decision.price) == ("", 1, 64_000.1)
    assert decision.contracts == Decimal("0.78")  # 0.5 % of 100,000 over 64,000.1 x 0.01, on the lot
    for frame in decision.frames:
        assert (frame.trend_vote, frame.book_vote, frame.flow_vote, frame.direction) == (1, 1, 1, 1)
        assert (frame.book_imbalance, frame.trade_pressure) == (0.9, 1.0)


def test_every_decision_says_what_it_was_made_of() -> None:
    memory, pace = bullish(), Pace(SETTINGS.sizing)
    thought = think(memory, pace, Sizer(SETTINGS.sizing), RULES, tick=TICK, mono_ns=NOW, reachable=False)
    features = {"5m.trend_pct": 2.5, "15m.structure": nan}
    decision = explained(thought, features=features, unknown=(("order_flow.cvd", "no trade"),), intent_id="i1")
    assert set(decision.features) - set(explained(thought, features=features).features) == {
        "set.trend_threshold_pct", "set.book_threshold", "set.flow_threshold", "set.votes_needed", "size.risk_pct",
    }, "an order can be reckoned again"  # fmt: skip
    assert decision.why_not == "ENGINE_UNREACHABLE"
    assert decision.features == {
        "5m.trend_pct": 2.5,
        "tick.bid": 64_000.0, "tick.bid_size": 9.0, "tick.ask": 64_000.1, "tick.ask_size": 1.0, "tick.last": 64_000.0,
        "size.pace_authority_pct": 100.0, "size.equity_usdt": 100_000.0, "size.contract_value": 0.01, "size.lot": 0.01,
        "size.minimum": 0.01, "size.largest": 15.62, "size.engine_authority_pct": 100.0,
        "size.risk_pct": SETTINGS.sizing.risk_pct_per_trade,
        "set.trend_threshold_pct": SETTINGS.brain.trend_threshold_pct,
        "set.book_threshold": SETTINGS.brain.book_threshold, "set.flow_threshold": SETTINGS.brain.flow_threshold,
        "set.votes_needed": SETTINGS.brain.votes_needed,
    }  # fmt: skip
    assert [(step.name, step.value) for step in decision.size][-2:] == [
        ("lot_contracts", Decimal("0.78")), ("minimum_contracts", Decimal("0.01")),
    ]  # fmt: skip
    assert decision.unknown == (UnknownLayer(part="order_flow.cvd", reason="no trade"),)
    assert (decision.intent_id, decision.mono_ns, decision.timestamp_ns) == ("i1", NOW, 5)


def test_a_size_that_nobody_can_know_has_no_steps() -> None:
    assert decided(without(bullish(), account=None, account_ns=0)).size == ()


def test_the_same_inputs_give_the_same_decision() -> None:
    assert decided(bullish()) == decided(bullish())


def rejected(code: RejectCode) -> Pace:
    pace = Pace(SETTINGS.sizing)
    pace.sent(NOW)
    pace.rejected(code, NOW)
    return pace


def after_a_day_of(*, trades: int = 0, loss: str = "0", **changes: Any) -> Pace:
    """So many trades, each with this result in USDT."""
    sizing = SETTINGS.sizing.model_copy(update=changes)
    day = DayBook(sizing, day_starts_utc_hour=0, owner="sim X")
    flat = PositionsState(timestamp_ns=NOW, positions=())
    day.on_account(ACCOUNT)
    day.on_positions(flat, NOW)
    for number in range(1, trades + 1):
        day.sending()
        day.entered()
        day.on_positions(PositionsState(timestamp_ns=NOW, positions=(POSITION,)), NOW)
        day.on_positions(flat, NOW)
        result = Decimal(loss) * number
        day.on_account(msgspec.structs.replace(ACCOUNT, realised_today=result, equity=100_000 + result))
    if not trades:
        day.on_account(msgspec.structs.replace(ACCOUNT, realised_today=Decimal(loss), equity=100_000 + Decimal(loss)))
    return Pace(sizing, day)


def rules(**changes: Any) -> Rules:
    return Rules.of(Settings.model_validate({"filters": changes}))


def with_trades_missing() -> Memory:
    memory = bullish()
    memory.on_trade(msgspec.structs.replace(TRADE, trade_id=9))
    return memory


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
    memory.flow.advance(NOW + 60 * S)
    for frame in SETTINGS.brain.frames:
        memory.on_history(longer(frame, [100.0] * 50))
    memory.catch_up()
    return memory


def disagreeing() -> Memory:
    memory = bullish()
    memory.flow.advance(NOW + 60 * S)
    memory.on_history(longer("15m", [100.0] * 50))
    memory.catch_up()
    return memory


HALTED = msgspec.structs.replace(
    ENGINE, state=TradingState.HALTED,
    causes=(Cause(name="operator_halt", since_ns=1, detail="", forces=TradingState.HALTED),),
)  # fmt: skip
CASES: list[tuple[Reason, Memory, Pace | None, dict[str, Any], str]] = [
    (Reason.BOOK_INVALID, bullish(), None, {"tick": msgspec.structs.replace(TICK, book_valid=False)}, "trust"),
    (Reason.BOOK_INVALID, bullish(), None, {"tick": msgspec.structs.replace(TICK, ask_price=float("nan"))}, "ask nan"),
    (Reason.WARMING_UP, Memory.of(SETTINGS), None, {}, "5m: no history yet"),
    (Reason.WARMING_UP, bullish(read=False), None, {}, "5m: 40 candles are still to be read"),
    (Reason.LAYER_UNKNOWN, bullish(), None, {"tick": msgspec.structs.replace(TICK, bid_sizes=())}, "no bids"),
    (Reason.LAYER_UNKNOWN, bullish(), None, {"tick": msgspec.structs.replace(TICK, ask_sizes=(nan,))}, "nan"),
    (Reason.LAYER_UNKNOWN, bullish(), None, {"tick": AHEAD}, "order flow: the venue's time is 61 s ahead of ours"),
    (Reason.LAYER_UNKNOWN, bullish(), None, {"tick": LATE}, "5m: a candle is overdue since 1 s"),
    (Reason.LAYER_UNKNOWN, with_trades_missing(), None, {}, "order flow: trades 2 to 8 are missing"),
    (Reason.WARMING_UP, hole(), None, {}, "15m: a candle is missing"),
    (Reason.WARMING_UP, bullish(bars=24), None, {}, "5m: the trend over 24 candles is not known, 24 are held"),
    (Reason.STATE_UNKNOWN, without(bullish(), account_ns=0), None, {}, "state.account not heard yet"),
    (Reason.STATE_UNKNOWN, bullish(), None, {"mono_ns": NOW + 4 * S}, "state.engine is 4.0 s old"),
    (Reason.STATE_UNKNOWN, bullish(), None, {"mono_ns": NOW + 2 * S}, "the newest tick is 2.0 s old"),
    (Reason.STATE_UNKNOWN, without(bullish(), positions_ns=NOW - 1), after("ack"), {}, "since the last entry"),
    (Reason.NO_DIRECTION, sideways(), None, {}, "too few"),
    (Reason.FRAMES_DISAGREE, disagreeing(), None, {}, "5m +1, 15m +0"),
    (Reason.MODEL_DISAGREES, bullish(), None, {"model": ModelView(-0.5, -1, "m")}, "m says -0.500, the rules +1"),
    (Reason.FILTERED, bullish(), None, {"rules": rules(sessions=["london"])}, "sessions: open: asia; needed: london"),
    (Reason.DAILY_LOSS, bullish(), after_a_day_of(loss="-4_000"), {}, "4"),
    (Reason.TRADES_A_DAY, bullish(), after_a_day_of(trades=2, max_trades_per_day=2), {}, "2"),
    (Reason.LOSSES_IN_A_ROW, bullish(), after_a_day_of(trades=3, loss="-1"), {}, "3"),
    (Reason.LOSS_COOLDOWN, bullish(), after_a_day_of(trades=1, loss="-1"), {}, "s left"),
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


def by_notional(limits: SizeLimits, price: float, rule: SizeRule) -> Decimal | WhyNot:
    return enough(measure(limits, price, rule), limits)


@given(st.floats(1, 1e6), st.floats(0.01, 100), st.decimals("1", "1000000", places=2))
def test_the_size_is_on_the_lot_and_never_above_the_notional(price: float, risk_pct: float, equity: Decimal) -> None:
    limits = SizeLimits(
        equity=equity, contract_value=Decimal("0.01"), lot=Decimal("0.01"), minimum=Decimal("0.01"), largest=Decimal(9)
    )
    contracts = by_notional(limits, price, SizeRule(Decimal(str(risk_pct)), fixed_notional=Decimal(1)))
    notional = equity * Decimal(str(risk_pct)) / 100
    if isinstance(contracts, WhyNot):
        assert contracts.reason is Reason.UNDER_MINIMUM
        assert notional < Decimal(str(price)) * Decimal("0.0001") * Decimal("1.000001")
        return
    assert contracts % limits.lot == 0
    assert limits.minimum <= contracts <= 9
    assert contracts * Decimal(str(price)) * limits.contract_value <= notional


def test_zero_risk_means_the_fixed_notional() -> None:
    sized = by_notional(LIMITS, 50_000.0, SizeRule(Decimal(0), fixed_notional=Decimal(1_000)))
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
    assert size(smaller, poorer, 32_000.0, half) == Decimal("0.09")  # 0.0995: the engine's word is a little old


def test_a_violation_halves_the_size_and_an_ack_gives_it_back() -> None:
    pace = rejected(RejectCode.RISK_VIOLATION)
    assert pace.authority == Decimal("0.5")
    later = NOW + 6 * S
    memory = without(bullish(), engine_ns=later, orders_ns=later, positions_ns=later, account_ns=later)
    tick = msgspec.structs.replace(TICK, received_mono_ns=later)
    assert decided(memory, pace, tick, mono_ns=later).contracts == Decimal("0.39")
    pace.acked(later)
    assert pace.authority == 1


def test_layer_1_reads_a_long_history_in_pieces_and_says_so_meanwhile() -> None:
    memory = Memory.of(SETTINGS)
    for frame in SETTINGS.brain.frames:
        memory.on_history(history(frame, [100.0 + number for number in range(100)]))
    assert (memory.behind, memory.scores.hole) == (True, "5m: 100 candles are still to be read")
    memory.catch_up(60)
    assert (memory.behind, memory.scores.hole) == (True, "5m: 40 candles are still to be read")
    memory.catch_up(60)
    assert (memory.behind, memory.scores.hole) == (False, "")
    assert [view.bars for view in memory.scores.views] == [100, 100]
    memory.on_candle(candle("5m", 100 * FRAME_NS["5m"], 201.0))
    assert memory.behind
    memory.catch_up()
    assert [view.bars for view in memory.scores.views] == [101, 100]
    assert memory.scores.trends[0] == pytest.approx((201 / 176 - 1) * 100)


def test_the_trend_is_that_of_the_bar_which_forms_and_layer_1_knows_confirmed_ones_only() -> None:
    memory = bullish()
    memory.on_candle(candle("5m", 40 * FRAME_NS["5m"], 110.0, confirmed=False))
    assert not memory.behind
    assert memory.scores.trends[0] == pytest.approx((110.0 / 101.6 - 1) * 100)
    assert memory.scores.views[0].bars == 40


@given(st.integers(1, 2**62), st.integers(1, 2**62))
def test_an_intent_is_letters_and_digits_and_two_runs_never_share_one(first: int, second: int) -> None:
    assert intent_prefix(first).isalnum()
    assert len(intent_prefix(first)) <= 20
    assert (intent_prefix(first) == intent_prefix(second)) == (first // 1_000 == second // 1_000)
