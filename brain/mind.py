"""What the brain knows and how it decides, without a clock or a socket: messages, turns and outcomes in, thoughts out.

The same in a live brain and in one that decides a recorded session again. Every time is given; a state that came in a
turn was heard when the turn was taken.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from brain.decide import Thought, explain, think
from brain.memory import Memory
from brain.reasons import Reason, WhyNot
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from brain.turns import ACKED, LOST, NOT_SENT
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


class Mind:
    """For one instrument. `handlers` take the payload of a topic; they raise codec.Malformed."""

    def __init__(self, settings: Settings, *, prefix: str) -> None:
        self._settings, self._prefix = settings, prefix
        self.instrument = settings.venue.instrument
        self.memory = Memory.of(settings.brain)
        self.pace = Pace(settings.sizing)
        self._size = Sizer(settings.sizing)
        self._decode_tick = codec.TickDecoder(self.instrument, levels=settings.brain.book_levels).decode
        self.handlers = self._make_handlers()
        self.sequence = 0
        """Of the last decision."""
        self._heard: list[str] = []
        self._decided_tick = 0
        self._intents = 0
        self._gist: tuple[str, int] = ("", 0)
        self._told_ns = 0

    def _make_handlers(self) -> dict[str, Handler]:
        memory, heard = self.memory, self.memory.heard

        def state(name: str, decode: Callable[[memoryview], Any]) -> Handler:
            def take(payload: memoryview) -> None:
                setattr(heard, name, decode(payload))
                self._heard.append(name)

            return take

        name = self.instrument
        handlers: dict[str, Handler] = {
            topology.tick(name): self.on_tick,
            topology.trade(name): lambda payload: memory.on_trade(codec.decode_trade(payload)),
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

    def turn(self, mono_ns: int, *, reachable: bool) -> Thought | None:
        """Everything that was queued is remembered: one decision, on the newest tick. None where there is no new one.

        `mono_ns` is monotonic. `reachable`: is the command channel connected?
        """
        if self._heard:
            self._note_heard(mono_ns)
        tick = self.memory.tick
        if tick is None or tick.sequence == self._decided_tick:
            return None
        self._decided_tick = tick.sequence
        self.sequence += 1
        return think(
            self.memory, self.pace, self._size, self._settings.brain, tick=tick, mono_ns=mono_ns, reachable=reachable
        )

    def rehearse(self, mono_ns: int) -> tuple[MarketTick, OrderRequest]:
        """The same without consequences, to keep it warm. Only once there is a tick."""
        tick = self.memory.tick
        assert tick is not None
        think(self.memory, self.pace, self._size, self._settings.brain, tick=tick, mono_ns=mono_ns, reachable=False)
        return tick, self._order(1, Decimal(1), tick, 0, f"{self._prefix}0")

    def _note_heard(self, mono_ns: int) -> None:
        for name in self._heard:
            setattr(self.memory.heard, f"{name}_ns", mono_ns)
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
            thought = thought._replace(why_not=WhyNot(Reason.ENGINE_UNREACHABLE, "the order could not be sent"))
        elif intent_id:
            self.pace.sent(mono_ns)
        gist = (thought.why_not.reason.value if thought.why_not else "", thought.direction)
        if not intent_id and not self._due(gist, mono_ns):
            return None
        self._gist, self._told_ns = gist, mono_ns
        assert self.memory.tick is not None
        return Told(thought, self.memory.tick, self.sequence, mono_ns, wall_ns, intent_id)

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
            intent_id=told.intent_id, settings=self._settings,
        )  # fmt: skip

    def on_outcome(self, intent_id: str, code: str, mono_ns: int) -> None:
        """An order was answered: ACKED, a reject code, or LOST."""
        if code == LOST:
            self.pace.lost(intent_id)
        elif code == ACKED:
            self.pace.acked(mono_ns)
        else:
            self.pace.rejected(RejectCode(code), mono_ns)
