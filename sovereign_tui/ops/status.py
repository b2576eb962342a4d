"""The system in one JSON object: what `status` answers, and what cockpits get on ops.system. Unknown is null."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, TypedDict

import msgspec

from schemas.clock import Clock
from schemas.messages import Alert, Decision, ProcessView, SystemState, TradingState
from schemas.settings import Settings
from schemas.topology import OPS
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.halts import HaltDesk
from sovereign_tui.ops.hub import Hub
from sovereign_tui.ops.supervisor import State
from sovereign_tui.ops.usage import Usage
from sovereign_tui.ops.watch import Watch

RECONCILING: Final = "reconciling"
BRAIN_DEAD: Final = "brain_dead"


class _LoopLag(TypedDict):
    """Of one very process; None: it has not said."""

    loop_lag_p99_ms: float | None
    loop_lag_max_ms: float | None


class Picture:
    """Puts together what the parts know."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        children: Mapping[str, Child],
        hub: Hub,
        watch: Watch,
        halts: HaltDesk,
        usage: Usage,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._children = children
        self._hub = hub
        self._watch = watch
        self._halts = halts
        self._usage = usage
        self.alerts: Callable[[], tuple[Alert, ...]] = tuple

    def halt_id(self) -> str | None:
        """The standing halt: as the engine says, else as its next start will find it."""
        standing = self._halts.standing_file
        return self._watch.engine().halt_id or (standing.id if standing else None)

    def processes(self) -> tuple[ProcessView, ...]:
        """Ops, and what it supervises, in order of start."""
        ours = ProcessView(
            name=OPS, pid=os.getpid(), state=State.RUNNING, restarts=0,
            heartbeat_age_ms=self._hub.heartbeat_age_ms(), reason="", **self._usage.of(os.getpid()),
            **self._loop_lag(OPS, os.getpid()),
        )  # fmt: skip
        return (ours, *(self._process(child) for child in self._children.values()))

    def system(self) -> SystemState:
        """For the topic ops.system."""
        return SystemState(
            timestamp_ns=self._clock.wall_ns(), processes=self.processes(),
            venue=self._settings.venue.name, halt_id=self.halt_id(),
        )  # fmt: skip

    def waiting_for(self) -> list[str]:
        """What is not up yet, one line each; empty: the system is up."""
        lacks = [f"{child.name}: {child.state}" for child in self._children.values() if child.state != State.RUNNING]
        view = self._watch.engine()
        if view.state is None:
            lacks.append("the engine's state")
        elif any(cause.name == RECONCILING for cause in view.state.causes):
            lacks.append("the engine's reconciliation with the venue")
        elif any(cause.name == BRAIN_DEAD for cause in view.state.causes):
            lacks.append("the brain's first heartbeat at the engine")
        age = self._watch.market().tick_age_ms
        if age is None or age > self._settings.risk.feed_silence_ms:
            lacks.append("ticks")
        return lacks

    def is_trading(self) -> bool:
        """Whether the system is up, with fresh prices, and not halted."""
        state = self._watch.engine().state
        return state is not None and state.state is not TradingState.HALTED and not self.waiting_for()

    def counters(self) -> dict[str, int]:
        """What ops itself has counted."""
        counted = {
            **self._hub.intake.counters,
            "latencies_missed": self._hub.intake.latencies.missed,
            "refused_peers": self._hub.refused_peers,
            "state_gaps": self._watch.gaps(),
            "state_malformed": self._watch.malformed,
        }
        return {f"{OPS}.{name}": value for name, value in counted.items()}

    def status(self) -> dict[str, Any]:
        """Everything."""
        engine = self._watch.engine().state
        positions, orders = self._watch.positions(), self._watch.orders()
        waiting = self.waiting_for()
        counters = dict(engine.counters) if engine else {}
        counters |= self.counters()
        fields: dict[str, Any] = msgspec.to_builtins(
            {
                "state": engine.state if engine else "UNKNOWN",
                "up": not waiting,
                "waiting_for": waiting,
                "causes": engine.causes if engine else None,
                "venue": self._settings.venue.name,
                "halt_id": self.halt_id(),
                "authority_pct": engine.authority_pct if engine else None,
                "processes": [self._process_fields(view) for view in self.processes()],
                "market": _struct_fields(self._watch.market()),
                "signal": _signal(self._watch.decision()),
                "positions": positions.positions if positions else None,
                "orders": {"working": orders.working, "recent": orders.recent} if orders else None,
                "account": self._watch.account(),
                "counters": counters,
                "alerts": self.alerts(),
                "latency": self._hub.intake.latencies.read(),
            }
        )
        return fields

    def _process(self, child: Child) -> ProcessView:
        return ProcessView(
            name=child.name, pid=child.pid, state=child.state, restarts=child.life.restarts,
            heartbeat_age_ms=self._hub.intake.pulse_age_ms(child.name, child.pid), reason=child.life.reason,
            last_exit=child.life.last_exit, **self._usage.of(child.pid), **self._loop_lag(child.name, child.pid),
        )  # fmt: skip

    def _loop_lag(self, name: str, pid: int) -> _LoopLag:
        metric = self._hub.intake.metric
        return _LoopLag(
            loop_lag_p99_ms=metric(name, pid, "loop_lag_p99_ms"), loop_lag_max_ms=metric(name, pid, "loop_lag_max_ms")
        )

    def _process_fields(self, view: ProcessView) -> dict[str, Any]:
        child = self._children.get(view.name)
        troubled = child is not None and child.state in {State.FATAL, State.BACKOFF}
        return {
            **_struct_fields(view),
            "pid": view.pid or None,
            "exit_code": child.life.exit_code if child is not None else None,
            "last_lines": child.last_lines() if child is not None and troubled else (),
        }


def _struct_fields(value: object) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(value)
    return fields


def _signal(found: tuple[float, Decision] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    age_ms, decision = found
    return {
        "age_ms": age_ms,
        "sequence": decision.sequence,
        "direction": decision.direction,
        "why_not": decision.why_not,
        "why_not_text": decision.why_not_text,
        "intent_id": decision.intent_id,
        "model": decision.model,
        "model_score": decision.model_score,
        "unknown": {each.part: each.reason for each in decision.unknown},
        "frames": {scores.frame: _frame(_struct_fields(scores)) for scores in decision.frames},
    }


def _frame(fields: dict[str, Any]) -> dict[str, Any]:
    votes = {name: fields.pop(f"{name}_vote") for name in ("trend", "book", "flow")}
    return {**fields, "votes": votes}
