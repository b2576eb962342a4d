"""Ops put together: lock, sockets, processes, control socket, and the turns that keep the system informed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Set
from typing import Final

from schemas.clock import NS_PER_S
from schemas.messages import Decision, LogLine, Receipt, SignalKind, SystemState
from schemas.printable import printable
from schemas.process import EXIT_FAILED, EXIT_OK, Runtime, StartError
from schemas.settings.venues import PAPER
from schemas.topology import BRAIN, ENGINE, EXCHANGE, OPS
from sovereign_tui.ops import plan
from sovereign_tui.ops.adjust import AdjustDesk
from sovereign_tui.ops.alert_desk import AlertDesk
from sovereign_tui.ops.arming import RECORDS
from sovereign_tui.ops.aside import Spaced
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.audit import TAPE_FILE, AuditDesk
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.commands import Commands
from sovereign_tui.ops.control import Control
from sovereign_tui.ops.exchange_pulse import ask_exchange
from sovereign_tui.ops.fleet import Fleet, Plan
from sovereign_tui.ops.halts import HaltDesk
from sovereign_tui.ops.hangs import HangWatch
from sovereign_tui.ops.hub import Hub
from sovereign_tui.ops.paper import TURN_S, PaperRun
from sovereign_tui.ops.pidfile import AlreadyRunning, HomeLock
from sovereign_tui.ops.place import place_to_trade
from sovereign_tui.ops.prometheus import UNKNOWN, Exporter, Snapshot
from sovereign_tui.ops.rehearsal import RehearsalDesk
from sovereign_tui.ops.resume import ResumeDesk
from sovereign_tui.ops.status import Picture
from sovereign_tui.ops.supervisor import State
from sovereign_tui.ops.telemetry import Intake, Listeners
from sovereign_tui.ops.usage import Usage
from sovereign_tui.ops.watch import Watch

VIEW_S: Final = 0.5
_AUDIT_EVERY_S: Final = 0.1
"""The whole trail is told each time: a flood of commands must not become a flood of trails."""
_RECKON_EVERY_S: Final = 0.025
_USAGE_TURNS: Final = 4
_HAS_SPOKEN: Final = frozenset({State.RUNNING, State.HUNG, State.STOPPING})
"""States of a process whose words are its own, and not those of the one before it."""
LOCK_FILE: Final = "ops.lock"


async def run(runtime: Runtime, commands: Plan = plan) -> int:
    """Ops until it is told to stop; on return nothing that it supervised is left. `commands`: what to start."""
    remote = place_to_trade(runtime)
    try:
        lock = HomeLock(runtime.home.runtime / LOCK_FILE)
    except AlreadyRunning as error:
        raise StartError(str(error), code=EXIT_FAILED) from None
    except OSError as error:
        raise StartError(f"{runtime.home.runtime / LOCK_FILE}: {error.strerror}; make it writable") from None
    failure: StartError | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            try:
                await Ops(runtime, tasks, commands, remote).serve()
            except StartError as error:  # nothing was started yet; a group would wrap it
                failure = error
    finally:
        lock.release()
    if failure is not None:
        raise failure
    return EXIT_OK


class Ops:
    """The parts, and who tells whom."""

    def __init__(
        self, runtime: Runtime, tasks: asyncio.TaskGroup, commands: Plan, remote: plan.Venue | None
    ) -> None:  # fmt: skip
        """Binds the sockets. Raises: StartError."""
        home, settings, clock = runtime.home, runtime.settings, runtime.clock
        self._runtime = runtime
        self._tasks = tasks
        self._intake = Intake(clock)
        self._hub = Hub(wire=runtime.wire, settings=settings, clock=clock, intake=self._intake)
        self._watch = Watch(settings=settings, clock=clock)
        self._usage = Usage()
        self._fleet = Fleet(
            home=home, settings=settings, clock=clock, tasks=tasks, on_change=self._on_change, commands=commands,
            remote=remote,
        )  # fmt: skip
        self._halts = HaltDesk(
            home=home, clock=clock, hub=self._hub, deadline_s=settings.safety.halt_deadline_s,
            engine=lambda: self._fleet.children[ENGINE].state, on_foreign=self._on_foreign_halt,
            poke=lambda: self._fleet.children[ENGINE].send(signal.SIGUSR2),
        )  # fmt: skip
        self._hangs = HangWatch(
            children=self._fleet.children, pulse_ns=self._intake.pulse_ns, clock=clock, log=self._log
        )  # fmt: skip
        asker = Asker(self._hub)
        resumes = ResumeDesk(halts=self._halts, asker=asker, engine=self._watch.engine)
        self._picture = Picture(
            settings=settings, clock=clock, children=self._fleet.children, hub=self._hub, watch=self._watch,
            halts=self._halts, usage=self._usage,
        )  # fmt: skip
        self._alerts = AlertDesk(
            settings=settings, clock=clock, children=self._fleet.children, engine=self._watch.engine,
            halt_id=self._picture.halt_id, metric=self._intake.metric, publish=self._hub.alert, log=self._log,
        )  # fmt: skip
        self._picture.alerts = self._alerts.standing
        self._audit = AuditDesk(
            path=home.data / TAPE_FILE, clock=clock, publish=Spaced(self._hub.audit, _AUDIT_EVERY_S), log=self._log
        )  # fmt: skip
        understood = Commands(
            audit=self._audit, alerts=self._alerts, rehearsals=RehearsalDesk(asker=asker, clock=clock, log=self._log),
            picture=self._picture, halts=self._halts, resumes=resumes, start=self._start_anew, stop=self._stop,
            log=self._log, adjust=AdjustDesk(asker=asker, settings=settings, running=self._hearing, log=self._log),
        )  # fmt: skip
        self._control = Control(home.control_socket, understood, tap=runtime.tap)
        self._exporter = Exporter()
        self._stopped: asyncio.Task[None] | None = None
        self._intake.listeners = Listeners(
            on_pulse=self._on_pulse,
            on_log=self._hub.log,
            on_decision=self._on_decision,
            on_halt_ack=self._halts.on_ack,
            on_signal_ack=asker.on_ack,
            on_heatmap=self._hub.heatmap,
            on_flow=self._hub.flow,
            on_structure=self._hub.structure,
        )

    async def serve(self) -> None:
        """Everything, until `down` or SIGTERM; then the system is stopped in order."""
        self._watch.open(self._runtime.wire, self._runtime.settings.wire.market)
        if port := self._runtime.settings.ops.prometheus_port:
            self._exporter.open(port)
        self._audit.recall()
        try:
            await self._control.open()
        except OSError as error:
            raise StartError(f"{self._runtime.home.control_socket}: {error.strerror}; remove what is there") from None
        turns = [
            self._tasks.create_task(turn(), name=turn.__name__)
            for turn in (self._beat, self._show, self._reckon, self._halts.repeat, self._audit.keep)
        ]
        turns.append(self._tasks.create_task(self._runtime.vitals.run(self._intake), name="vitals"))
        turns += [self._tasks.create_task(work, name="alerts") for work in self._alerts.workers()]
        if exchange := self._fleet.children.get(EXCHANGE):
            pulse = ask_exchange(exchange, lambda: self._fleet.exchange_url, self._intake.pulse)
            turns.append(self._tasks.create_task(pulse, name="the exchange's heartbeat"))
        if self._runtime.settings.venue.name == PAPER:
            turns.append(self._tasks.create_task(self._rehearse(), name="the paper run"))
        if (found := self._halts.recall()) is not None and not self._audit.mentions(found.id):
            self._note_halt(found)
        self._fleet.begin()
        await self._runtime.stopping.wait()
        await self._stop("signal", lambda name: None)
        await self._control.close()
        self._audit.close()
        self._hub.signal(SignalKind.SHUTDOWN, issuer=OPS, reason="the system is down")
        for task in turns:
            task.cancel()
        await asyncio.to_thread(self._exporter.close)

    def _hearing(self) -> Set[str]:
        """Who hears signals now."""
        children = self._fleet.children
        return {name for name in (ENGINE, BRAIN) if name in children and children[name].state is State.RUNNING}

    def _start_anew(self, issuer: str) -> list[str]:
        """What was given up or never started."""
        names = self._fleet.start_anew()
        if names:
            self._log("warning", f"started anew by {issuer}: {', '.join(names)}")
        return names

    async def _stop(self, issuer: str, progress: Callable[[str], None]) -> None:
        """Stops the fleet, once; everybody who asks waits for the same end."""

        def tell(name: str) -> None:
            progress(name)
            self._hub.signal(SignalKind.SHUTDOWN, issuer=issuer, reason="down", target=name)

        if self._stopped is None:
            self._log("info", f"the system is stopped by {issuer}")
            self._stopped = self._tasks.create_task(self._fleet.stop(tell), name="stop")
        await asyncio.shield(self._stopped)
        self._runtime.stopping.set()

    async def _beat(self) -> None:
        interval_s = self._runtime.settings.ops.heartbeat_ms / 1_000
        while True:
            self._hub.heartbeat()
            await asyncio.sleep(interval_s)

    async def _rehearse(self) -> None:
        """Keeps the record of a paper run, until it is cancelled."""
        run = PaperRun(
            directory=self._runtime.home.data / RECORDS, settings=self._runtime.settings, clock=self._runtime.clock,
            trading=self._picture.is_trading, complain=lambda text: self._log("error", text),
        )  # fmt: skip
        try:
            while True:
                run.turn()
                await asyncio.sleep(TURN_S)
        finally:
            run.end()

    async def _reckon(self) -> None:
        """All quantiles within a second, one after the other."""
        while True:
            self._intake.latencies.refresh()
            await asyncio.sleep(_RECKON_EVERY_S)

    async def _show(self) -> None:
        turn = 0
        while True:
            if turn % _USAGE_TURNS == 0:
                self._usage.sample(view.pid for view in self._picture.processes())
            turn += 1
            self._hangs.look()
            if not self._fleet.stopping:
                self._alerts.turn()
            system = self._picture.system()
            metrics = self._intake.metrics() | self._picture.counters() | self._alert_counters()
            self._hub.system(system)
            self._hub.metrics(metrics)
            self._export(system, metrics)
            await asyncio.sleep(VIEW_S)

    def _export(self, system: SystemState, metrics: dict[str, float]) -> None:
        state = self._watch.engine().state
        self._exporter.show(
            Snapshot(
                state=state.state.value if state is not None else UNKNOWN,
                causes=state.causes if state is not None else (),
                halt_id=system.halt_id, alerts=self._alerts.standing(), processes=system.processes, metrics=metrics,
                legs=self._intake.latencies.read(),
            )
        )  # fmt: skip

    def _alert_counters(self) -> dict[str, float]:
        return {f"{OPS}.{name}": float(count) for name, count in self._alerts.counters.items()}

    def _on_pulse(self, process: str, pid: int) -> None:
        child = self._fleet.children.get(process)
        if child is not None:
            child.ready(pid)

    def _on_decision(self, decision: Decision) -> None:
        self._watch.on_decision(decision)
        self._hub.decision(decision)

    def _on_foreign_halt(self, receipt: Receipt) -> None:
        self._log("error", f"HALT {receipt.id} by {receipt.path} ({receipt.issuer}): {receipt.reason}")
        self._note_halt(receipt)

    def _note_halt(self, receipt: Receipt) -> None:
        """A halt that no command of ours has asked for."""
        outcome = self._halts.outcome()
        if outcome is not None:
            self._audit.begin_halt(
                receipt, outcome, action="halt", issuer=receipt.issuer, detail=f"{receipt.path}: {receipt.reason}"
            )  # fmt: skip

    def _on_change(self, child: Child) -> None:
        if child.name == ENGINE and child.state not in _HAS_SPOKEN:
            self._watch.forget_engine()
        bad = child.state in {State.BACKOFF, State.FATAL}
        why = f": {child.life.reason}" if bad and child.life.reason else ""
        self._log(
            "error" if child.state is State.FATAL else "warning" if bad else "info", f"{child.name}: {child.state}{why}"
        )
        self._hub.system(self._picture.system())

    def _log(self, level: str, text: str) -> None:
        text = printable(text)  # a reason is the operator's, an output a process'
        with contextlib.suppress(OSError, ValueError):  # the log file is full or gone: the screens still get it
            stamp = self._runtime.clock.wall_ns() // NS_PER_S
            sys.stderr.write(f"{stamp} {OPS}: {level}: {text}\n")
            sys.stderr.flush()
        self._hub.log(LogLine(timestamp_ns=self._runtime.clock.wall_ns(), process=OPS, level=level, text=text))
