"""What was won and lost: every fill once, days that begin at a set UTC hour, losing trades in a row. Pure.

It is made of the venue's own fills, so that it is the same after every restart; only what no fill tells, the equity at
the day's opening and its peak, is remembered in a file (memory.py).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from schemas.clock import NS_PER_MS, NS_PER_S

_HOUR_NS: Final = 3_600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS
_TRADES_KEPT: Final = 20_000
_ORDERS_KEPT: Final = 1_000
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One fill of ours. `pnl` without the fee, `fee` negative when charged; `wall_ns` since 1970 UTC."""

    instrument: str
    trade_id: str
    order_id: str
    pnl: Decimal
    fee: Decimal
    wall_ns: int


class Ledger:
    """Realised result and fees of the day, and the losing trades in a row.

    A trade of the venue counts once, by (instrument, trade id). What closes is one trade per order, its fees included.
    """

    def __init__(self, *, day_starts_utc_hour: int) -> None:
        self._starts_ns = day_starts_utc_hour * _HOUR_NS
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._closing: OrderedDict[str, tuple[int, Decimal]] = OrderedDict()
        self._days: dict[int, tuple[Decimal, Decimal]] = {}
        self._losses: tuple[int, int | None] = (0, None)
        self.whole = False

    def day_of(self, wall_ns: int) -> int:
        """Number of the day of an instant."""
        return (wall_ns - self._starts_ns) // _DAY_NS

    def day_began_ns(self, wall_ns: int) -> int:
        """When the day of an instant began, ns since 1970 UTC."""
        return self.day_of(wall_ns) * _DAY_NS + self._starts_ns

    def add(self, trade: Trade) -> bool:
        """Count a trade. False: it was counted before."""
        key = trade.instrument, trade.trade_id
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _TRADES_KEPT:
            self._seen.popitem(last=False)
        day = self.day_of(trade.wall_ns)
        realised, fees = self._days.get(day, (_ZERO, _ZERO))
        self._days[day] = realised + trade.pnl, fees + trade.fee
        for old in sorted(self._days)[:-8]:
            del self._days[old]
        if trade.pnl:
            last_ns, net = self._closing.get(trade.order_id, (0, _ZERO))
            self._closing[trade.order_id] = max(last_ns, trade.wall_ns), net + trade.pnl + trade.fee
            if len(self._closing) > _ORDERS_KEPT:
                self._closing.popitem(last=False)
            self._losses = self._count_losses()
        return True

    def today(self, wall_ns: int) -> tuple[Decimal, Decimal] | None:
        """Realised result (without fees) and fees of the day, USDT; None before the venue's fills were read."""
        return self._days.get(self.day_of(wall_ns), (_ZERO, _ZERO)) if self.whole else None

    def losses(self) -> tuple[int, int | None]:
        """Losing trades in a row up to the latest, and when (wall ns) the last of them was; (0, None): none."""
        return self._losses

    def _count_losses(self) -> tuple[int, int | None]:
        count, last_ns = 0, None
        for when_ns, net in sorted(self._closing.values(), reverse=True):
            if net >= 0:
                break
            count += 1
            last_ns = when_ns if last_ns is None else last_ns
        return count, last_ns


def trade_wall_ns(milliseconds: str) -> int:
    """ns since 1970 UTC of the venue's text. Raises ValueError."""
    return int(milliseconds) * NS_PER_MS
