"""The brain, put together: what wakes it, what it sends, what it tells. What it thinks is in mind.py."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import msgspec

from brain.advisor import Advisor, find_model
from brain.algorithms.model.refused import ModelRefused
from brain.beside import DAY_FILE, Beside, read_day
from brain.features import feature_names
from brain.link import EngineLink
from brain.mind import Mind, Told
from brain.order_flow.providers import ProviderUnknown
from brain.snapshots import SnapshotWriter
from brain.turns import ACKED, LOST, NO_ORDER, NOT_SENT, SENT, Outcome, Start, Turn, TurnLog
from schemas import codec, topology
from schemas.channels import Gap
from schemas.clock import NS_PER_MS
from schemas.latency import LatencyWindow, summaries
from schemas.messages import OrderAck, OrderReject, OrderRequest, SignalKind, TelemetryKind
from schemas.process import Runtime, StartError
from schemas.settings.readers import when

_TELL_AFTER_S: Final = 0.02


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
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody hears it
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
        self._notes = TurnLog(runtime.tap)
        self._day_file = runtime.home.data / DAY_FILE
        try:
            model = find_model(settings, feature_names(settings.brain.frames))
            self.mind = Mind(settings, prefix=prefix, model=model.name if model else "")
        except (ModelRefused, ProviderUnknown) as error:
            raise StartError(str(error)) from None
        self._advisor = Advisor(self.mind, model, notes=self._notes, clock=clock) if model else None
        self._begin(prefix)
        self._snapshots = _snapshots(runtime, prefix) if settings.snapshots.enabled else None
        self.link = EngineLink(
            requester=runtime.wire.requester(settings.wire.command), clock=clock, on_outcome=self._on_outcome
        )
        self._beside = Beside(runtime, self.mind, self.link)
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

    def _begin(self, prefix: str) -> None:
        """Go on with the day where an earlier run ended, and note what this run starts from."""
        mind, wall_ns, mono_ns = self.mind, self._started_ns, self._mono_ns()
        start = Start(
            version=1, prefix=prefix, wall_ns=wall_ns, mono_ns=mono_ns, model=mind.model_name,
            settings=self._settings.model_dump(mode="json", exclude={"alerts"}),  # no decision needs its secrets
        )  # fmt: skip
        with contextlib.suppress(FileNotFoundError):
            saved = read_day(self._day_file)
            if problem := mind.day.restore(saved, now_wall_ns=wall_ns, now_mono_ns=mono_ns):
                self._runtime.reporter.log(
                    "warning", f"{self._day_file}: {problem}; what the last trades were is unknown"
                )
            start = msgspec.structs.replace(start, has_day=True, day=saved)
        self._notes.start(start)

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
        self._beside.tick_payload = payload
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
        if self._advisor is not None:
            self._advisor.after_turn(mono_ns)

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
        elif signal.kind is SignalKind.CONFIG_UPDATE and signal.timestamp_ns >= self._started_ns:
            text = "; ".join(sorted({when(self._runtime.name, key) for key in signal.changes}))  # changes nothing now
            data = {"id": signal.id, "kind": signal.kind.name, "ok": True, "text": text}
            self._runtime.reporter.send(TelemetryKind.SIGNAL_ACK, data)

    # what runs beside it

    async def run(self) -> int:
        """Until the process is told to stop. Returns the exit code."""
        beside = self._beside
        if self._advisor is not None:
            self._advisor.start()
        async with asyncio.TaskGroup() as group:
            works = (
                beside.beat(),
                self._report(),
                beside.keep_warm(),
                beside.tell_flow(),
                beside.tell_structure(),
                beside.keep_day(self._day_file),
            )
            tasks = [group.create_task(work) for work in works]
            await self._runtime.stopping.wait()
            for task in tasks:
                task.cancel()
        if self._advisor is not None:
            self._advisor.stop()
        self._tell_all()
        beside.save_day(self._day_file)
        if self._snapshots is not None:
            self._snapshots.close()
        return 0

    async def _report(self) -> None:
        said = ""
        while True:
            await asyncio.sleep(1.0)
            self._runtime.reporter.send(TelemetryKind.METRICS, self.metrics())
            for topic in self.mind.wanted():
                self._market.ask_again(topic)
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
