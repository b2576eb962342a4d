"""What a tick costs the brain, from its bytes to its decision, through all four layers, on a recorded market.

Warm: one after the other. Paced: a thousand a second, the processor idle between them, as a quiet market has it. Cold:
after a millisecond of other work. The floor is decoding the tick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from brain.mind import Mind
from schemas import codec, topology
from schemas.clock import NS_PER_S
from schemas.messages import (
    FRAME_NS,
    AccountState,
    Candle,
    CandleHistory,
    EngineState,
    MarketTick,
    OrdersState,
    PositionsState,
    Trade,
    TradingState,
)
from schemas.settings import Settings
from tests.bench.figures import NotMeasured, Pollution, Table, no_collector
from tests.support.recordings import recording
from tests.support.replayed import BTC_2024, INSTRUMENT, START_NS, market

TARGET_US: Final = 60.0
"""p50 of a decision."""
DECODE = "decode the tick"
_BARS = 4_032


class Message(msgspec.Struct, frozen=True):
    """One message of the market stream; `tick`: it is decided on."""

    topic: str
    payload: bytes
    tick: bool = False


def messages(count: int, paths: tuple[Path, ...]) -> Iterator[Message]:
    """The recorded market as the engine tells it, so many ticks of it: states each second, candles as they form."""
    encoder, told_ns, ticks = codec.TickEncoder(INSTRUMENT), 0, 0
    yield from _histories()
    for said in market(paths):
        if said.exchange_ns - told_ns >= NS_PER_S:
            told_ns = said.exchange_ns
            yield from _states(said)
        if isinstance(said, Trade):
            yield Message(topology.trade(INSTRUMENT), codec.encode_trade(said))
            yield from _forming(said)
            continue
        ticks += 1
        yield Message(topology.tick(INSTRUMENT), bytes(encode(encoder, said)), tick=True)
        if ticks == count:
            return


def encode(encoder: codec.TickEncoder, tick: MarketTick) -> memoryview:
    """As the engine sends it."""
    return encoder.encode(
        sequence=tick.sequence, exchange_ns=tick.exchange_ns, received_ns=tick.received_ns,
        published_ns=tick.published_ns, received_mono_ns=tick.received_mono_ns, book_sequence=tick.book_sequence,
        book_valid=tick.book_valid, bid_prices=tick.bid_prices, bid_sizes=tick.bid_sizes, ask_prices=tick.ask_prices,
        ask_sizes=tick.ask_sizes, last_price=tick.last_price, last_size=tick.last_size, last_side=tick.last_side,
        last_id=tick.last_id,
    )  # fmt: skip


def _histories() -> Iterator[Message]:
    """Two weeks of candles that rise slowly: the trend votes, and every signal of layer 1 has something to hold."""
    for frame in Settings().brain.frames:
        length = FRAME_NS[frame]
        first_ns = START_NS - _BARS * length
        rows = tuple(_bar(frame, first_ns + n * length, 60_000.0 + n + 40.0 * (n * n % 7), n) for n in range(_BARS))
        history = CandleHistory(instrument=INSTRUMENT, frame=frame, sequence=1, received_ns=1, candles=rows)
        yield Message(topology.history(frame, INSTRUMENT), codec.encode_history(history))


def _bar(frame: str, open_ns: int, close: float, n: int, *, confirmed: bool = True) -> Candle:
    return Candle(
        instrument=INSTRUMENT, frame=frame, sequence=1, open_ns=open_ns, received_ns=1, open=close - 5.0,
        high=close + 20.0 + n % 11, low=close - 20.0 - n % 13, close=close, volume=100.0, confirmed=confirmed,
    )  # fmt: skip


def _forming(trade: Trade) -> Iterator[Message]:
    for frame in Settings().brain.frames:
        open_ns = trade.exchange_ns // FRAME_NS[frame] * FRAME_NS[frame]
        row = _bar(frame, open_ns, trade.price, 0, confirmed=False)
        yield Message(topology.candle(frame, INSTRUMENT), codec.encode_candle(row))


def _states(said: MarketTick | Trade) -> Iterator[Message]:
    engine = EngineState(
        timestamp_ns=said.exchange_ns, state=TradingState.ACTIVE, causes=(), venue="sim", instrument=INSTRUMENT,
        halt_id=None, authority_pct=100.0, brain_age_ms=1.0, ops_age_ms=1.0, feed_age_ms=1.0, last_tick_sequence=1,
        max_order_contracts=Decimal("15.62"), lot=Decimal("0.01"), minimum=Decimal("0.01"),
        contract_value=Decimal("0.01"), counters={},
    )  # fmt: skip
    account = AccountState(
        timestamp_ns=said.exchange_ns, currency="USDT", equity=Decimal(100_000), available=Decimal(100_000),
        realised_today=Decimal(0), fees_today=Decimal(0),
    )  # fmt: skip
    orders = OrdersState(timestamp_ns=said.exchange_ns, working=(), recent=())
    positions = PositionsState(timestamp_ns=said.exchange_ns, positions=())
    yield Message(topology.STATE_ENGINE, codec.encode_engine_state(engine))
    yield Message(topology.STATE_ACCOUNT, codec.encode_account(account))
    yield Message(topology.STATE_ORDERS, codec.encode_orders(orders))
    yield Message(topology.STATE_POSITIONS, codec.encode_positions(positions))


def decide_cost(*, warm: int = 8_000, paced: int = 3_000, cold: int = 500) -> dict[str, Any]:
    """Measure and print it; so many ticks of each kind."""
    try:
        paths = tuple(recording(f"book-trade-streams/{name}") for name in BTC_2024)
    except pytest.skip.Exception as missing:
        raise NotMeasured(str(missing)) from None
    table = Table("a tick through all four layers, per tick")
    told = list(messages(warm, paths))
    pollute = Pollution()

    def pause() -> None:
        time.sleep(0.001)

    with no_collector():
        ticks = [message.payload for message in told if message.tick]
        decode = codec.TickDecoder(INSTRUMENT, levels=Settings().brain.book_levels).decode
        table.add(DECODE, [_took(lambda payload=payload: decode(memoryview(payload))) for payload in ticks])
        for name, count, before in (("warm", warm, None), ("paced", paced, pause), ("cold", cold, pollute)):
            remembered, decided, directions = _run(told, count, before)
            table.add(f"remember a tick, {name}", remembered, floor=DECODE)
            p50 = table.add(f"decide, {name}", decided, floor=DECODE)
            whole = [one + other for one, other in zip(remembered, decided, strict=True)]
            table.add(f"both, {name}", whole, floor=DECODE)
            if not directions and name == "warm":
                raise NotMeasured("no tick had a direction: the market was not what it should be")
            verdict = "met" if p50 <= TARGET_US else "MISSED"
            print(f"    decide p50 at most {TARGET_US:g} us: {verdict}; {directions} of {count} ticks had a direction")
    return table.kept


def _took(work: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def _run(told: list[Message], count: int, before: Callable[[], None] | None) -> tuple[list[float], list[float], int]:
    """Durations of remembering and of deciding, ns, and how many decisions had a direction."""
    mind = Mind(Settings(), prefix="i0n")
    remembered: list[float] = []
    decided: list[float] = []
    directions = 0
    tick_topic = topology.tick(INSTRUMENT)
    for message in told:
        handler = mind.handlers[message.topic]
        payload = memoryview(message.payload)
        if message.topic != tick_topic:
            handler(payload)
            while mind.memory.behind:
                mind.memory.catch_up()
            continue
        if before is not None:
            before()
        began = time.perf_counter_ns()
        handler(payload)
        between = time.perf_counter_ns()
        assert mind.memory.tick is not None
        thought = mind.turn(mind.memory.tick.received_mono_ns, reachable=True)
        decided.append(time.perf_counter_ns() - between)
        remembered.append(between - began)
        if thought is None:
            raise NotMeasured("a tick was not decided on")
        directions += thought.direction != 0 and not isnan(thought.price)
        if len(decided) == count:
            break
    return remembered, decided, directions
