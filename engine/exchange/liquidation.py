"""Forced closing, on the MARK price: when what stands behind a position is less than it must have (FACTS 8).

Isolated: its margin; cross: all cash. The venue cancels the mode's orders, closes through the book no worse than the
bankruptcy price, and takes over at that price what the book does not take, so no more is lost than stood behind.
"""

from __future__ import annotations

from typing import Final

from engine.exchange.account import Position
from engine.exchange.bills import LIQUIDATION, ZERO
from engine.exchange.desk import Desk
from engine.exchange.orders import MarginMode, NewOrder

_MODES: Final[tuple[MarginMode, ...]] = ("isolated", "cross")
_RISK: Final = "3"  # cancelSource of orders that go because of a liquidation
_COVERED: Final = "111"  # a bill that moves money in from the insurance fund


class Liquidator:
    """Looks at the positions whenever the mark may have moved."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def check(self, now_ms: int) -> None:
        """Liquidates what has to be."""
        for mode in _MODES:
            position = self._desk.account.positions[mode]
            if position.lots and self._too_little(position):
                self._liquidate(position, now_ms)

    def _too_little(self, position: Position) -> bool:
        account, mark = self._desk.account, self._desk.market.mark
        return account.holds(position) + position.upl(mark) < account.required(position, mark)

    def _liquidate(self, position: Position, now_ms: int) -> None:
        desk, account = self._desk, self._desk.account
        for order in desk.orders.pending():
            if order.terms.td_mode == position.mode and not order.ended:
                desk.cancel(order, now_ms, _RISK)
        floor = account.cash() if position.mode == "isolated" else ZERO
        terms = NewOrder(
            side="sell" if position.lots > 0 else "buy",
            ord_type="limit",
            lots=abs(position.lots),
            px=account.bankruptcy_ticks(position),
            td_mode=position.mode,
            category="full_liquidation",
        )
        desk.force(terms, now_ms)
        shortfall = floor - account.cash()
        if shortfall > 0:  # only rounded fees can get here; the insurance fund pays them
            account.cover(position.mode, shortfall, now_ms)
            bill_id = desk.next_id()
            desk.ledger.enter(
                bill_id=bill_id, type=LIQUIDATION, sub_type=_COVERED, mode=position.mode, ts_ms=now_ms, pnl=shortfall
            )
