"""Writes the bills: each says what has changed since the one before, so that nothing can pass the ledger by."""

from __future__ import annotations

from typing import Any

from engine.exchange.account import Account
from engine.exchange.bills import LIQUIDATION, TRADE, Bill
from engine.exchange.orders import Fill, MarginMode, NewOrder


class Ledger:
    """All bills of the account, oldest first. Call it after every booking."""

    def __init__(self, account: Account) -> None:
        self.bills: list[Bill] = []
        self._account = account
        self._cash, self._margin = account.cash(), account.positions["isolated"].margin

    def trade(self, fill: Fill, terms: NewOrder) -> None:
        """A fill was booked."""
        forced = terms.category == "full_liquidation"
        self.enter(
            bill_id=fill.bill_id,
            type=LIQUIDATION if forced else TRADE,
            sub_type={"buy": "106", "sell": "107"}[fill.side] if forced else {"buy": "1", "sell": "2"}[fill.side],
            mode=terms.td_mode,
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

    def enter(self, *, mode: MarginMode, **fields: Any) -> Bill:
        """One bill over all that has changed since the last one."""
        cash, margin = self._account.cash(), self._account.positions["isolated"].margin
        bill = Bill(
            mode=mode,
            cash=cash,
            cash_change=cash - self._cash,
            margin=margin,
            margin_change=margin - self._margin,
            **fields,
        )
        self._cash, self._margin = cash, margin
        self.bills.append(bill)
        return bill
