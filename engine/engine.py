"""The engine, put together: who is built from what, what runs beside what, and what each signal does."""

from __future__ import annotations

import asyncio

import aiohttp

from engine.candles import CandleStore
from engine.desk import Desk
from engine.emergencies import Emergencies
from engine.execution.journal import Journal, alone
from engine.limits import Limits
from engine.market import Market
from engine.metrics import engine_state, legs, metrics
from engine.risk.ledger import Ledger
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.watches import BrainWatch, SilenceWatch
from engine.shown import ShownTick
from engine.signals import SignalDesk
from engine.states import StatePublisher
from engine.trading import Trading
from engine.upkeep import Upkeep
from engine.urgent import Urgent
from engine.venue.http import HttpTransport
from engine.venue.link import Link, LinkPlan
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from engine.venue.witness import NOBODY, Witness
from engine.verdicts import VerdictLog
from engine.warm import keep_warm
from schemas import topology
from schemas.messages import Cause, DecidedOn, EngineState, OrderReject, TelemetryKind
from schemas.process import Runtime, StartError


class Engine:
    """One engine for one instrument at one venue."""

    def __init__(
        self, runtime: Runtime, session: aiohttp.ClientSession, credentials: Credentials, urls: tuple[str, str]
    ) -> None:
        settings, clock = runtime.settings, runtime.clock
        self._runtime, self._settings, self._clock = runtime, settings, clock
        self.instrument = settings.venue.instrument
        rest_url, ws_url = urls
        self._witness = Witness(runtime.tap)
        self.rest = self._make_rest(session, rest_url, credentials)
        self.publisher = runtime.wire.publisher(settings.wire.market)
        self.candles = CandleStore(
            instrument=self.instrument, frames=settings.brain.frames, publisher=self.publisher,
            keep=settings.brain.history_bars,
        )  # fmt: skip
        self.causes = TradingCauses(clock=clock, on_change=self._on_cause)
        self.market = Market(
            instrument=self.instrument, publisher=self.publisher, candles=self.candles, clock=clock,
            resubscribe=self._resubscribe_book,
        )  # fmt: skip
        self._shown = ShownTick(instrument=self.instrument, publisher=self.publisher, clock=clock)
        self._journal = _open_journal(runtime)
        ledger = Ledger(day_starts_utc_hour=settings.risk.day_starts_utc_hour)
        self.limits = Limits(
            settings=settings, clock=clock, memory=RiskMemory(runtime.home.data / "journal" / "limits.json"),
            ledger=ledger, causes=self.causes, log=runtime.reporter.log,
        )  # fmt: skip
        self.trading = Trading(
            settings=settings, clock=clock, rest=self.rest, journal=self._journal, ledger=ledger, causes=self.causes,
            risk=lambda: self.limits.risk, send=self._send_private, decided_on=self._decided_on,
            before_arming=self._look, log=runtime.reporter.log, on_change=self._on_trading_change,
        )  # fmt: skip
        self.brain = BrainWatch(settings.safety.brain_timeout_s, settings.safety.brain_proof_beats)
        self.ops = SilenceWatch(settings.safety.ops_timeout_s)
        self.desk = Desk(
            wire=runtime.wire, endpoint=settings.wire.command, market=self.market, trading=self.trading,
            limits=self.limits, causes=self.causes, brain=self.brain, clock=clock, on_reject=self._on_reject,
            verdicts=VerdictLog(runtime.tap, clock),
        )  # fmt: skip
        self.trading.guard.place_own = self.desk.operate
        self._urgent = Urgent()
        self.emergencies = Emergencies(
            runtime=runtime, rest=self.rest, market=self.market, trading=self.trading, limits=self.limits,
            desk=self.desk, causes=self.causes, brain=self.brain, ops=self.ops, decided_on=self._decided_on,
            asleep=self._on_pause, urgent=self._urgent,
        )  # fmt: skip
        self.halt = self.emergencies.halt
        self.states = StatePublisher(
            publisher=self.publisher, account=self.trading.account, orders=self.trading.orders,
            engine_state=self.state, clock=clock,
        )  # fmt: skip
        self._links = self._make_links(ws_url, credentials)
        self._upkeep = Upkeep(
            instrument=self.instrument, rest=self.rest, market=self.market, candles=self.candles, clock=clock,
            log=runtime.reporter.log,
        )  # fmt: skip
        self._signals = SignalDesk(
            runtime=runtime, halt=self.halt, rehearsal=self.emergencies.rehearsal, limits=self.limits,
            trading=self.trading, ops=self.ops, clock=clock,
        )  # fmt: skip
        self._rejects: dict[str, tuple[int, OrderReject]] = {}
        runtime.vitals.add(legs(self))

    def _make_rest(self, session: aiohttp.ClientSession, url: str, credentials: Credentials) -> Rest:
        transport = HttpTransport(session, base_url=url, timeout_ms=self._settings.venue.request_timeout_ms)
        return Rest(
            transport, credentials=credentials, clock=self._clock, on_unexplained=self._on_unexplained,
            witness=self._witness,
        )  # fmt: skip

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
            "private": (self.trading.on_private_frame, self._on_private_link),
        }
        return {
            plan.name: Link(
                plan,
                on_frame=handlers[plan.name][0],
                on_state=handlers[plan.name][1],
                clock=self._clock,
                urgent=self._urgent,
                venue_wall_ns=lambda: self._clock.wall_ns() + self.rest.skew_ns,
                witness=NOBODY if plan.credentials is None else self._witness,
            )
            for plan in plans
        }

    async def run(self) -> int:
        """Until the process is told to stop. Returns the exit code."""
        settings = self._settings
        self._runtime.wire.subscriber(settings.wire.signal, [topology.SIGNAL], self._signals.on_signal, vital=True)
        self.emergencies.begin()
        if self.halt.halt_id is None:
            self.desk.open()  # what comes before the venue has been asked is refused: trading is HALTED
        try:
            await self._run_parts()
        except BaseExceptionGroup as group:
            raise _told_to_the_operator(group) or group from None
        finally:
            self.desk.verdicts.flush()
            self.limits.save()
            self._journal.close()
        return 0

    async def _run_parts(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                *(group.create_task(link.run()) for link in self._links.values()),
                *(group.create_task(work) for work in (
                    self.states.run(), *self.emergencies.work(), self._report(), self._upkeep.mend_candles(),
                    self._upkeep.mend_book(), self._upkeep.mend_trades(), self.trading.run(), self._shown.run(),
                    self.limits.keep(), keep_warm(self.desk, self.market, self.trading.reconciled, self._clock),
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
        self.candles.gaps.update(self._settings.brain.frames)  # also a link that moved may have missed a final row

    def _on_private_link(self, up: bool, reason: str) -> None:
        self._log_link(up, reason)
        self.trading.on_private_link(up, reason)

    def _send_private(self, message: dict[str, object]) -> bool:
        return self._links["private"].send(message)

    def _log_link(self, up: bool, reason: str) -> None:
        self._runtime.reporter.log("info" if up else "warning", reason)

    def _resubscribe_book(self) -> None:
        self._upkeep.resync_book(self._links["public"])

    def _decided_on(self) -> DecidedOn:
        """The present tick: what an order of the engine itself is decided on."""
        touch = self.market.touch
        return DecidedOn(tick_sequence=touch.sequence, timestamp_ns=touch.received_ns)

    def _on_pause(self, what: str) -> None:
        """Everything that is known is from before: ask the venue, and take no price until there is a new one."""
        self._runtime.reporter.log("error", f"{what}: everything is asked for anew")
        self.market.invalidate()
        self._resubscribe_book()
        self.trading.ask_anew()

    def _look(self) -> None:
        self.emergencies.vigil.look()

    def _on_unexplained(self, call: str, said: str) -> None:
        self.trading.unexplained(call, said)

    def _on_trading_change(self) -> None:
        self.states.changed()

    def _on_cause(self, cause: Cause, raised: bool) -> None:
        text = f"{cause.name}: {cause.detail}" if raised else f"{cause.name} is over"
        self._runtime.reporter.log("warning" if raised else "info", f"{text}; trading {self.causes.state.value}")
        self.states.changed()
        self.emergencies.on_cause(cause, raised)

    def _on_reject(self, reject: OrderReject) -> None:
        """Counted here, said once a second: the order path logs nothing."""
        count, _ = self._rejects.get(reject.rule, (0, reject))
        self._rejects[reject.rule] = count + 1, reject

    def _say_rejects(self) -> None:
        for count, last in self._rejects.values():
            text = f"{last.code} {last.rule}: observed {last.observed}, limit {last.limit}; {last.text}"
            self._runtime.reporter.log("warning", text if count == 1 else f"{text} ({count} in 1 s)")
        self._rejects.clear()

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
            problem = self.market.counters.last_problem or self.trading.private.counters.last_problem
            if problem and problem != said:
                said = problem
                self._runtime.reporter.log("warning", problem)
            await asyncio.sleep(1.0)

    @property
    def refused_peers(self) -> int:
        """Attempts to connect without the right keys, on any of our sockets."""
        return self._runtime.wire.refused_peers


def _told_to_the_operator(group: BaseExceptionGroup[BaseException]) -> StartError | None:
    """What only the operator can mend, found by one of the parts, however deep."""
    for error in group.exceptions:
        found = _told_to_the_operator(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, StartError):
            return found
    return None


def _open_journal(runtime: Runtime) -> Journal:
    directory = runtime.home.data / "journal"
    try:
        alone(directory)
        return Journal(directory / "orders.log")
    except BlockingIOError:
        raise StartError(f"journal: another engine has {directory}; `sovereign down` stops it") from None
    except OSError as error:
        raise StartError(f"journal: {error}; without it there is no trading; mend the data directory") from None
