"""A scripted market that speaks to a Mind as the engine does: real payloads on its handlers, and a clock of its own.

It plays engine and venue too: it answers orders, holds the position, and books what became of it. Everything that is
heard, each turn and each answer is kept in `log`, so that another Mind can be told the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from brain.mind import Mind
from brain.turns import ACKED, ANSWERED, ASKED, LOST, ModelNote
from schemas import codec, topology
from schemas.clock import NS_PER_S
from schemas.messages import (
    FRAME_NS,
    AccountState,
    Candle,
    Cause,
    Decision,
    EngineState,
    OrderRequest,
    OrdersState,
    OrderView,
    PositionsState,
    PositionView,
    RejectCode,
    Side,
    Trade,
    TradingState,
)
from schemas.settings import Settings
from tests.brain.scripted.replay import turn_of

NAME: Final = "BTC-USDT-SWAP"
DAY_NS: Final = 86_400 * NS_PER_S
BEGINS_NS: Final = 20_000 * DAY_NS + 3 * 3_600 * NS_PER_S + 100 * NS_PER_S
"""Venue and wall time of the first step: within a bar of every frame, at 03:01:40 UTC."""
BARS: Final = 300
BID, ASK = 64_000.0, 64_010.0
STATES: Final = frozenset({"engine", "orders", "positions", "account"})


def settings_of(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


class Market:
    """Everything speaks for a long entry, until a script changes one of the fields that do not begin with `_`.

    `trend_pct`: rise of a bar, percent, by frame. `taker`: who takes in each step, None: nobody trades.
    """

    def __init__(self, settings: Settings | None = None, *, side: int = 1, model: str = "") -> None:
        self.settings = settings or Settings()
        self.mind = Mind(self.settings, prefix="i", model=model)
        self.mono_ns, self.wall_ns, self.venue_ns = 1_000 * NS_PER_S, BEGINS_NS, BEGINS_NS
        self.frames = self.settings.brain.frames
        self.trend_pct = dict.fromkeys(self.frames, 0.1 * side)
        self.taker: Side | None = Side.BUY if side > 0 else Side.SELL
        self.bids, self.asks = ([9.0] * 5, [1.0] * 5) if side > 0 else ([1.0] * 5, [9.0] * 5)
        self.bid_price, self.ask_price = BID, ASK
        self.book_valid = self.reachable = self.link_takes = True
        self.silent: set[str] = set()
        """States, and frames whose candles, nobody hears."""
        self.engine = EngineState(
            timestamp_ns=0, state=TradingState.ACTIVE, causes=(), venue="sim", instrument=NAME, halt_id=None,
            authority_pct=100.0, brain_age_ms=1.0, ops_age_ms=1.0, feed_age_ms=1.0, last_tick_sequence=0,
            max_order_contracts=Decimal(100), lot=Decimal("0.001"), minimum=Decimal("0.01"),
            contract_value=Decimal("0.01"), counters={},
        )  # fmt: skip
        self.working: tuple[OrderView, ...] = ()
        self.positions: tuple[PositionView, ...] = ()
        self.equity: Decimal | None = Decimal(1_000_000)
        self.realised = self.fees = Decimal(0)
        self.order: OrderRequest | None = None
        self.trade_id = self.ticks = self.malformed = 0
        self.log: list[tuple[Any, ...]] = []
        self.decisions: list[Decision] = []
        self._confirmed_ns: dict[str, int] = {}

    # what it says

    def hear(self, topic: str, payload: bytes | memoryview) -> None:
        """The mind is given a payload; the one error that may come of it is counted, as the live brain does."""
        kept = bytes(payload)
        self.log.append(("message", topic, kept))
        try:
            self.mind.handlers[topic](memoryview(kept))
        except codec.Malformed:
            self.malformed += 1

    def bar(self, frame: str, open_ns: int, *, confirmed: bool = True) -> Candle:
        """The bar that the venue has for this time, by the trend of its frame."""
        rise = self.trend_pct[frame] / 100
        begins, ends = (BID * (1 + rise * ((open_ns - BEGINS_NS) / FRAME_NS[frame] + k)) for k in (0, 1))
        return Candle(
            instrument=NAME, frame=frame, sequence=1, open_ns=open_ns, received_ns=self.wall_ns, open=begins,
            high=max(begins, ends) + 5, low=min(begins, ends) - 5, close=ends, volume=10.0, confirmed=confirmed,
        )  # fmt: skip

    def bars(self, frame: str, count: int = BARS) -> list[Candle]:
        """Those that are confirmed now, the newest `count`."""
        length = FRAME_NS[frame]
        ends_ns = self.venue_ns - self.venue_ns % length
        return [self.bar(frame, open_ns) for open_ns in range(ends_ns - count * length, ends_ns, length)]

    def history(self, frame: str, candles: Iterable[Candle] | None = None) -> None:
        """The history of a frame."""
        rows = [codec.pack_candle_row(each) for each in (self.bars(frame) if candles is None else candles)]
        payload = codec.encode_packed_history(NAME, frame, rows, sequence=1, received_ns=self.wall_ns)
        self.hear(topology.history(frame, NAME), payload)
        self._confirmed_ns[frame] = self.venue_ns - self.venue_ns % FRAME_NS[frame]

    def candle(self, candle: Candle) -> None:
        """One live row."""
        self.hear(topology.candle(candle.frame, NAME), codec.encode_candle(candle))

    def candles(self, frame: str) -> None:
        """What the venue tells of a frame now: bars that ended since the last time, and the one that forms."""
        length = FRAME_NS[frame]
        now_ns = self.venue_ns - self.venue_ns % length
        for open_ns in range(self._confirmed_ns[frame], now_ns, length):
            self.candle(self.bar(frame, open_ns))
        self._confirmed_ns[frame] = now_ns
        self.candle(self.bar(frame, now_ns, confirmed=False))

    def trade(self, side: Side, size: float = 5.0, **changes: Any) -> None:
        """The next public trade."""
        self.trade_id += 1
        made = Trade(
            instrument=NAME, sequence=1, exchange_ns=self.venue_ns, received_ns=self.wall_ns, price=BID, size=size,
            trade_id=self.trade_id, side=side, count=1,
        )  # fmt: skip
        self.hear(topology.trade(NAME), codec.encode_trade(msgspec.structs.replace(made, **changes)))

    def trades(self, ids: Iterable[int], *, since_id: int, side: Side = Side.BUY, size: float = 5.0) -> None:
        """The trades with these ids, as the engine tells them on demand."""
        rows = [codec.pack_trade_row(self.venue_ns, BID, size, each, 1, side) for each in ids]
        payload = codec.encode_trade_history(NAME, rows, since_id=since_id, sequence=1, received_ns=self.wall_ns)
        self.hear(topology.trades(NAME), payload)

    def tick(self, **changes: Any) -> None:
        """The next tick."""
        self.ticks += 1
        made: dict[str, Any] = {
            "sequence": self.ticks, "exchange_ns": self.venue_ns, "received_ns": self.wall_ns,
            "published_ns": self.wall_ns, "received_mono_ns": self.mono_ns, "book_sequence": self.ticks,
            "book_valid": self.book_valid, "bid_sizes": self.bids, "ask_sizes": self.asks,
            "bid_prices": [self.bid_price - k for k in range(len(self.bids))],
            "ask_prices": [self.ask_price + k for k in range(len(self.asks))],
        }  # fmt: skip
        self.hear(topology.tick(NAME), codec.TickEncoder(NAME).encode(**made | changes))

    def states(self, *names: str) -> None:
        """The engine's word, whole."""
        wall_ns = self.wall_ns
        made = {
            "engine": lambda: codec.encode_engine_state(msgspec.structs.replace(self.engine, timestamp_ns=wall_ns)),
            "orders": lambda: codec.encode_orders(
                OrdersState(timestamp_ns=wall_ns, working=self.working, recent=())
            ),
            "positions": lambda: codec.encode_positions(
                PositionsState(timestamp_ns=wall_ns, positions=self.positions)
            ),
            "account": lambda: codec.encode_account(
                AccountState(
                    timestamp_ns=wall_ns, currency="USDT", equity=self.equity, available=self.equity,
                    realised_today=self.realised, fees_today=self.fees,
                )
            ),
        }  # fmt: skip
        for name in names:
            self.hear(f"state.{name}", made[name]())

    # time goes on

    def wait(self, seconds: float) -> None:
        """Nobody says anything meanwhile."""
        passed_ns = int(seconds * NS_PER_S)
        self.mono_ns, self.wall_ns, self.venue_ns = (
            each + passed_ns for each in (self.mono_ns, self.wall_ns, self.venue_ns)
        )

    def speak(self) -> None:
        """Everybody says what is true now."""
        self.states(*(name for name in ("engine", "orders", "positions", "account") if name not in self.silent))
        for frame in self.frames:
            if frame in self.silent:
                continue
            if frame not in self._confirmed_ns:
                self.history(frame)
            self.candles(frame)
        if self.taker is not None:
            self.trade(self.taker)
        self.tick()

    def step(self, seconds: float = 1.0) -> Decision:
        """Time goes on, everybody speaks, and the mind decides, until layer 1 has read all of its bars."""
        self.wait(seconds)
        self.speak()
        decision = self.turn()
        while self.mind.memory.behind:
            self.tick()
            decision = self.turn()
        assert decision is not None
        return decision

    def turn(self) -> Decision | None:
        """One turn, as the live brain takes it; its decision, whether it would have been told or not."""
        self.log.append(("turn", self.mono_ns, self.wall_ns, self.reachable, self.link_takes))
        decision, order = turn_of(self.mind, *self.log[-1][1:])
        self.order = order or self.order
        if decision is not None:
            self.decisions.append(decision)
        return decision

    # what the engine and the venue do

    def answer(self, code: str) -> None:
        """The last order is answered: ACKED, LOST or a reject code."""
        assert self.order is not None
        self.log.append(("outcome", self.order.intent_id, code, self.mono_ns))
        self.mind.on_outcome(self.order.intent_id, code, self.mono_ns)

    def ack(self) -> None:
        """It was taken, and all of it is held."""
        self.answer(ACKED)
        self.hold()

    def reject(self, code: RejectCode) -> None:
        """It was refused."""
        self.answer(code.value)

    def lose(self) -> None:
        """Nobody answers."""
        self.answer(LOST)

    def hold(self, contracts: Decimal | None = None) -> None:
        """The venue holds a position: that of the last order, or of so many contracts."""
        if contracts is None:
            assert self.order is not None
            contracts = self.order.contracts if self.order.side is Side.BUY else -self.order.contracts
        self.positions = (
            PositionView(
                instrument=NAME, contracts=contracts, average_price=Decimal(64_000), mark_price=Decimal(64_000),
                unrealised=Decimal(0), liquidation_price=None, tp_price=Decimal(64_384), sl_price=Decimal(63_744),
                leverage=Decimal(5), margin=Decimal(1_000), updated_ns=self.wall_ns,
            ),
        )  # fmt: skip

    def close(self, result: str) -> None:
        """TP or SL has closed the position, and the account follows: USDT, and a fee of 1 USDT."""
        assert self.equity is not None
        self.positions = ()
        self.realised, self.fees = self.realised + Decimal(result), self.fees - 1
        self.equity += Decimal(result) - 1

    def work(self) -> None:
        """An order works at the venue."""
        self.working = (
            OrderView(
                client_order_id="c", venue_order_id="v", intent_id="other", instrument=NAME, side="buy",
                contracts=Decimal(1), filled_contracts=Decimal(0), average_price=None, state="live",
                reduce_only=False, tp_price=None, sl_price=None, limit_price=Decimal(1), kind="entry", fee=Decimal(0),
                updated_ns=self.wall_ns,
            ),
        )  # fmt: skip

    def terms(self, **changes: Any) -> None:
        """What the engine says of the instrument and of its largest order."""
        self.engine = msgspec.structs.replace(self.engine, **changes)

    def says(self, state: TradingState, *causes: str) -> None:
        """The engine's trading state."""
        each = tuple(Cause(name=name, since_ns=1, detail="", forces=state) for name in causes)
        self.terms(state=state, causes=each)

    def scored(self, score: float) -> None:
        """The model was asked just now, and has answered."""
        number = sum(kind == "model" for kind, *_ in self.log) // 2 + 1
        for note in (
            ModelNote(ASKED, self.mono_ns),
            ModelNote(ANSWERED, self.mono_ns, number, self.mono_ns, score),
        ):
            self.log.append(("model", note))
            self.mind.on_model(note)
