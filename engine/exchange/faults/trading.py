"""Faults of trading: what fills, what comes too late, what is never born. Every fill goes through the desk's books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from engine.exchange.book import Resting
from engine.exchange.desk import Desk
from engine.exchange.faults.switchboard import Fault, Switchboard
from engine.exchange.market.events import Print
from engine.exchange.matching import Made, opposite
from engine.exchange.orders import IMMEDIATE, Order
from engine.exchange.protection import Protector
from schemas.clock import NS_PER_MS


@dataclass(frozen=True, slots=True)
class _Unborn:
    """A parent whose attached TP/SL is put off until `due_ns` (monotonic)."""

    due_ns: int
    parent: Order


class TradingFaults:
    """Hooks into the desk and the protector; without an armed fault they change nothing."""

    def __init__(self, faults: Switchboard, desk: Desk, protector: Protector) -> None:
        self._faults = faults
        self._desk = desk
        self._protector = protector
        self._unborn: list[_Unborn] = []
        desk.may_take = self._may_take
        protector.puts_off = self._puts_off

    # -- partial fills --------------------------------------------------------------------------------------------

    def _may_take(self, order: Order, limit_px: int) -> int:
        """Lots that an incoming order may take from the book. A fill-or-kill is whole or nothing, also here."""
        kind = order.terms.ord_type
        if kind not in IMMEDIATE or kind == "fok" or not self._faults.is_armed("partial_fills"):
            return order.left
        there = self._desk.market.matcher.half(opposite(order.terms.side)).fillable(limit_px)
        return self._share_of(order, min(order.left, there))

    def prints(self, prints: Iterable[Print]) -> Iterator[Print]:
        """The flow's prints; one that meets a resting order comes as several, so that it fills in slices.

        Each is decided when its turn comes: the book has then changed by those before it.
        """
        for printed in prints:
            if self._faults.is_armed("partial_fills"):
                yield from self._slices(printed)
            else:
                yield printed

    def _slices(self, printed: Print) -> Iterator[Print]:
        half = self._desk.market.matcher.half(opposite(printed.side))
        better = next(half.own_better_than(printed.px), None)
        queue = half.own_at(printed.px)
        resting = better if better is not None else (queue[0] if queue else None)
        ahead = 0 if better is not None or resting is None else resting.ahead
        lots, makers = printed.lots, printed.makers
        if resting is not None and min(lots - ahead, resting.lots) > 1:
            size = self._slice_of(resting, min(lots - ahead, resting.lots))
            full, first = ahead + resting.lots, ahead + size
            while lots > first and full > first:
                yield printed._replace(lots=first, makers=makers)
                lots, full, first, makers = lots - first, full - first, size, 1
        yield printed._replace(lots=lots, makers=makers)

    def crossed_sizes(self) -> Callable[[Resting], int]:
        """How much of a resting order the flow takes at a time when it moves through it."""
        sizes: dict[str, int] = {}

        def size(resting: Resting) -> int:
            if not self._faults.is_armed("partial_fills") and resting.ord_id not in sizes:
                return resting.lots
            if resting.ord_id not in sizes:
                sizes[resting.ord_id] = self._slice_of(resting, resting.lots)
            return sizes[resting.ord_id]

        return size

    def _slice_of(self, resting: Resting, there: int) -> int:
        order = self._desk.orders.find(resting.ord_id, "")
        return resting.lots if order is None else self._share_of(order, there)

    def _share_of(self, order: Order, there: int) -> int:
        """The part that a strike leaves, exact (a float times lots is not) and at least one lot; otherwise all.

        `there`: lots that would fill at once; a fault whose part is no less does not strike.
        """

        def part(fault: Fault) -> int:
            return max(1, int(order.lots * Decimal(str(fault.share))))

        fault = self._faults.strikes("partial_fills", lambda fault: part(fault) < there)
        return order.left if fault is None else part(fault)

    # -- cancel and fill ------------------------------------------------------------------------------------------

    def outran(self, order: Order, now_ms: int) -> bool:
        """Before a client's cancel: the outside flow may fill the order first. True if the cancel is acked then."""
        resting = order.resting
        if order.ended or resting is None:
            return False
        fault = self._faults.strikes("cancel_fill_race")
        if fault is None:
            return False
        lots, resting.lots = resting.lots, 0
        self._desk.market.matcher.half(order.terms.side).remove(resting)
        self._desk.market.touch(now_ms)
        trade = self._desk.public_trade(opposite(order.terms.side), resting.px, lots, now_ms)
        self._desk.made(Made(order.ord_id, resting.px, lots), trade.trade_id, now_ms)
        return fault.ack

    # -- protection -----------------------------------------------------------------------------------------------

    def _puts_off(self, parent: Order) -> bool:
        if self._faults.strikes("protection_never") is not None:
            return True
        fault = self._faults.strikes("protection_late")
        if fault is None:
            return False
        self._unborn.append(_Unborn(self._faults.now_ns() + fault.delay_ms * NS_PER_MS, parent))
        return True

    def bear(self, now_ms: int) -> None:
        """What was put off until now is born; not what would have ended with a position that is gone by now."""
        if not self._unborn:
            return
        due = [unborn.parent for unborn in self._unborn if self._faults.now_ns() >= unborn.due_ns]
        self._unborn = [unborn for unborn in self._unborn if self._faults.now_ns() < unborn.due_ns]
        for parent in due:
            held = self._desk.account.slots[parent.terms.slot].lots
            gone = held <= 0 if parent.terms.side == "buy" else held >= 0
            self._protector.bear(parent, now_ms, unless_ended_with_position=gone)
