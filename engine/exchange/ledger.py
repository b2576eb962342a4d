"""Writes the bills: each says what has changed since the one before, so that nothing can pass the ledger by."""

from __future__ import annotations

from typing import Any

from engine.exchange.account import Account
from engine.exchange.bills import LIQUIDATED, LIQUIDATION, PARTLY_LIQUIDATED, TRADE, TRADED, Bill
from engine.exchange.orders import Fill, NewOrder, Slot


class Ledger:
    """All bills of the account, oldest first. Call it after every booking."""

    def __init__(self, account: Account) -> None:
        self.bills: list[Bill] = []
        self._account = account
        self._cash, self._margin = account.cash(), account.isolated_margin()

    def trade(self, fill: Fill, terms: NewOrder) -> None:
        """A fill was booked."""
        kinds = {"normal": TRADED, "partial_liquidation": PARTLY_LIQUIDATED, "full_liquidation": LIQUIDATED}
        self.enter(
            bill_id=fill.bill_id,
            type=TRADE if terms.category == "normal" else LIQUIDATION,
            sub_type=kinds[terms.category][terms.pos_side, terms.side],
            slot=terms.slot,
            ts_ms=fill.ts_ms,
            pnl=fill.pnl,
            fee=fill.fee,
            lots=fill.lots,
            px=fill.px,
            ord_id=fill.ord_id,
            cl_ord_id=fill.cl_ord_id,
            tag=fill.tag,
            trade_id=fill.trade_id,
            liquidity=fill.liquidity,
        )

    def enter(self, *, slot: Slot, **fields: Any) -> Bill:
        """One bill over all that has changed since the last one; it concerns the position of a slot."""
        cash, margin = self._account.cash(), self._account.isolated_margin()
        bill = Bill(
            mode=slot.mode,
            cash=cash,
            cash_change=cash - self._cash,
            margin=self._account.slots[slot].margin,
            margin_change=margin - self._margin,
            **fields,
        )
        self._cash, self._margin = cash, margin
        self.bills.append(bill)
        return bill
