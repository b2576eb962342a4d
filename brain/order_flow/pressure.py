"""Trade pressure: who takes, over a window of the venue's time or of traded volume. Sizes in contracts.

Both windows keep their trades in the venue's order (time, then trade id), whatever the order in which they came: a
late trade that still lies inside counts, and leaves when its time has come. What is too late is dropped and counted.
So each window holds the same after the same trades in any order.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from brain.order_flow.units import LARGEST, SMALLEST, UNITS, contracts_of, units_of
from schemas.clock import NS_PER_S

_Entry = tuple[int, int, int, bool]
"""Venue time ns, trade id, units, did the taker buy?"""
_NEVER: Final = -1


def _insert(trades: deque[_Entry], entry: _Entry) -> None:
    """Where it belongs; nearly always at the end."""
    if not trades or trades[-1][:2] <= entry[:2]:
        trades.append(entry)
        return
    at = len(trades) - 1
    while at and trades[at - 1][:2] > entry[:2]:
        at -= 1
    trades.insert(at, entry)


class TradeWindow:
    """Trades of the last `window_ns` by the venue's clock.

    Time moves with the newest trade or tick and never back. `dropped`: trades that came when their time had left.
    """

    __slots__ = ("_bought", "_newest_ns", "_total", "_trades", "_window_ns", "dropped")

    def __init__(self, window_ns: int) -> None:
        if window_ns <= 0:
            raise ValueError(f"the window is {window_ns} ns, more than 0 is needed")
        self._window_ns = window_ns
        self._newest_ns = 0
        self._total = 0
        self._bought = 0
        self._trades: deque[_Entry] = deque()
        self.dropped = 0

    def add(self, exchange_ns: int, size: float, *, bought: bool, trade_id: int = 0) -> None:
        """One trade; `bought` if the taker bought. What is no size is ignored."""
        if SMALLEST <= size <= LARGEST:
            self.put(exchange_ns, units_of(size), bought, trade_id)

    def put(self, exchange_ns: int, units: int, bought: bool, trade_id: int) -> None:
        """One trade whose size is known to be one, in units."""
        if exchange_ns <= self._newest_ns - self._window_ns:
            self.dropped += 1
            return
        _insert(self._trades, (exchange_ns, trade_id, units, bought))
        self._total += units
        self._bought += units * bought
        self.advance(exchange_ns)

    def advance(self, exchange_ns: int) -> None:
        """The venue's clock is at least here."""
        if exchange_ns > self._newest_ns:
            self._newest_ns = exchange_ns
        edge = self._newest_ns - self._window_ns
        trades = self._trades
        while trades and trades[0][0] <= edge:
            _, _, units, bought = trades.popleft()
            self._total -= units
            self._bought -= units * bought

    @property
    def begins_ns(self) -> int:
        """What happened after this counts, by the venue's clock."""
        return self._newest_ns - self._window_ns

    def pressure(self) -> float | None:
        """Buy share of the traded volume in [0, 1]; None where nothing was traded. Source: SPEC.md 7, layer 2."""
        return self._bought / self._total if self._total else None

    def why_unknown(self) -> str:
        """Why pressure() is None."""
        return f"no trade in {self._window_ns / NS_PER_S:g} s"


class VolumeWindow:
    """The last `contracts` that were traded, however long that took; of the trade at the edge the later part counts.

    `dropped`: trades that came when as much as the window holds had been traded after them.
    """

    __slots__ = ("_bought", "_edge", "_total", "_trades", "_window", "dropped")

    def __init__(self, contracts: float) -> None:
        if not SMALLEST <= contracts <= LARGEST:
            raise ValueError(f"the window is {contracts} contracts, from {SMALLEST:g} to {LARGEST:g} are possible")
        self._window = units_of(contracts)
        self._total = 0
        self._bought = 0
        self._trades: deque[_Entry] = deque()
        self._edge: tuple[int, int] = (_NEVER, 0)
        self.dropped = 0

    def add(self, exchange_ns: int, size: float, *, bought: bool, trade_id: int = 0) -> None:
        """One trade; `bought` if the taker bought. What is no size is ignored."""
        if SMALLEST <= size <= LARGEST:
            self.put(exchange_ns, units_of(size), bought, trade_id)

    def put(self, exchange_ns: int, units: int, bought: bool, trade_id: int) -> None:
        """One trade whose size is known to be one, in units."""
        if (exchange_ns, trade_id) < self._edge:
            self.dropped += 1
            return
        trades = self._trades
        _insert(trades, (exchange_ns, trade_id, units, bought))
        self._total += units
        self._bought += units * bought
        while (over := self._total - self._window) > 0:
            when, which, units, bought = trades.popleft()
            gone = min(over, units)
            self._total -= gone
            self._bought -= gone * bought
            self._edge = (when, which)
            if gone < units:
                trades.appendleft((when, which, units - gone, bought))

    def advance(self, exchange_ns: int) -> None:
        """Time alone changes nothing here."""

    @property
    def begins_ns(self) -> int:
        """What happened from here on counts, by the venue's clock."""
        return self._trades[0][0] if self._trades else 0

    def pressure(self) -> float | None:
        """Buy share of the volume in [0, 1]; None before as much was traded as the window holds.

        Source: SPEC.md 7, layer 2; a window of volume in place of time: Easley, Lopez de Prado, O'Hara, Flow Toxicity
        and Liquidity in a High-Frequency World (2012), 2 (volume buckets), here sliding.
        """
        return self._bought / self._total if self._total == self._window else None

    def why_unknown(self) -> str:
        """Why pressure() is None."""
        return f"{contracts_of(self._total):g} of {self._window / UNITS:g} contracts traded so far"
