"""What is true now: published whole each time, so that a late or lossy reader converges.

Decimal for money, prices of orders and sizes (contracts); float for signals; None where it is not known.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec


class TradingState(StrEnum):
    """How much the engine lets through: the worst of its causes."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"  # only what shrinks a position
    HALTED = "HALTED"  # nothing but cancels


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for a trading state; `forces` is the state that it demands."""

    name: str
    since_ns: int
    detail: str
    forces: TradingState


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """Topic state.engine. Ages in ms, None before the first sign of life."""

    timestamp_ns: int
    state: TradingState
    causes: tuple[Cause, ...]
    venue: str
    instrument: str
    halt_id: str | None
    authority_pct: float
    brain_age_ms: float | None
    ops_age_ms: float | None
    feed_age_ms: float | None
    last_tick_sequence: int
    max_order_contracts: Decimal | None
    lot: Decimal | None
    minimum: Decimal | None
    contract_value: Decimal | None
    counters: dict[str, int]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the engine knows it. `kind`: entry or protection."""

    client_order_id: str
    venue_order_id: str
    intent_id: str
    instrument: str
    side: str
    contracts: Decimal
    filled_contracts: Decimal
    average_price: Decimal | None
    state: str
    reduce_only: bool
    tp_price: Decimal | None
    sl_price: Decimal | None
    limit_price: Decimal | None
    kind: str
    fee: Decimal
    updated_ns: int


class OrdersState(msgspec.Struct, frozen=True, kw_only=True):
    """Topic state.orders. `recent` holds ended orders, newest first."""

    timestamp_ns: int
    working: tuple[OrderView, ...]
    recent: tuple[OrderView, ...]


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One position; `contracts` is negative when short. `tp_price`, `sl_price`: what the venue holds for it."""

    instrument: str
    contracts: Decimal
    average_price: Decimal | None
    mark_price: Decimal | None
    unrealised: Decimal | None
    liquidation_price: Decimal | None
    tp_price: Decimal | None
    sl_price: Decimal | None
    leverage: Decimal | None
    margin: Decimal | None
    updated_ns: int


class PositionsState(msgspec.Struct, frozen=True, kw_only=True):
    """Topic state.positions. Flat instruments are absent."""

    timestamp_ns: int
    positions: tuple[PositionView, ...]


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """Topic state.account. `realised_today` without fees; `fees_today` negative when charged."""

    timestamp_ns: int
    currency: str
    equity: Decimal | None
    available: Decimal | None
    realised_today: Decimal | None
    fees_today: Decimal | None


class ProcessView(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised process; pid 0: none. `reason` says why it ended, or why it is not up, "" while it is.

    `last_exit` says why the run before this one ended, as long as ops lives; "" for the first.
    `loop_lag_*_ms`: how late its event loop wakes, of the last 10 s. `open_files` counts descriptors.
    """

    name: str
    pid: int
    state: str
    restarts: int
    heartbeat_age_ms: float | None
    reason: str
    cpu_pct: float | None = None
    memory_mb: float | None = None
    open_files: int | None = None
    open_files_limit: int | None = None
    loop_lag_p99_ms: float | None = None
    loop_lag_max_ms: float | None = None
    last_exit: str = ""


class SystemState(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.system."""

    timestamp_ns: int
    processes: tuple[ProcessView, ...]
    venue: str
    halt_id: str | None


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.log: one event worth showing. `level`: debug, info, warning, error."""

    timestamp_ns: int
    process: str
    level: str
    text: str


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.metrics: dotted name, unit as suffix -> value."""

    timestamp_ns: int
    values: dict[str, float]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Topic ops.alert: something that a person has to look at. Pushed again and again while it stands.

    `kind`: halt, brain_death, unprotected_position, loss_80, process_fatal, stale_feed; with `since_ns` (wall time) it
    names the alert. `level`: warning, error. `active` False: it is over. `acknowledged_by`: who said that he has seen
    it, "" while nobody has; one that ends and comes again is a new alert.
    """

    kind: str
    text: str
    since_ns: int
    level: str
    active: bool
    acknowledged_by: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a HALT, or to a FLATTEN. All `_ns` but `wall_ns` are the machine's monotonic clock, in the order
    in which the steps are taken; None: that step is not known to be done.

    `id` is the halt that stands, `asked` the HALT that this receipt answers: the same for the one that began it.
    `path`: how it came: signal, SIGUSR1, halt file, trip, or latch (found at a start). `requested_ns` is when it was
    asked for, `received_ns` when the engine heard of it. `canceled`: cancels sent; `dropped`: orders that had not left
    for the venue; `chased`: orders that were on their way to it. `verified` only when the venue itself said that
    nothing is open. `flatten`: positions were to be closed too; `position_contracts` is what the venue says is held,
    `flat_ns` when it first said zero. `key` and `signature`: see schemas.receipts.
    """

    id: str
    requested_ns: int
    latched_ns: int | None = None
    port_closed_ns: int | None = None
    cancels_sent_ns: int | None = None
    venue_confirmed_ns: int | None = None
    open_orders: int | None = None
    total_ms: float | None = None
    issuer: str = ""
    reason: str = ""
    verified: bool = False
    problems: tuple[str, ...] = ()
    asked: str = ""
    path: str = ""
    wall_ns: int = 0
    received_ns: int | None = None
    canceled: int = 0
    dropped: int = 0
    chased: int = 0
    flatten: bool = False
    position_contracts: Decimal | None = None
    close_sent_ns: int | None = None
    flat_ns: int | None = None
    key: str = ""
    signature: str = ""

    @property
    def done(self) -> bool:
        """The venue has confirmed all that was asked for."""
        return self.verified and (not self.flatten or self.flat_ns is not None)
