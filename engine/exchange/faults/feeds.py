"""Faults of the public channels: silence, and final candles that come late or never. Pure; the feed asks and sends."""

from __future__ import annotations

from engine.exchange.faults.switchboard import Switchboard
from schemas.clock import NS_PER_MS

Row = list[str]


class Silence:
    """Whether the book channels keep silent."""

    def __init__(self, faults: Switchboard) -> None:
        self._faults = faults
        self._until_ns: int | None = None
        self._clears = 0

    def holds(self, *, heard: bool) -> bool:
        """Asked at every beat. `heard`: whether anybody listens, since nobody else could notice that it begins."""
        if self._until_ns is not None:
            if self._faults.now_ns() < self._until_ns and self._clears == self._faults.clears("silent_book"):
                return True
            self._until_ns = None
        fault = self._faults.strikes("silent_book") if heard else None
        if fault is not None:
            self._until_ns = self._faults.now_ns() + fault.delay_ms * NS_PER_MS
            self._clears = self._faults.clears("silent_book")
        return fault is not None


class FinalRows:
    """The confirm 1 rows that are held back."""

    def __init__(self, faults: Switchboard) -> None:
        self._faults = faults
        self._late: list[tuple[int, str, Row]] = []

    def passes(self, bar: str, row: Row) -> bool:
        """Whether a final row goes out now. One that does not is kept for `due`, or lost."""
        if self._faults.strikes("final_candle_missing") is not None:
            return False
        fault = self._faults.strikes("final_candle_late")
        if fault is None:
            return True
        self._late.append((self._faults.now_ns() + fault.delay_ms * NS_PER_MS, bar, row))
        return False

    def due(self) -> list[tuple[str, Row]]:
        """What was late until now, oldest first."""
        if not self._late:
            return []
        now_ns = self._faults.now_ns()
        over = [(bar, row) for due_ns, bar, row in self._late if now_ns >= due_ns]
        self._late = [late for late in self._late if now_ns < late[0]]
        return over
