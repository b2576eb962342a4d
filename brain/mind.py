"""What the brain knows and how it decides, without a clock or a socket: messages, turns and outcomes in, thoughts out.

The same in a live brain and in one that decides a recorded session again. Every time is given; a state that came in a
turn was heard when the turn was taken.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from brain.algorithms.model.state import Failure, ModelState, Prediction
from brain.amounts import screened
from brain.decide import Rules, Thought, think
from brain.explain import explain
from brain.features import feature_names, feature_values
from brain.memory import Memory
from brain.order_flow.live import HEATMAP, FlowView
from brain.reasons import Reason, WhyNot
from brain.sizing.day import DayBook
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from brain.turns import ACKED, ANSWERED, ASKED, FAILED, LOST, NOT_SENT, UNASKED, ModelNote
from schemas import codec, topology
from schemas.clock import NS_PER_MS
from schemas.messages import DecidedOn, Decision, MarketTick, OrderRequest, RejectCode, Side
from schemas.settings import Settings

_SHORTEST_PUBLISH_NS: Final = 50 * NS_PER_MS

Handler = Callable[[memoryview], None]


class Told(NamedTuple):
    """A thought that everybody shall read, with what was true as it was thought. explain() puts it into words."""

    thought: Thought
    tick: MarketTick
    sequence: int
    mono_ns: int
    wall_ns: int
    intent_id: str
    features: tuple[float, ...]
    flow: FlowView


class Mind:
    """For one instrument. `handlers` take the payload of a topic; they raise codec.Malformed.

    `model`: the name of the model that has a say, "" for none; what it says comes by `on_model`.
    Raises: brain.order_flow.providers.ProviderUnknown.
    """

    def __init__(self, settings: Settings, *, prefix: str, model: str = "") -> None:
        self._settings, self._prefix = settings, prefix
        self.instrument = settings.venue.instrument
        self.memory = Memory.of(settings)
        self.day = DayBook(
            settings.sizing, day_starts_utc_hour=settings.risk.day_starts_utc_hour,
            owner=f"{settings.venue.name} {self.instrument}",
        )  # fmt: skip
        self.pace = Pace(settings.sizing, self.day)
        self.model_name = model
        self.model = ModelState(settings.model, model) if model else None
        self.features = feature_names(settings.brain.frames)
        self.sequence = 0
        """Of the last decision."""
        self._rules = Rules.of(settings)
        self._size = Sizer(settings.sizing, settings.venue.leverage)
        self._decode_tick = codec.TickDecoder(self.instrument, levels=settings.brain.book_levels).decode
        self.handlers = self._make_handlers()
        self._heard: list[str] = []
        self._decided_tick = 0
        self._intents = 0
        self._gist: tuple[str, int] = ("", 0)
        self._told_ns = 0

    def _make_handlers(self) -> dict[str, Handler]:
        memory, heard = self.memory, self.memory.heard

        def state(name: str, decode: Callable[[memoryview], Any]) -> Handler:
            def take(payload: memoryview) -> None:
                said = decode(payload)
                screened(name, said)
                setattr(heard, name, said)
                self._heard.append(name)

            return take

        name = self.instrument
        handlers: dict[str, Handler] = {
            topology.tick(name): self.on_tick,
            topology.trade(name): lambda payload: memory.on_trade(codec.decode_trade(payload)),
            topology.trades(name): lambda payload: memory.on_trades(codec.decode_trade_history(payload)),
            topology.STATE_ENGINE: state("engine", codec.decode_engine_state),
            topology.STATE_ORDERS: state("orders", codec.decode_orders),
            topology.STATE_POSITIONS: state("positions", codec.decode_positions),
            topology.STATE_ACCOUNT: state("account", codec.decode_account),
        }
        for frame in self._settings.brain.frames:
            handlers[topology.candle(frame, name)] = lambda p: memory.on_candle(codec.decode_candle(p))
            handlers[topology.history(frame, name)] = lambda p: memory.on_history(codec.decode_history(p))
        return handlers

    def on_tick(self, payload: memoryview) -> None:
        """A tick. Raises: codec.Malformed."""
        self.memory.on_tick(self._decode_tick(payload))

    def wanted(self) -> list[str]:
        """Topics whose last value would mend what is missing."""
        memory = self.memory
        topics = [
            topology.history(name, self.instrument) for name, frame in memory.frames.items() if frame.candles.hole
        ]
        return [*topics, topology.trades(self.instrument)] if memory.trades_wanted else topics

    def turn(self, mono_ns: int, *, reachable: bool) -> Thought | None:
        """Everything that was queued is remembered: one decision, on the newest tick. None where there is no new one.

        `mono_ns` is monotonic. `reachable`: is the command channel connected?
        """
        if self._heard:
            self._note_heard(mono_ns)
        memory = self.memory
        if memory.behind:
            memory.catch_up()
        tick = memory.tick
        if tick is None or tick.sequence == self._decided_tick:
            return None
        self._decided_tick = tick.sequence
        self.sequence += 1
        return think(
            memory, self.pace, self._size, self._rules, tick=tick, mono_ns=mono_ns, reachable=reachable,
            model=None if self.model is None else self.model.view(mono_ns),
        )  # fmt: skip

    def rehearse(self, mono_ns: int) -> tuple[MarketTick, OrderRequest]:
        """The same without consequences, to keep it warm. Only once there is a tick."""
        tick = self.memory.tick
        assert tick is not None
        think(self.memory, self.pace, self._size, self._rules, tick=tick, mono_ns=mono_ns, reachable=False)
        return tick, self._order(1, Decimal(1), tick, 0, f"{self._prefix}0")

    def _note_heard(self, mono_ns: int) -> None:
        heard = self.memory.heard
        for name in self._heard:
            setattr(heard, f"{name}_ns", mono_ns)
            if name == "account":
                assert heard.account is not None
                self.day.on_account(heard.account)
            elif name == "positions":
                assert heard.positions is not None
                self.day.on_positions(heard.positions, mono_ns)
            if name in {"orders", "positions"} and self.pace.unknown:
                self.pace.settled(mono_ns)
        self._heard.clear()

    def order(self, thought: Thought, wall_ns: int) -> OrderRequest:
        """The order that a thought asks for. `wall_ns`: since 1970 UTC."""
        assert thought.contracts is not None
        assert self.memory.tick is not None
        return self._order(thought.direction, thought.contracts, self.memory.tick, wall_ns, self.next_intent())

    def next_intent(self) -> str:
        """The id of the next order."""
        self._intents += 1
        return f"{self._prefix}{self._intents}"

    def _order(
        self, direction: int, contracts: Decimal, tick: MarketTick, wall_ns: int, intent_id: str
    ) -> OrderRequest:
        sizing = self._settings.sizing
        return OrderRequest(
            intent_id=intent_id, instrument=self.instrument, side=Side.BUY if direction > 0 else Side.SELL,
            contracts=contracts, tp_pct=sizing.tp_pct, sl_pct=sizing.sl_pct,
            decided_on=DecidedOn(tick_sequence=tick.sequence, timestamp_ns=tick.received_ns), created_ns=wall_ns,
        )  # fmt: skip

    def concluded(self, thought: Thought, mono_ns: int, wall_ns: int, *, sent: int, intent_id: str) -> Told | None:
        """A turn is done, and what became of its order is known (see brain.turns). Returns what is to be told of it."""
        if sent == NOT_SENT:
            why_not = WhyNot(Reason.ENGINE_UNREACHABLE, "the order could not be sent")
            thought = thought._replace(why_not=why_not, contracts=None)
        elif intent_id:
            self.pace.sent(mono_ns)
        gist = (thought.why_not.reason.value if thought.why_not else "", thought.direction)
        if not intent_id and not self._due(gist, mono_ns):
            return None
        self._gist, self._told_ns = gist, mono_ns
        return self.told(thought, mono_ns, wall_ns, intent_id)

    def told(self, thought: Thought, mono_ns: int, wall_ns: int, intent_id: str) -> Told:
        """A thought of this turn with what it was made of."""
        tick = self.memory.tick
        assert tick is not None
        flow = self.memory.flow.view(tick.exchange_ns)
        values = feature_values(thought.scores, thought.flow, flow, tick)
        return Told(thought, tick, self.sequence, mono_ns, wall_ns, intent_id, values, flow)

    def _due(self, gist: tuple[str, int], mono_ns: int) -> bool:
        every_ns, since_ns = self._settings.brain.publish_ms * NS_PER_MS, mono_ns - self._told_ns
        return since_ns >= every_ns or (gist != self._gist and since_ns >= _SHORTEST_PUBLISH_NS)

    @property
    def state(self) -> str:
        """In a word: trading, or why not."""
        return self._gist[0] or "TRADING"

    def explain(self, told: Told) -> Decision:
        """In full, for everybody to read."""
        return explain(
            told.thought, tick=told.tick, sequence=told.sequence, mono_ns=told.mono_ns, wall_ns=told.wall_ns,
            settings=self._settings, size=self._size, features=dict(zip(self.features, told.features, strict=True)),
            unknown=tuple(each for each in told.flow.unknown if each[0] != HEATMAP), intent_id=told.intent_id,
        )  # fmt: skip

    def question(self, mono_ns: int) -> tuple[float, ...] | None:
        """What the model is to be asked now, every feature in order; None: there is none, or it is not its time."""
        tick = self.memory.tick
        if self.model is None or tick is None or not self.model.due(mono_ns):
            return None
        flow = self.memory.flow
        return feature_values(self.memory.scores, flow.scores(tick), flow.view(tick.exchange_ns), tick)

    def on_model(self, note: ModelNote) -> None:
        """The model was asked, or answered. Nothing without one."""
        if self.model is None:
            return
        if note.kind == ASKED:
            self.model.asked(note.mono_ns)
        elif note.kind == UNASKED:
            self.model.unasked(note.text)
        elif note.kind == ANSWERED:
            self.model.answer(Prediction(note.score, note.asked_ns, note.mono_ns, note.number))
        elif note.kind == FAILED:
            self.model.answer(Failure(note.text, note.asked_ns, note.mono_ns, note.number))

    def on_outcome(self, intent_id: str, code: str, mono_ns: int) -> None:
        """An order was answered: ACKED, a reject code, or LOST."""
        if code == LOST:
            self.pace.lost(intent_id)
        elif code == ACKED:
            self.pace.acked(mono_ns)
        else:
            self.pace.rejected(RejectCode(code), mono_ns)
