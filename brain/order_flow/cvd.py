"""Cumulative volume delta (CVD): contracts bought less contracts sold by takers, since the session began.

Exact: summed in whole units, so that it is the same after the same trades in any order. The session begins each day
at an hour of the venue's clock, UTC; a trade of the session before that comes after it is dropped and counted.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final, NamedTuple

from brain.order_flow.candles import Bars, Forming
from brain.order_flow.divergence import BEARISH, BULLISH, rings_of, start, step
from brain.order_flow.units import contracts_of
from schemas.clock import NS_PER_S

SETTLE_NS: Final = NS_PER_S
"""How long a bar waits for late trades after its end."""
_HOUR_NS: Final = 3_600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS


class CvdBar(NamedTuple):
    """One final bar: its own delta and the CVD at its close, contracts; high and low in quote currency."""

    open_ns: int
    delta: float
    cvd: float
    high: float
    low: float


class Divergence(NamedTuple):
    """CVD and price disagree. `bearish`: a higher high on less buying; else a lower low on less selling.

    `bar_ns`: opening time of the swing's bar; `confirmed_ns`: end of the bar that confirms it, n bars later. It is
    known at most SETTLE_NS after that.
    """

    bearish: bool
    bar_ns: int
    confirmed_ns: int
    price: float


def session_start(exchange_ns: int, hour_utc: int) -> int:
    """When the session of this instant began, ns since 1970 UTC."""
    since = hour_utc * _HOUR_NS
    return exchange_ns - (exchange_ns - since) % _DAY_NS


class CvdSeries:
    """The running CVD, its last `keep` bars, and the last divergence.

    A trade that comes when its bar is final counts in the CVD from then on; bars that are final never change.
    `dropped`: trades of a session that is over. `since_ns`: the first trade of this session that was heard, 0: none.
    """

    def __init__(self, *, frame_ns: int, hour_utc: int = 0, swing_bars: int = 3, keep: int = 60) -> None:
        self._bars: Bars[Forming] = Bars(frame_ns, Forming, SETTLE_NS)
        self._frame_ns, self._hour_utc = frame_ns, hour_utc
        self._swing_bars = swing_bars
        self._session_ns = self._ends_ns = 0
        self._total = self._closed = 0
        self.since_ns = 0
        self.dropped = 0
        self.divergence: Divergence | None = None
        self.series: deque[CvdBar] = deque(maxlen=max(keep, 2 * swing_bars + 1))
        self._begin_swings()

    def _begin_swings(self) -> None:
        self._state, self._rings = start(), rings_of(self._swing_bars)

    @property
    def contracts(self) -> float:
        """The CVD now; 0 before the first trade of the session."""
        return contracts_of(self._total)

    @property
    def session_ns(self) -> int:
        """When this session began; 0 before the first time is known."""
        return self._session_ns

    @property
    def late(self) -> int:
        """Trades whose bar was final."""
        return self._bars.late

    def add(self, exchange_ns: int, price: float, units: int, bought: bool, trade_id: int) -> None:
        """One trade, in units of size."""
        if exchange_ns >= self._ends_ns:
            self._begin_session(exchange_ns)
        elif exchange_ns < self._session_ns:
            self.dropped += 1
            return
        signed = units if bought else -units
        self._total += signed
        if not self.since_ns or exchange_ns < self.since_ns:
            self.since_ns = exchange_ns
        if not self._bars.add(exchange_ns, price, units, bought, trade_id):
            self._closed += signed
        for bar in self._bars.advance(exchange_ns):
            self._close(bar)

    def advance(self, exchange_ns: int) -> None:
        """The venue's clock is at least here."""
        if exchange_ns >= self._ends_ns:
            self._begin_session(exchange_ns)
        for bar in self._bars.advance(exchange_ns):
            self._close(bar)

    def _begin_session(self, exchange_ns: int) -> None:
        self._session_ns = session_start(exchange_ns, self._hour_utc)
        self._ends_ns = self._session_ns + _DAY_NS
        for bar in self._bars.close_before(self._session_ns):
            self._close(bar)
        self._total = self._closed = self.since_ns = 0
        self._begin_swings()

    def _close(self, bar: Forming) -> None:
        self._closed += bar.delta
        self.series.append(CvdBar(bar.open_ns, contracts_of(bar.delta), contracts_of(self._closed), bar.high, bar.low))
        self._state, found = step(
            self._state, *self._rings, self._swing_bars, bar.high, bar.low, float(self._closed)
        )  # fmt: skip
        if found:
            swing = next(islice(reversed(self.series), self._swing_bars, None))
            bearish = bool(found & BEARISH)
            if found & BULLISH and bearish:  # one bar is both: neither side has less behind it
                return
            price = swing.high if bearish else swing.low
            self.divergence = Divergence(bearish, swing.open_ns, bar.open_ns + self._frame_ns, price)
