"""Forced closing, on the MARK price: when what stands behind a position is less than it must have (FACTS 8).

Isolated: its margin; cross: all cash. The venue cancels the position's orders, closes through the book no worse than
the bankruptcy price, and takes over at that price what the book does not take, so no more is lost than stood behind.
A position beyond the first tier goes down tier by tier, only until it is held again; the rule `liquidation` can say
that all of it goes at once (which of the two OKX does is not in FACTS). In hedge mode a cross long and short share the
cash: first they close each other, at the mark, as far as they go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.exchange.account import Position
from engine.exchange.bills import LIQUIDATION, ZERO
from engine.exchange.desk import Desk
from engine.exchange.orders import NewOrder
from engine.exchange.tiers import next_below

_RISK: Final = "3"  # cancelSource of orders that go because of a liquidation
_COVERED: Final = "111"  # a bill that moves money in from the insurance fund


class Liquidator:
    """Looks at the positions whenever the mark may have moved."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._account = desk.account

    def check(self, now_ms: int) -> None:
        """Liquidates what has to be, isolated positions first."""
        for position in sorted(self._account.open_positions(), key=lambda position: position.mode != "isolated"):
            if position.lots and self._too_little(position):
                self._liquidate(position, now_ms)

    def _too_little(self, position: Position) -> bool:
        behind, required = self._account.behind(position, self._desk.market.mark)
        return behind < required

    def _liquidate(self, position: Position, now_ms: int) -> None:
        desk, account = self._desk, self._account
        sharing = account.sharing(position)
        slots = {other.slot for other in sharing}
        for order in desk.orders.pending():
            if order.terms.slot in slots and not order.ended:
                desk.cancel(order, now_ms, _RISK)
        floor = account.cash() if position.mode == "isolated" else ZERO
        if len(sharing) > 1:
            self._net_out(sharing, now_ms)
            if any(other.lots for other in sharing) and not self._too_little(position):
                return
        for other in sharing:
            self._wind_down(other, now_ms)
        shortfall = floor - account.cash()
        if shortfall > 0:  # only rounded fees, or a gap over a hedge, can get here; the insurance fund pays them
            account.cover(position.slot, shortfall, now_ms)
            bill_id = desk.next_id()
            desk.ledger.enter(
                bill_id=bill_id, type=LIQUIDATION, sub_type=_COVERED, slot=position.slot, ts_ms=now_ms, pnl=shortfall
            )

    def _wind_down(self, position: Position, now_ms: int) -> None:
        account = self._account
        by_tiers = account.rules.liquidation == "tiers"
        while position.lots:
            kept = next_below(account.rules.tiers, abs(position.lots)) if by_tiers else 0
            closed = abs(position.lots) - kept
            self._desk.force(_closing(position, closed, account.bankruptcy_ticks(position)), now_ms)
            if not self._too_little(position):
                return

    def _net_out(self, pair: Sequence[Position], now_ms: int) -> None:
        lots, mark = min(abs(position.lots) for position in pair), self._desk.market.mark
        for position in pair:
            self._desk.take_over(_closing(position, lots, mark), now_ms)


def _closing(position: Position, lots: int, px: int) -> NewOrder:
    return NewOrder(
        side="sell" if position.lots > 0 else "buy",
        ord_type="limit",
        lots=lots,
        px=px,
        td_mode=position.mode,
        pos_side=position.side,
        category="full_liquidation" if lots == abs(position.lots) else "partial_liquidation",
    )
