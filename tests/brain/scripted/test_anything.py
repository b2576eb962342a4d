"""Whatever is said, in whatever order: the mind goes on, every decision says why, and another mind decides the same."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf, nan
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.turns import ACKED, LOST
from schemas import codec
from schemas.messages import FRAME_NS, RejectCode, Side, Telemetry, TelemetryKind, TradingState
from schemas.settings import Settings
from tests.brain.scripted.market import BID, Market, settings_of
from tests.brain.scripted.replay import bytes_of, replayed

Step = Callable[[Market], None]
NUMBERS = st.sampled_from([nan, inf, -inf, 0.0, -1.0, 5e-324, 1.0, BID, 1e308]) | st.floats()
TIMES = st.sampled_from([-(2**63), -1, 0, 1, 2**62, 2**63 - 1]) | st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(-3, 3)
SIZES = st.lists(NUMBERS, max_size=6)
MONEY = st.sampled_from(["0", "-1", "1E+40", "1E-40", "1E+999999", "-1E+999999", "1E-999999", "100000"]).map(Decimal)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def pairs(sizes: list[float], price: float) -> tuple[list[float], list[float]]:
    return [price - k for k in range(len(sizes))], sizes


@st.composite
def ticks(draw: st.DrawFn) -> Step:
    changes = draw(some(exchange_ns=TIMES, book_valid=st.booleans(), last_price=NUMBERS))
    for side in ("bid", "ask"):
        if draw(st.booleans()):
            changes[f"{side}_prices"], changes[f"{side}_sizes"] = pairs(draw(SIZES), draw(NUMBERS))
    return lambda market: market.tick(**changes)


@st.composite
def trades(draw: st.DrawFn) -> Step:
    changes = draw(
        some(
            price=NUMBERS, exchange_ns=TIMES, trade_id=TIMES, count=st.sampled_from([0, 1, 3, 2**31 - 1, -1]),
        )
    )  # fmt: skip
    side, size = draw(st.sampled_from(list(Side))), draw(NUMBERS)
    return lambda market: market.trade(side, size, **changes)


@st.composite
def fillings(draw: st.DrawFn) -> Step:
    ids, since_id, size = draw(st.lists(TIMES | NEAR, max_size=5)), draw(TIMES | NEAR), draw(NUMBERS)
    return lambda market: market.trades(ids, since_id=since_id, size=size)


@st.composite
def candles(draw: st.DrawFn) -> Step:
    frame, bars, confirmed = draw(st.sampled_from(["5m", "15m"])), draw(NEAR), draw(st.booleans())
    changes = draw(some(open=NUMBERS, high=NUMBERS, low=NUMBERS, close=NUMBERS, volume=NUMBERS, open_ns=TIMES))

    def step(market: Market) -> None:
        length = FRAME_NS[frame]
        open_ns = market.venue_ns - market.venue_ns % length + bars * length
        row = market.bar(frame, open_ns, confirmed=confirmed)
        market.candle(msgspec.structs.replace(row, **changes))

    return step


@st.composite
def histories(draw: st.DrawFn) -> Step:
    frame, count, at = draw(st.sampled_from(["5m", "15m"])), draw(st.sampled_from([0, 1, 30])), draw(NEAR)
    changes, gone = draw(some(open=NUMBERS, low=NUMBERS, close=NUMBERS, open_ns=TIMES)), draw(st.booleans())

    def step(market: Market) -> None:
        bars = market.bars(frame, count)
        if bars and changes:
            bars[at % count] = msgspec.structs.replace(bars[at % count], **changes)
        if bars and gone:
            del bars[at % count]
        market.history(frame, bars)

    return step


@st.composite
def states(draw: st.DrawFn) -> Step:
    name = draw(st.sampled_from(["engine", "orders", "positions", "account"]))
    fields = {
        "engine": some(
            max_order_contracts=st.none() | MONEY, lot=st.none() | MONEY, minimum=st.none() | MONEY,
            contract_value=st.none() | MONEY, state=st.sampled_from(list(TradingState)), authority_pct=NUMBERS,
        ),
        "orders": st.just({}),
        "positions": some(contracts=MONEY, unrealised=st.none() | MONEY),
        "account": some(equity=st.none() | MONEY, realised=MONEY, fees=MONEY),
    }[name]  # fmt: skip
    changes = draw(fields)

    def step(market: Market) -> None:
        before = market.engine, market.positions, market.equity, market.realised, market.fees
        if name == "engine":
            market.terms(**changes)
        elif name == "positions" and changes:
            market.hold(Decimal(1))
            market.positions = (msgspec.structs.replace(market.positions[0], **changes),)
        elif name == "account":
            for field, value in changes.items():
                setattr(market, field, value)
        market.states(name)
        market.engine, market.positions, market.equity, market.realised, market.fees = before

    return step


@st.composite
def bytes_of_anybody(draw: st.DrawFn) -> Step:
    """Noise, a message on another topic, a message with a byte that is another, or one cut short."""
    place, byte, cut = draw(st.integers(0, 10**6)), draw(st.integers(0, 255)), draw(st.booleans())
    noise = draw(st.none() | st.binary(max_size=300))

    def step(market: Market) -> None:
        topics = list(market.mind.handlers)
        heard = [said for said in market.log if said[0] == "message"]
        if noise is not None or not heard:
            market.hear(topics[place % len(topics)], noise or b"")
            return
        _, topic, payload = heard[-1 - place % min(20, len(heard))]
        if byte < 40:
            market.hear(topics[byte % len(topics)], payload)
        elif cut:
            market.hear(topic, payload[: place % (len(payload) + 1)])
        else:
            at = place % max(1, len(payload))
            market.hear(topic, payload[:at] + bytes([byte]) + payload[at + 1 :])

    return step


def answers(code: str) -> Step:
    def step(market: Market) -> None:
        if market.order is not None:
            market.answer(code)
            market.order = None

    return step


def time_goes_on(seconds: float) -> Step:
    return lambda market: market.wait(seconds)


def wall_jumps(hours: float) -> Step:
    def step(market: Market) -> None:
        market.wall_ns += int(hours * 3_600) * 10**9

    return step


STEPS = st.lists(
    st.one_of(
        ticks(), trades(), fillings(), candles(), histories(), states(), bytes_of_anybody(),
        st.sampled_from([ACKED, LOST, *(code.value for code in RejectCode)]).map(answers),
        st.sampled_from([0.0, 1e-9, 0.2, 5.0, 400.0, 90_000.0]).map(time_goes_on),
        st.sampled_from([-30, -1, 1, 30]).map(wall_jumps),
        st.just(Market.speak),
    ),
    max_size=25,
)  # fmt: skip
SETTINGS = [
    Settings(),
    settings_of(
        order_flow={"book_weighting": "distance", "flow_window": "volume", "flow_window_contracts": 5.0},
        filters={
            "structure": True, "premium_discount": True, "order_block_pct": 50.0, "room_pct": 0.001,
            "sessions": ["asia", "london", "new_york"], "divergence": True,
        },
        sizing={"size_by": "stop", "max_trades_per_day": 9, "cooldown_s": 0, "reject_pause_ms": 0},
    ),
]  # fmt: skip


def explains_itself(decision: Any) -> None:
    assert (decision.why_not == "") == (decision.contracts is not None)
    assert (decision.why_not == "") == (decision.why_not_text == "")
    if decision.contracts is not None:
        assert decision.contracts > 0
        assert decision.direction in {-1, 1}
        assert decision.intent_id
    assert codec.decode_decision(codec.encode_decision(decision)) == decision
    sent = Telemetry(
        process="brain", pid=1, kind=TelemetryKind.DECISION, sequence=1, timestamp_ns=1, mono_ns=1,
        data=msgspec.to_builtins(decision),
    )  # fmt: skip
    assert codec.read_telemetry(codec.decode_telemetry(codec.encode_telemetry(sent))) == decision


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SETTINGS) - 1), st.booleans(), STEPS)
def test_whatever_is_said_every_decision_explains_itself_and_another_mind_decides_the_same(
    which: int, begun: bool, steps: list[Step]
) -> None:
    chosen = SETTINGS[which]
    market = Market(chosen)
    if begun:
        market.step()
    for step in steps:
        step(market)
        market.turn()
    for decision in market.decisions:
        explains_itself(decision)
    again = replayed(market.log, chosen)
    assert [bytes_of(each) for each in again] == [bytes_of(each) for each in market.decisions]
