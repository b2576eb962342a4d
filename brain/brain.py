"""The brain, put together: what wakes it, what it sends, what it tells. Decisions themselves are in decide.py."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from brain.decide import Thought, explain, think
from brain.link import EngineLink
from brain.memory import Memory
from brain.reasons import Reason, WhyNot
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from schemas import codec, topology
from schemas.channels import Gap
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.latency import LatencyWindow, summaries
from schemas.messages import DecidedOn, MarketTick, OrderAck, OrderReject, OrderRequest, Side, SignalKind, TelemetryKind
from schemas.process import Runtime

_WARM_EVERY_S: Final = 0.02
_TELL_AFTER_S: Final = 0.02
_SHORTEST_PUBLISH_NS: Final = 50 * NS_PER_MS
_GC_EVERY_NS: Final = 30 * NS_PER_S
_QUIET_NS: Final = 2 * NS_PER_MS

Handler = Callable[[memoryview], None]


def intent_prefix(wall_ns: int) -> str:
    """The part of an intent's id that no other run of the brain shares: its start in microseconds, base 36."""
    digits, number = "", wall_ns // 1_000
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return "i" + digits + "n"


class _Untold(NamedTuple):
    thought: Thought
    tick: MarketTick
    sequence: int
    wall_ns: int
    intent_id: str


def _gist(thought: Thought) -> tuple[str, int]:
    return (thought.why_not.reason.value if thought.why_not else "", thought.direction)


class Brain:
    """One brain for one instrument."""

    def __init__(self, runtime: Runtime) -> None:
        settings, clock = runtime.settings, runtime.clock
        self._runtime, self._settings, self._clock = runtime, settings, clock
        self._mono_ns = clock.monotonic_ns
        self._started_ns = clock.wall_ns()
        self._prefix = intent_prefix(self._started_ns)
        self.instrument = settings.venue.instrument
        self.memory = Memory.of(settings.brain)
        self.pace = Pace(settings.sizing)
        self._size = Sizer(settings.sizing)
        self.link = EngineLink(
            requester=runtime.wire.requester(settings.wire.command), clock=clock, on_outcome=self._on_outcome
        )
        self._decode_tick = codec.TickDecoder(self.instrument, levels=settings.brain.book_levels).decode
        self._handlers: dict[str, Handler] = self._make_handlers()
        self._decided_tick = 0
        self._sequence = 0
        self._intents = 0
        self._malformed = 0
        self._last_problem = ""
        self._told: tuple[str, int] = ("", 0)
        self._told_ns = 0
        self._untold: list[_Untold] = []
        self.publish_to_decode, self.decide_time = LatencyWindow(), LatencyWindow()
        self._legs = {
            "publish_to_decode": self.publish_to_decode, "decide": self.decide_time,
            "order_round_trip": self.link.round_trip,
        }  # fmt: skip
        runtime.vitals.add(self._legs)
        topics = [
            topology.tick(self.instrument), topology.trade(self.instrument), "state.",
            *(topology.candle(frame, self.instrument) for frame in settings.brain.frames),
            *(topology.history(frame, self.instrument) for frame in settings.brain.frames),
        ]  # fmt: skip
        self._market = runtime.wire.subscriber(
            settings.wire.market, topics, self._on_message, on_gap=self._on_gap, on_drained=self._on_drained
        )
        runtime.wire.subscriber(settings.wire.signal, [topology.SIGNAL], self._on_signal, vital=True)

    def _make_handlers(self) -> dict[str, Handler]:
        memory, heard = self.memory, self.memory.heard

        def state(name: str, decode: Callable[[memoryview], Any]) -> Handler:
            def take(payload: memoryview) -> None:
                setattr(heard, name, decode(payload))
                setattr(heard, f"{name}_ns", self._mono_ns())
                if name in {"orders", "positions"} and self.pace.unknown:
                    self.pace.settled(self._mono_ns())

            return take

        handlers: dict[str, Handler] = {
            topology.tick(self.instrument): self._on_tick,
            topology.trade(self.instrument): lambda payload: memory.on_trade(codec.decode_trade(payload)),
            topology.STATE_ENGINE: state("engine", codec.decode_engine_state),
            topology.STATE_ORDERS: state("orders", codec.decode_orders),
            topology.STATE_POSITIONS: state("positions", codec.decode_positions),
            topology.STATE_ACCOUNT: state("account", codec.decode_account),
        }
        for frame in self._settings.brain.frames:
            handlers[topology.candle(frame, self.instrument)] = lambda p: memory.on_candle(codec.decode_candle(p))
            handlers[topology.history(frame, self.instrument)] = lambda p: memory.on_history(codec.decode_history(p))
        return handlers

    # what comes in

    def _on_message(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        handler = self._handlers.get(topic)
        if handler is None:
            return
        try:
            handler(payload)
        except codec.Malformed as error:
            self._malformed += 1
            self._last_problem = f"{topic}: {error}"

    def _on_tick(self, payload: memoryview) -> None:
        tick = self._decode_tick(payload)
        self.publish_to_decode.add(self._mono_ns() - tick.received_mono_ns - tick.published_ns + tick.received_ns)
        self.memory.on_tick(tick)

    def _on_gap(self, gap: Gap) -> None:
        self._last_problem = f"{gap.topic}: {gap.received} received, {gap.expected} expected"

    def _on_drained(self) -> None:
        """Everything that was queued is remembered: decide once, on the newest tick."""
        tick = self.memory.tick
        if tick is None or tick.sequence == self._decided_tick:
            return
        self._decided_tick = tick.sequence
        began_ns = self._mono_ns()
        self._sequence += 1
        thought = think(
            self.memory, self.pace, self._size, self._settings.brain, tick=tick, mono_ns=began_ns,
            reachable=self.link.connected,
        )  # fmt: skip
        if thought.contracts is not None:
            self._trade(thought, thought.contracts, tick, began_ns)
            return
        self.decide_time.add(self._mono_ns() - began_ns)
        told = _gist(thought)
        since_ns = began_ns - self._told_ns
        every_ns = self._settings.brain.publish_ms * NS_PER_MS
        changed = told != self._told
        if since_ns >= every_ns or (changed and since_ns >= _SHORTEST_PUBLISH_NS):
            self._tell(thought, tick, began_ns, intent_id="")

    def _trade(self, thought: Thought, contracts: Decimal, tick: MarketTick, began_ns: int) -> None:
        """Send first, tell afterwards."""
        order = self._order(thought.direction, contracts, tick)
        sent = self.link.send(order)
        self.decide_time.add(self._mono_ns() - began_ns)
        if sent:
            self.pace.sent(began_ns)
        else:
            thought = thought._replace(why_not=WhyNot(Reason.ENGINE_UNREACHABLE, "the order could not be sent"))
        self._tell(thought, tick, began_ns, intent_id=order.intent_id)

    def _order(self, direction: int, contracts: Decimal, tick: MarketTick) -> OrderRequest:
        self._intents += 1
        sizing = self._settings.sizing
        return OrderRequest(
            intent_id=f"{self._prefix}{self._intents}", instrument=self.instrument,
            side=Side.BUY if direction > 0 else Side.SELL, contracts=contracts, tp_pct=sizing.tp_pct,
            sl_pct=sizing.sl_pct,
            decided_on=DecidedOn(tick_sequence=tick.sequence, timestamp_ns=tick.received_ns),
            created_ns=self._clock.wall_ns(),
        )  # fmt: skip

    def _tell(self, thought: Thought, tick: MarketTick, now_ns: int, *, intent_id: str) -> None:
        """Told a little later, with others: what is done now would compete with the order on its way."""
        self._told, self._told_ns = _gist(thought), now_ns
        if not self._untold:
            asyncio.get_running_loop().call_later(_TELL_AFTER_S, self._tell_all)
        self._untold.append(_Untold(thought, tick, self._sequence, self._clock.wall_ns(), intent_id))

    def _tell_all(self) -> None:
        for thought, tick, sequence, wall_ns, intent_id in self._untold:
            decision = explain(
                thought, tick=tick, sequence=sequence, wall_ns=wall_ns, intent_id=intent_id, settings=self._settings
            )  # fmt: skip
            data = msgspec.to_builtins(decision)
            self._runtime.reporter.send(TelemetryKind.DECISION, data, vital=bool(intent_id))
        self._untold.clear()

    def _on_outcome(self, order: OrderRequest, body: OrderAck | OrderReject | None) -> None:
        now_ns = self._mono_ns()
        if body is None:
            self.pace.lost(order.intent_id)
        elif isinstance(body, OrderReject):
            self.pace.rejected(body.code, now_ns)
        else:
            self.pace.acked(now_ns)

    def _on_signal(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        try:
            signal = codec.decode_signal(payload)
        except codec.Malformed as error:
            self._malformed += 1
            self._last_problem = f"signal dropped: {error}"
            return
        meant = signal.target in {"", self._runtime.name} and signal.timestamp_ns >= self._started_ns
        if signal.kind is SignalKind.SHUTDOWN and meant:
            self._runtime.stopping.set()

    # what runs beside it

    async def run(self) -> int:
        """Until the process is told to stop. Returns the exit code."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (self._beat(), self._report(), self._keep_warm())]
            await self._runtime.stopping.wait()
            for task in tasks:
                task.cancel()
        self._tell_all()
        return 0

    async def _beat(self) -> None:
        """To the command channel, where the engine acts on it, and as telemetry, where it is only shown."""
        while True:
            tick_sequence = self.memory.tick.sequence if self.memory.tick else 0
            self.link.heartbeat(
                process=self._runtime.name, tick_sequence=tick_sequence, decision_sequence=self._sequence
            )  # fmt: skip
            self._runtime.reporter.heartbeat(
                tick_sequence=tick_sequence, decision_sequence=self._sequence, state=self._told[0] or "TRADING"
            )
            due_ns = self._mono_ns() + self._settings.brain.heartbeat_ms * NS_PER_MS
            was_connected = self.link.connected
            while self._mono_ns() < due_ns and was_connected == self.link.connected:  # a new link hears it at once
                await asyncio.sleep(_WARM_EVERY_S)

    async def _report(self) -> None:
        said = ""
        while True:
            await asyncio.sleep(1.0)
            self._runtime.reporter.send(TelemetryKind.METRICS, self.metrics())
            if self._last_problem != said:
                said = self._last_problem
                self._runtime.reporter.log("warning", said)

    def metrics(self) -> dict[str, float]:
        """The brain's numbers, once a second."""
        link = self.link.counters
        return {
            "brain.decisions": self._sequence,
            "brain.received": self._market.received,
            "brain.gaps": self._market.gaps,
            "brain.lost": self._market.lost,
            "brain.malformed": self._malformed + link.malformed,
            "brain.orders": link.orders,
            "brain.acks": link.acks,
            "brain.rejects": link.rejects,
            "brain.outcomes_unknown": link.lost,
            "brain.authority_pct": float(self.pace.authority * 100),
            **summaries(topology.BRAIN, self._legs),
        }

    async def _keep_warm(self) -> None:
        """Keep the order path in the caches, and the garbage collector out of the hot path."""
        while self.memory.tick is None:
            await asyncio.sleep(_WARM_EVERY_S)
        await asyncio.sleep(1.0)
        gc.collect()
        gc.freeze()
        gc.disable()
        since_ns = self._mono_ns()
        while True:
            await asyncio.sleep(_WARM_EVERY_S)
            tick, now_ns = self.memory.tick, self._mono_ns()
            think(self.memory, self.pace, self._size, self._settings.brain, tick=tick, mono_ns=now_ns, reachable=False)
            warm = self._order(1, Decimal(1), tick)
            self._intents -= 1
            self.link.warm(warm)
            if now_ns - since_ns > _GC_EVERY_NS and now_ns - tick.received_mono_ns > _QUIET_NS:
                since_ns = now_ns
                gc.collect()
