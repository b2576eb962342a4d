"""The life of algo orders: born of their parent's fills, fired by prices, ended with the position."""

from __future__ import annotations

from collections.abc import Callable

from engine.exchange.algos import Algo, AlgoBookkeeper
from engine.exchange.desk import Desk
from engine.exchange.intake import Refused
from engine.exchange.matching import opposite
from engine.exchange.notes import AlgoNote, Note
from engine.exchange.orders import Order, Protection, Slot
from engine.exchange.render import algo_row


class Protector:
    """Watches the desk. When an attached algo is born is unclear of OKX (FACTS 10) and so a rule, `attached_born`:

    when its parent ENDS with fills, for what was filled; only when it is filled completely; or at its first fill, and
    then it grows. Until it is born the position is unprotected.
    """

    def __init__(self, desk: Desk, tell: Callable[[Note], None]) -> None:
        self.algos = AlgoBookkeeper()
        self._desk = desk
        self._tell = tell
        self.puts_off: Callable[[Order], bool] = lambda _parent: False  # a fault: born later, or never
        self._born: dict[tuple[str, int], Algo] = {}
        self._covered: dict[tuple[str, int], int] = {}
        desk.on_end = self._parent_ended
        desk.on_fill = self._parent_filled
        desk.on_position = self._position_changed

    def add(self, algo: Algo) -> None:
        """Takes a checked algo order in. Raises: Refused, if its client id waits already."""
        if algo.legs.algo_cl_ord_id and self.algos.client_id_taken(algo.legs.algo_cl_ord_id):
            raise Refused("51065", "algoClOrdId already exists.")
        self.algos.add(algo)
        self._told(algo)

    def cancel(self, algo: Algo, now_ms: int) -> None:
        """Ends a waiting algo order. Raises: Refused, if it waits no more."""
        if algo.state != "live":
            raise Refused(
                "51400", "Cancellation failed as the order has been filled, triggered, canceled or does not exist."
            )
        algo.state, algo.updated_ms = "canceled", now_ms
        self.algos.end(algo)
        self._told(algo)

    def on_price(self, px: int, kind: str, now_ms: int) -> None:
        """A price (ticks) of a kind: last, mark or index. Fires what waited for it.

        Children trade, and so make last prices of their own; the caller feeds those in as it sees them.
        """
        for algo in self.algos.live():
            leg = algo.fired(px, kind) if algo.state == "live" else ""
            if leg:
                self._fire(algo, leg, now_ms)

    def _fire(self, algo: Algo, leg: str, now_ms: int) -> None:
        held = self._desk.account.slots[algo.slot].lots
        lots = abs(held) if algo.lots is None else algo.lots
        # It leaves the list of the living first: its own child may end the position, which cancels the living.
        algo.state, algo.actual_side, algo.triggered_ms, algo.updated_ms = "effective", leg, now_ms, now_ms
        self.algos.end(algo)
        try:
            if lots == 0:
                raise Refused("51169", "Order failed because there is no position to close.")
            child = self._desk.place(algo.child(leg, lots), now_ms)
        except Refused as refused:
            algo.state, algo.fail_code = "order_failed", refused.refusal.code
        else:
            algo.child_ids = (child.ord_id,)
            algo.actual_lots = child.lots
            algo.actual_px = child.last_fill.px if child.last_fill else child.px
        self._told(algo)

    def _parent_filled(self, order: Order, now_ms: int) -> None:
        if not order.ended and self._desk.account.rules.attached_born == "first_fill":
            self.bear(order, now_ms)

    def _parent_ended(self, order: Order, now_ms: int) -> None:
        complete_only = self._desk.account.rules.attached_born == "filled"
        if order.filled and order.terms.attached and (order.state == "filled" or not complete_only):
            if self.puts_off(order):
                return
            self.bear(order, now_ms)
        for number in range(len(order.terms.attached)):
            self._born.pop((order.ord_id, number), None)
            self._covered.pop((order.ord_id, number), None)

    def bear(self, order: Order, now_ms: int, *, unless_ended_with_position: bool = False) -> None:
        """Protects what has been filled and is not protected yet: the living algo grows, or a new one is born.

        `unless_ended_with_position`: those that end with their position are born only if it is still there.
        """
        for number, legs in enumerate(order.terms.attached):
            if legs.cxl_on_close and unless_ended_with_position:
                continue
            key = (order.ord_id, number)
            lots = order.filled - self._covered.get(key, 0)
            if not lots:
                continue
            self._covered[key] = order.filled
            algo = self._born.get(key)
            if algo is not None and algo.state == "live" and algo.lots is not None:
                algo.lots, algo.updated_ms = algo.lots + lots, now_ms
            else:
                algo = self._born[key] = self._child_of(order, legs, lots, now_ms)
                self.algos.add(algo)
            self._told(algo)

    def _child_of(self, order: Order, legs: Protection, lots: int, now_ms: int) -> Algo:
        both = legs.tp_trigger is not None and legs.sl_trigger is not None
        return Algo(
            algo_id=self._desk.next_id(),
            ord_type="oco" if both else "conditional",
            side=opposite(order.terms.side),
            td_mode=order.terms.td_mode,
            pos_side=order.terms.pos_side,
            lots=lots,
            legs=legs,
            reduce_only=order.terms.pos_side == "net",
            created_ms=now_ms,
            updated_ms=now_ms,
            parent_id=order.ord_id,
            tag=order.terms.tag,
            reference_px=self._desk.market.last_px,
        )

    def _position_changed(self, slot: Slot, before: int, after: int, now_ms: int) -> None:
        if before == 0 or before * after > 0:
            return
        closing = "sell" if before > 0 else "buy"
        for algo in self.algos.live():
            if algo.slot == slot and algo.side == closing and algo.legs.cxl_on_close:
                self.cancel(algo, now_ms)

    def _told(self, algo: Algo) -> None:
        self._tell(AlgoNote(algo_row(algo)))
