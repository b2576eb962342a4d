"""Everything that the screen shows, as one frozen value.

Each part carries the machine's monotonic time at which it was heard; its age is computed where it is painted. A part
that was never heard is UNKNOWN, which is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from schemas.clock import NS_PER_MS
from schemas.messages import (
    AccountState,
    Alert,
    AuditTrail,
    Candle,
    Decision,
    EngineState,
    Flow,
    Heatmap,
    LogLine,
    MarketTick,
    Metrics,
    OrdersState,
    PositionsState,
    Receipt,
    Signal,
    Structure,
    SystemState,
)
from sovereign_tui.cockpit.series import Series

T_co = TypeVar("T_co", covariant=True)

LOG_LINES: Final = 1_000
CANDLES: Final = 600
"""Bars of each frame: what a chart of 200 columns shows three times over."""
DECISIONS: Final = 300
"""One a second and reason: five minutes at least."""
EQUITY_POINTS: Final = 1_800
"""One a second."""
METRICS_POINTS: Final = 240
"""One each half second."""
ALERTS: Final = 100


@dataclass(frozen=True, slots=True)
class Heard(Generic[T_co]):
    """A value and when it was heard, monotonic ns; both None: never."""

    value: T_co | None = None
    at_ns: int | None = None

    def age_ms(self, now_ns: int) -> float | None:
        """Age at `now_ns`; None if it was never heard."""
        return None if self.at_ns is None else max(0.0, (now_ns - self.at_ns) / NS_PER_MS)


class KillPhase(StrEnum):
    """How far our own kill key has come."""

    ASKING = "asking"  # the thread has it; nothing is known yet
    ANSWERED = "answered"  # ops has given its final answer
    FAILED = "failed"  # ops could not be asked, or broke off


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One press of the kill key on this screen. `pressed_ns`: monotonic. Only `receipt` proves anything."""

    number: int
    pressed_ns: int
    phase: KillPhase = KillPhase.ASKING
    receipt: Receipt | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the link of this screen has counted since its start; absolute numbers."""

    received: int = 0
    gaps: int = 0
    lost: int = 0
    malformed: int = 0
    restarts: int = 0
    last_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRate:
    """Ticks a second, by the sequence numbers of the stream."""

    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The whole screen."""

    engine: Heard[EngineState] = field(default_factory=Heard)
    tick: Heard[MarketTick] = field(default_factory=Heard)
    tick_rate: Heard[TickRate] = field(default_factory=Heard)
    decision: Heard[Decision] = field(default_factory=Heard)
    positions: Heard[PositionsState] = field(default_factory=Heard)
    orders: Heard[OrdersState] = field(default_factory=Heard)
    account: Heard[AccountState] = field(default_factory=Heard)
    system: Heard[SystemState] = field(default_factory=Heard)
    metrics: Heard[Metrics] = field(default_factory=Heard)
    pulse: Heard[Signal] = field(default_factory=Heard)
    """The last heartbeat of ops."""
    receipt: Heard[Receipt] = field(default_factory=Heard)
    """The last receipt that ops published, whoever asked."""
    flow: Heard[Flow] = field(default_factory=Heard)
    heatmap: Heard[Heatmap] = field(default_factory=Heard)
    structure: Heard[Structure] = field(default_factory=Heard)
    audit: Heard[AuditTrail] = field(default_factory=Heard)
    """What operators did, the last hundred."""
    candles: Mapping[str, Series[Candle]] = field(default_factory=lambda: MappingProxyType({}))
    """By frame; the key of a point is the opening time, ns."""
    decisions: Series[Decision] = ()
    """By second, direction and reason, the newest of each."""
    equity: Series[float] = ()
    """The account's equity, by the second of its stamp."""
    metrics_past: Series[Mapping[str, float]] = ()
    """The metrics, by half seconds."""
    candle: Heard[Candle] = field(default_factory=Heard)
    """The last that was heard, of any frame."""
    alerts: Mapping[tuple[str, int], Heard[Alert]] = field(default_factory=lambda: MappingProxyType({}))
    """By kind and beginning; those that are over stay, until newer ones push them out."""
    log: tuple[LogLine, ...] = ()
    log_at_ns: int | None = None
    kill: Kill | None = None
    counts: Counts = Counts()

    @property
    def halt_id(self) -> str | None:
        """The halt that stands, by the engine's own word, else by that of ops."""
        if self.engine.value is not None:
            return self.engine.value.halt_id
        return None if self.system.value is None else self.system.value.halt_id

    @property
    def standing(self) -> tuple[Alert, ...]:
        """The alerts that are not over, the oldest first."""
        found = [heard.value for heard in self.alerts.values() if heard.value is not None and heard.value.active]
        return tuple(sorted(found, key=lambda alert: (alert.since_ns, alert.kind)))
