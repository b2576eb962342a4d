"""The brain, put together: what wakes it, what it sends, what it tells. What it thinks is in mind.py."""

from __future__ import annotations

import asyncio
import gc
from typing import Final

import msgspec

from brain.link import EngineLink
from brain.mind import Mind, Told
from brain.snapshots import SnapshotWriter
from brain.turns import ACKED, LOST, NO_ORDER, NOT_SENT, SENT, Outcome, Start, Turn, TurnLog
from schemas import codec, topology
from schemas.channels import Gap
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.latency import LatencyWindow, summaries
from schemas.messages import OrderAck, OrderReject, OrderRequest, SignalKind, TelemetryKind
from schemas.process import Runtime

_WARM_EVERY_S: Final = 0.02
_TELL_AFTER_S: Final = 0.02
_GC_EVERY_NS: Final = 30 * NS_PER_S
_QUIET_NS: Final = 2 * NS_PER_MS


def intent_prefix(wall_ns: int) -> str:
    """The part of an intent's id that no other run of the brain shares: its start in microseconds, base 36."""
    digits, number = "", wall_ns // 1_000
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return "i" + digits + "n"


def _snapshots(runtime: Runtime, session: str) -> SnapshotWriter:
    settings, loop = runtime.settings.snapshots, asyncio.get_running_loop()

    def log(level: str, text: str) -> None:
        loop.call_soon_threadsafe(runtime.reporter.log, level, text)

    return SnapshotWriter(
        runtime.home.data, session=session, segment_bytes=settings.segment_mb << 20,
        every_ns=settings.every_ms * NS_PER_MS, log=log,
    )  # fmt: skip


class Brain:
    """One brain for one instrument."""

    def __init__(self, runtime: Runtime) -> None:
        settings, clock = runtime.settings, runtime.clock
        self._runtime, self._settings = runtime, settings
        self._mono_ns, self._wall_ns = clock.monotonic_ns, clock.wall_ns
        self._started_ns = clock.wall_ns()
        prefix = intent_prefix(self._started_ns)
        self.instrument = settings.venue.instrument
        self.mind = Mind(settings, prefix=prefix)
        self._notes = TurnLog(runtime.tap)
        self._notes.start(
            Start(version=1, prefix=prefix, wall_ns=self._started_ns, mono_ns=clock.monotonic_ns(),
                  settings=settings.model_dump(mode="json"))
        )  # fmt: skip
        self._snapshots = _snapshots(runtime, prefix) if settings.snapshots.enabled else None
        self.link = EngineLink(
            requester=runtime.wire.requester(settings.wire.command), clock=clock, on_outcome=self._on_outcome
        )
        self._handlers = self.mind.handlers | {topology.tick(self.instrument): self._on_tick}
        self._turns = 0
        self._taken = 0
        self._malformed = 0
        self._last_problem = ""
        self._untold: list[Told] = []
        self.publish_to_decode, self.decide_time = LatencyWindow(), LatencyWindow()
        self._legs = {
            "publish_to_decode": self.publish_to_decode, "decide": self.decide_time,
            "order_round_trip": self.link.round_trip,
        }  # fmt: skip
        runtime.vitals.add(self._legs)
        topics = ["state.", *(topic for topic in self._handlers if not topic.startswith("state."))]
        self._market = runtime.wire.subscriber(
            settings.wire.market, topics, self._on_message, on_gap=self._on_gap, on_drained=self._on_drained
        )
        runtime.wire.subscriber(settings.wire.signal, [topology.SIGNAL], self._on_signal, vital=True)

    # what comes in

    def _on_message(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        self._taken += 1
        handler = self._handlers.get(topic)
        if handler is None:
            return
        try:
            handler(payload)
        except codec.Malformed as error:
            self._malformed += 1
            self._last_problem = f"{topic}: {error}"

    def _on_tick(self, payload: memoryview) -> None:
        self.mind.on_tick(payload)
        tick = self.mind.memory.tick
        assert tick is not None
        self.publish_to_decode.add(self._mono_ns() - tick.received_mono_ns - tick.published_ns + tick.received_ns)

    def _on_gap(self, gap: Gap) -> None:
        self._last_problem = f"{gap.topic}: {gap.received} received, {gap.expected} expected"

    def _on_drained(self) -> None:
        """Everything that was queued is remembered: decide once, on the newest tick."""
        mind, link = self.mind, self.link
        mono_ns, wall_ns, reachable = self._mono_ns(), self._wall_ns(), link.connected
        thought, sent, sequence = mind.turn(mono_ns, reachable=reachable), NO_ORDER, 0
        if thought is not None:
            sequence, intent_id = mind.sequence, ""
            if thought.contracts is not None:
                order = mind.order(thought, wall_ns)  # sent first, told afterwards
                intent_id, sent = order.intent_id, SENT if link.send(order) else NOT_SENT
            self.decide_time.add(self._mono_ns() - mono_ns)
            told = mind.concluded(thought, mono_ns, wall_ns, sent=sent, intent_id=intent_id)
            if told is not None:
                self._tell(told)
        self._turns += 1
        self._notes.turn(Turn(self._turns, mono_ns, wall_ns, self._taken, sequence, reachable, sent))
        self._taken = 0

    def _tell(self, told: Told) -> None:
        """Told a little later, with others: what is done now would compete with the order on its way."""
        if not self._untold:
            asyncio.get_running_loop().call_later(_TELL_AFTER_S, self._tell_all)
        self._untold.append(told)

    def _tell_all(self) -> None:
        untold, self._untold = self._untold, []
        for told in untold:
            decision = self.mind.explain(told)
            if self._snapshots is not None:
                self._snapshots.take(decision)
            data = msgspec.to_builtins(decision)
            self._runtime.reporter.send(TelemetryKind.DECISION, data, vital=bool(told.intent_id))

    def _on_outcome(self, order: OrderRequest, body: OrderAck | OrderReject | None) -> None:
        code = LOST if body is None else body.code.value if isinstance(body, OrderReject) else ACKED
        mono_ns = self._mono_ns()
        self.mind.on_outcome(order.intent_id, code, mono_ns)
        self._notes.outcome(Outcome(mono_ns, order.intent_id, code))

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
        if self._snapshots is not None:
            self._snapshots.close()
        return 0

    async def _beat(self) -> None:
        """To the command channel, where the engine acts on it, and as telemetry, where it is only shown."""
        while True:
            tick = self.mind.memory.tick
            tick_sequence = tick.sequence if tick else 0
            self.link.heartbeat(
                process=self._runtime.name, tick_sequence=tick_sequence, decision_sequence=self.mind.sequence
            )  # fmt: skip
            self._runtime.reporter.heartbeat(
                tick_sequence=tick_sequence, decision_sequence=self.mind.sequence, state=self.mind.state
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
            "brain.decisions": self.mind.sequence,
            "brain.received": self._market.received,
            "brain.gaps": self._market.gaps,
            "brain.lost": self._market.lost,
            "brain.malformed": self._malformed + link.malformed,
            "brain.orders": link.orders,
            "brain.acks": link.acks,
            "brain.rejects": link.rejects,
            "brain.outcomes_unknown": link.lost,
            "brain.authority_pct": float(self.mind.pace.authority * 100),
            **summaries(topology.BRAIN, self._legs),
        }

    async def _keep_warm(self) -> None:
        """Keep the order path in the caches, and the garbage collector out of the hot path."""
        while self.mind.memory.tick is None:
            await asyncio.sleep(_WARM_EVERY_S)
        await asyncio.sleep(1.0)
        gc.collect()
        gc.freeze()
        gc.disable()
        since_ns = self._mono_ns()
        while True:
            await asyncio.sleep(_WARM_EVERY_S)
            now_ns = self._mono_ns()
            tick, order = self.mind.rehearse(now_ns)
            self.link.warm(order)
            if now_ns - since_ns > _GC_EVERY_NS and now_ns - tick.received_mono_ns > _QUIET_NS:
                since_ns = now_ns
                gc.collect()
