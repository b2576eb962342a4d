"""The trading state is derived, never set: causes are raised and cleared by their own watchers, the worst one rules."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from schemas.clock import Clock
from schemas.messages import Cause, TradingState


class CauseName(StrEnum):
    """Every reason for not being ACTIVE."""

    RECONCILING = "reconciling"
    OPERATOR_HALT = "operator_halt"
    ENGINE_HALT = "engine_halt"
    SHUTTING_DOWN = "shutting_down"
    ORDER_UNKNOWN = "order_unknown"
    LIFECYCLE_ERROR = "lifecycle_error"
    VENUE_DOWN = "venue_down"
    FEED_STALE = "feed_stale"
    BOOK_INVALID = "book_invalid"
    BRAIN_DEAD = "brain_dead"
    BRAIN_RETURNING = "brain_returning"
    ENGINE_SLOW = "engine_slow"
    OPS_LOST = "ops_lost"
    CLOCK_SKEW = "clock_skew"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    THROTTLED = "throttled"
    UNPROTECTED = "unprotected"
    UNEXPLAINED = "unexplained"
    JOURNAL_LOST = "journal_lost"
    FOREIGN_POSITION = "foreign_position"


FORCES: Final[dict[CauseName, TradingState]] = {
    CauseName.RECONCILING: TradingState.HALTED,
    CauseName.OPERATOR_HALT: TradingState.HALTED,
    CauseName.ENGINE_HALT: TradingState.HALTED,
    CauseName.SHUTTING_DOWN: TradingState.HALTED,
    CauseName.ORDER_UNKNOWN: TradingState.HALTED,
    CauseName.LIFECYCLE_ERROR: TradingState.HALTED,
    CauseName.VENUE_DOWN: TradingState.REDUCING,
    CauseName.FEED_STALE: TradingState.REDUCING,
    CauseName.BOOK_INVALID: TradingState.REDUCING,
    CauseName.BRAIN_DEAD: TradingState.REDUCING,
    CauseName.BRAIN_RETURNING: TradingState.REDUCING,
    CauseName.ENGINE_SLOW: TradingState.REDUCING,
    CauseName.OPS_LOST: TradingState.REDUCING,
    CauseName.CLOCK_SKEW: TradingState.REDUCING,
    CauseName.DAILY_LOSS: TradingState.REDUCING,
    CauseName.DRAWDOWN: TradingState.REDUCING,
    CauseName.THROTTLED: TradingState.REDUCING,
    CauseName.UNPROTECTED: TradingState.REDUCING,
    CauseName.UNEXPLAINED: TradingState.REDUCING,
    CauseName.JOURNAL_LOST: TradingState.REDUCING,
    CauseName.FOREIGN_POSITION: TradingState.REDUCING,
}
"""What each cause demands."""

_WORST_FIRST: Final = (TradingState.HALTED, TradingState.REDUCING)


class TradingCauses:
    """The causes that stand now. `on_change(cause, raised)` hears of every change.

    `state` and `names` (worst first) follow from them; every order is judged with both, so they are kept.
    RECONCILING stands from the start, without being announced.
    """

    def __init__(self, *, clock: Clock, on_change: Callable[[Cause, bool], None]) -> None:
        self._clock = clock
        self._on_change = on_change
        self._standing: dict[CauseName, Cause] = {}
        self.state = FORCES[CauseName.RECONCILING]
        self._standing[CauseName.RECONCILING] = Cause(
            name=CauseName.RECONCILING.value, since_ns=clock.wall_ns(), detail="asking the venue", forces=self.state
        )
        self.names = CauseName.RECONCILING.value

    def hold(self, name: CauseName, stands: bool, detail: str = "") -> None:
        """Raise or clear one cause; saying the same again changes nothing."""
        if stands == (name in self._standing):
            return
        if stands:
            cause = Cause(name=name.value, since_ns=self._clock.wall_ns(), detail=detail, forces=FORCES[name])
            self._standing[name] = cause
        else:
            cause = self._standing.pop(name)
        forced = {standing.forces for standing in self._standing.values()}
        self.state = next((state for state in _WORST_FIRST if state in forced), TradingState.ACTIVE)
        self.names = ", ".join(each.name for each in self.standing())
        self._on_change(cause, stands)

    def stands(self, name: CauseName) -> bool:
        """Is this cause raised?"""
        return name in self._standing

    def standing(self) -> tuple[Cause, ...]:
        """All of them, worst first, then oldest first."""
        return tuple(
            sorted(self._standing.values(), key=lambda cause: (_WORST_FIRST.index(cause.forces), cause.since_ns))
        )
