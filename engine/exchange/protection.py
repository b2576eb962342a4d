"""The life of algo orders: born when their parent ends with fills, fired by prices, ended with the position."""

from __future__ import annotations

from collections.abc import Callable

from engine.exchange.algos import Algo, AlgoBookkeeper
from engine.exchange.desk import Desk
from engine.exchange.intake import Refused
from engine.exchange.matching import opposite
from engine.exchange.notes import AlgoNote, Note
from engine.exchange.orders import MarginMode, Order
from engine.exchange.render import algo_row


class Protector:
    """Watches the desk. Where OKX is unclear (FACTS 10): an attached algo is born when its parent ENDS with fills

    (filled, or canceled with a part filled), for what was filled; until then a partly filled parent is unprotected.
    """

    def __init__(self, desk: Desk, tell: Callable[[Note], None]) -> None:
        self.algos = AlgoBookkeeper()
        self._desk = desk
        self._tell = tell
        self.puts_off: Callable[[Order], bool] = lambda _parent: False  # a fault: born later, or never
        desk.on_end = self._parent_ended
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
        held = self._desk.account.positions[algo.td_mode].lots
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

    def _parent_ended(self, order: Order, now_ms: int) -> None:
        if order.filled and order.terms.attached and not self.puts_off(order):
            self.bear(order, now_ms)

    def bear(self, order: Order, now_ms: int, *, unless_ended_with_position: bool = False) -> None:
        """The algo orders of a parent; those that end with their position only if it is still there."""
        for legs in order.terms.attached:
            if legs.cxl_on_close and unless_ended_with_position:
                continue
            both = legs.tp_trigger is not None and legs.sl_trigger is not None
            algo = Algo(
                algo_id=self._desk.next_id(),
                ord_type="oco" if both else "conditional",
                side=opposite(order.terms.side),
                td_mode=order.terms.td_mode,
                lots=order.filled,
                legs=legs,
                reduce_only=True,
                created_ms=now_ms,
                updated_ms=now_ms,
                parent_id=order.ord_id,
                tag=order.terms.tag,
                reference_px=self._desk.market.last_px,
            )
            self.algos.add(algo)
            self._told(algo)

    def _position_changed(self, mode: MarginMode, before: int, after: int, now_ms: int) -> None:
        if before == 0 or before * after > 0:
            return
        closing = "sell" if before > 0 else "buy"
        for algo in self.algos.live():
            if algo.td_mode == mode and algo.side == closing and algo.legs.cxl_on_close:
                self.cancel(algo, now_ms)

    def _told(self, algo: Algo) -> None:
        self._tell(AlgoNote(algo_row(algo)))
