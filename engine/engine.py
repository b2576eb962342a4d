"""The engine, put together: who is built from what, what runs beside what, and what each signal does."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp

from engine.account import Account
from engine.candles import CandleStore
from engine.desk import Desk
from engine.execution.journal import Journal
from engine.execution.lifecycle import LifecycleError
from engine.execution.orders import OrderBookkeeper
from engine.execution.router import Router
from engine.market import Market
from engine.metrics import engine_state, metrics
from engine.private import PrivateFeed
from engine.risk.gate import default_gate
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch
from engine.safety.watches import BrainWatch, SilenceWatch
from engine.states import StatePublisher
from engine.upkeep import Upkeep
from engine.venue.link import Link, LinkPlan
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from engine.warm import keep_warm
from schemas import codec, topology
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import (
    Cause,
    EngineState,
    OrderReject,
    OrderRequest,
    Signal,
    SignalKind,
    TelemetryKind,
    TradingState,
)
from schemas.process import Runtime, StartError

_WATCH_EVERY_S: Final = 0.05


class Engine:
    """One engine for one instrument at one venue."""

    def __init__(
        self, runtime: Runtime, session: aiohttp.ClientSession, credentials: Credentials, urls: tuple[str, str]
    ) -> None:
        self._runtime = runtime
        settings, clock = runtime.settings, runtime.clock
        self._settings, self._clock = settings, clock
        self.instrument = settings.venue.instrument
        self._started_ns = clock.wall_ns()
        rest_url, ws_url = urls
        self.rest = Rest(
            session, base_url=rest_url, credentials=credentials, clock=clock,
            timeout_ms=settings.venue.request_timeout_ms,
        )  # fmt: skip
        self.publisher = runtime.wire.publisher(settings.wire.market)
        self.candles = CandleStore(
            instrument=self.instrument, frames=settings.brain.frames, publisher=self.publisher
        )  # fmt: skip
        self.causes = TradingCauses(clock=clock, on_change=self._on_cause)
        self.orders = OrderBookkeeper(clock)
        self.account = Account(instrument=self.instrument, currency="USDT", clock=clock)
        try:
            self._journal = Journal(runtime.home.data / "journal" / "orders.log")
        except OSError as error:
            raise StartError(f"journal: {error}; without it there is no trading; mend the data directory") from None
        self.router = Router(
            rest=self.rest, journal=self._journal, orders=self.orders, settings=settings, clock=clock,
            may_send=self._may_send,
        )  # fmt: skip
        self.market = Market(
            instrument=self.instrument, publisher=self.publisher, candles=self.candles, clock=clock,
            resubscribe=self._resubscribe_book,
        )  # fmt: skip
        self.brain = BrainWatch(settings.safety.brain_timeout_s)
        self.ops = SilenceWatch(settings.safety.ops_timeout_s)
        self.gate = default_gate(settings.risk)
        self.desk = Desk(
            wire=runtime.wire, endpoint=settings.wire.command, market=self.market, account=self.account,
            orders=self.orders, router=self.router, rest=self.rest, gate=self.gate, causes=self.causes,
            brain=self.brain, intents=self._journal.recalled.intents, clock=clock, on_reject=self._on_reject,
            on_unknown=self._ask_anew,
        )  # fmt: skip
        self.halt = Halt(
            latch=HaltLatch(latch=runtime.home.data / "halt.json", request=runtime.home.runtime / "HALT"),
            causes=self.causes, rest=self.rest, instrument=self.instrument, in_flight=lambda: self.router.in_flight,
            close_port=self.desk.close, open_port=self.desk.open, reporter=runtime.reporter, clock=clock,
        )  # fmt: skip
        self.private = PrivateFeed(
            account=self.account, orders=self.orders, on_change=self._on_private_change, on_end=self.router.note_end,
            on_lifecycle_error=self._on_lifecycle_error,
        )  # fmt: skip
        self.states = StatePublisher(
            publisher=self.publisher, account=self.account, orders=self.orders, engine_state=self.state, clock=clock
        )
        self._links = self._make_links(ws_url, credentials)
        self._upkeep = Upkeep(
            settings=settings, rest=self.rest, market=self.market, candles=self.candles, account=self.account,
            orders=self.orders, journal=self._journal, router=self.router, desk=self.desk, causes=self.causes,
            reporter=runtime.reporter, clock=clock, before_arming=self._look, on_change=self.states.changed,
        )  # fmt: skip
        self._rejects: dict[str, tuple[int, OrderReject]] = {}

    def _make_links(self, ws_url: str, credentials: Credentials) -> dict[str, Link]:
        def args(*channels: str) -> list[dict[str, str]]:
            return [{"channel": channel, "instId": self.instrument} for channel in channels]

        private = [
            {"channel": "orders", "instType": "SWAP", "instId": self.instrument},
            {"channel": "positions", "instType": "SWAP", "instId": self.instrument},
            {"channel": "account"},
        ]
        candles = args(*(f"candle{frame}" for frame in self._settings.brain.frames))
        plans = (
            LinkPlan(name="public", url=f"{ws_url}/public",
                     subscriptions=args("bbo-tbt", "books", "trades", "mark-price")),
            LinkPlan(name="business", url=f"{ws_url}/business", subscriptions=candles),
            LinkPlan(name="private", url=f"{ws_url}/private", subscriptions=private, credentials=credentials),
        )  # fmt: skip
        handlers = {
            "public": (self.market.on_frame, self._on_public_link),
            "business": (self.market.on_frame, self._on_business_link),
            "private": (self.private.on_frame, self._on_private_link),
        }
        return {
            plan.name: Link(plan, on_frame=handlers[plan.name][0], on_state=handlers[plan.name][1], clock=self._clock)
            for plan in plans
        }

    async def run(self) -> int:
        """Until the process is told to stop. Returns the exit code."""
        settings = self._settings
        self._runtime.wire.subscriber(settings.wire.signal, [topology.SIGNAL], self._on_signal, vital=True)
        for problem in self._journal.recalled.problems:
            self._runtime.reporter.log("error", f"journal: {problem}")
        self.halt.recall()
        if self.halt.halt_id is None:
            self.desk.open()  # what comes before the venue has been asked is refused: trading is HALTED
        try:
            await self._run_parts()
        except* StartError as errors:  # what only the operator can mend, found by one of the parts
            raise errors.exceptions[0] from None
        finally:
            self._journal.close()
        return 0

    async def _run_parts(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                *(group.create_task(link.run()) for link in self._links.values()),
                *(group.create_task(work) for work in (
                    self.states.run(), self._watch(), self._report(), self._upkeep.mend_candles(),
                    self._upkeep.follow_protection(), self._upkeep.reconcile_forever(self._links["private"]),
                    keep_warm(self.desk, self.market, self._upkeep.reconciled, self._clock),
                )),
            ]  # fmt: skip
            await self._runtime.stopping.wait()
            self.causes.hold(CauseName.SHUTTING_DOWN, True, "asked to stop")
            self.desk.close()
            for task in tasks:
                task.cancel()

    # what the venue's links say

    def _on_public_link(self, up: bool, reason: str) -> None:
        self._log_link(up, reason)
        if not up:
            self.market.invalidate()

    def _on_business_link(self, up: bool, reason: str) -> None:
        self._log_link(up, reason)
        if not up:
            self.candles.gaps.update(self._settings.brain.frames)

    def _on_private_link(self, up: bool, reason: str) -> None:
        self._log_link(up, reason)
        self.causes.hold(CauseName.VENUE_DOWN, not up, reason)
        if up:  # whatever happened while nobody told us
            self._ask_anew()

    def _ask_anew(self) -> None:
        """What the venue says is not certain any more: no trading until it has been asked."""
        self.causes.hold(CauseName.RECONCILING, True, "asking the venue")
        self._upkeep.reconciled.clear()

    def _log_link(self, up: bool, reason: str) -> None:
        self._runtime.reporter.log("info" if up else "warning", reason)

    def _resubscribe_book(self) -> None:
        self._upkeep.resync_book(self._links["public"])

    def _may_send(self, order: OrderRequest) -> str:
        """Why a journaled order must not be sent after all; "" when it may."""
        if self.causes.state is TradingState.HALTED:
            return f"halted meanwhile: {', '.join(cause.name for cause in self.causes.standing())}"
        return ""

    # who has gone silent

    async def _watch(self) -> None:
        """Raise and clear the causes that follow from silence."""
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            self._look()

    def _look(self) -> None:
        feed_limit_ns = int(self._settings.risk.feed_silence_ms * NS_PER_MS)
        now_ns, touch = self._clock.monotonic_ns(), self.market.touch
        tick_age_ns = now_ns - touch.mono_ns
        stale = f"no frame for {tick_age_ns / NS_PER_S:.1f} s" if touch.mono_ns else "no frame yet"
        self.causes.hold(CauseName.FEED_STALE, not touch.mono_ns or tick_age_ns > feed_limit_ns, stale)
        self.causes.hold(CauseName.BOOK_INVALID, not touch.book_valid, "no unbroken, uncrossed book")
        lost = self.ops.silent(now_ns)
        self.causes.hold(CauseName.OPS_LOST, bool(lost), lost)
        if self.desk.is_open:  # a closed port hears no heartbeat, and that is not the brain's fault
            dead = self.brain.dead(now_ns, tick_sequence=touch.sequence, tick_age_ns=tick_age_ns)
            self.causes.hold(CauseName.BRAIN_DEAD, bool(dead), dead)

    def _on_cause(self, cause: Cause, raised: bool) -> None:
        text = f"{cause.name}: {cause.detail}" if raised else f"{cause.name} is over"
        self._runtime.reporter.log("warning" if raised else "info", f"{text}; trading {self.causes.state.value}")
        self.states.changed()

    def _on_lifecycle_error(self, error: LifecycleError) -> None:
        self.causes.hold(CauseName.LIFECYCLE_ERROR, True, str(error))

    def _on_reject(self, reject: OrderReject) -> None:
        """Counted here, said once a second: the order path logs nothing."""
        count, _ = self._rejects.get(reject.rule, (0, reject))
        self._rejects[reject.rule] = count + 1, reject

    def _say_rejects(self) -> None:
        for count, last in self._rejects.values():
            text = f"{last.code} {last.rule}: observed {last.observed}, limit {last.limit}; {last.text}"
            self._runtime.reporter.log("warning", text if count == 1 else f"{text} ({count} in 1 s)")
        self._rejects.clear()

    def _on_private_change(self) -> None:
        self._upkeep.venue_changed_something()
        self.states.changed()

    def _on_signal(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        try:
            signal = codec.decode_signal(payload)
        except codec.Malformed as error:
            self._runtime.reporter.log("warning", f"signal dropped: {error}")
            return
        self.ops.heard(self._clock.monotonic_ns())
        if signal.kind is SignalKind.OPS_HEARTBEAT:
            return
        if signal.kind is SignalKind.SYSTEM_HALT:
            self.halt.on_signal(signal)
        elif signal.timestamp_ns < self._started_ns:
            return  # said to a former life
        elif signal.kind is SignalKind.SYSTEM_RESUME:
            ok, text = self.halt.on_resume(signal)
            self._acknowledge(signal, ok, text)
        elif signal.kind is SignalKind.SHUTDOWN and signal.target in {"", self._runtime.name}:
            self._acknowledge(signal, True, "stopping")
            self._runtime.stopping.set()
        else:
            self._acknowledge(signal, False, f"this engine does not do {signal.kind.name}")

    def _acknowledge(self, signal: Signal, ok: bool, text: str) -> None:
        data = {"id": signal.id, "kind": signal.kind.name, "ok": ok, "text": text}
        self._runtime.reporter.send(TelemetryKind.SIGNAL_ACK, data)

    def state(self) -> EngineState:
        """The state as a message."""
        return engine_state(self, self._settings, self._clock)

    async def _report(self) -> None:
        """Heartbeat and metrics, once a second; what is wrong with the feeds, at most once a second."""
        said = ""
        while True:
            self._runtime.reporter.heartbeat(
                tick_sequence=self.market.touch.sequence, decision_sequence=self.brain.last_decision_sequence,
                state=self.causes.state.value,
            )  # fmt: skip
            self._runtime.reporter.send(TelemetryKind.METRICS, metrics(self))
            self._say_rejects()
            problem = self.market.counters.last_problem or self.private.counters.last_problem
            if problem and problem != said:
                said = problem
                self._runtime.reporter.log("warning", problem)
            await asyncio.sleep(1.0)

    @property
    def refused_peers(self) -> int:
        """Attempts to connect without the right keys, on any of our sockets."""
        return self._runtime.wire.refused_peers
