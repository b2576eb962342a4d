"""The account's ledger: one bill for every change of the money, so that the balance can be added up again. Pure.

A bill changes the cash (OKX's account level, `balChg`), an isolated margin (position level, `posBalChg`), or moves
between the two. Opening cash plus all bills is exactly the cash; everything is booked on a grid of 1e-12 USDT, so
that sums never round. Source: FACTS 12; types and subtypes are those of the guide's "Get bills details".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from engine.exchange.instrument import INST_ID, INST_TYPE, SETTLE_CCY, px_text, sz_text

_GRID: Final = Decimal("1e-12")
ZERO: Final = Decimal(0)
TRADE: Final = "2"
LIQUIDATION: Final = "5"
MARGIN: Final = "6"
FUNDING: Final = "8"
MARGIN_ADDED, MARGIN_TAKEN = "160", "161"
FUNDING_PAID, FUNDING_RECEIVED = "173", "174"
TRADED: Final[Mapping[tuple[str, str], str]] = {
    ("net", "buy"): "1",
    ("net", "sell"): "2",
    ("long", "buy"): "3",
    ("short", "sell"): "4",
    ("long", "sell"): "5",
    ("short", "buy"): "6",
}
"""Subtype of a trade, by posSide and side."""
PARTLY_LIQUIDATED: Final[Mapping[tuple[str, str], str]] = {
    ("net", "buy"): "102",
    ("net", "sell"): "103",
    ("long", "sell"): "100",
    ("short", "buy"): "101",
}
LIQUIDATED: Final[Mapping[tuple[str, str], str]] = {
    ("net", "buy"): "106",
    ("net", "sell"): "107",
    ("long", "sell"): "104",
    ("short", "buy"): "105",
}
"""The same of a liquidation, in part or whole."""


def on_grid(amount: Decimal) -> Decimal:
    """An amount of USDT as it is booked."""
    return amount.quantize(_GRID, ROUND_HALF_EVEN)


def money(value: Decimal) -> str:
    """A decimal as plain text, at most 12 digits after the point, no trailing zeros, no minus zero."""
    text = format(value.quantize(_GRID), "f").rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One entry; amounts in USDT. `cash` and `margin` are what is there afterwards; lots and px of what caused it."""

    bill_id: str
    type: str
    sub_type: str
    mode: str
    cash_change: Decimal
    cash: Decimal
    margin_change: Decimal
    margin: Decimal
    ts_ms: int
    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    lots: int = 0
    px: int | None = None
    ord_id: str = ""
    cl_ord_id: str = ""
    tag: str = ""
    trade_id: str = ""
    liquidity: str = ""

    @property
    def change(self) -> Decimal:
        """What it did to the wallet: cash and margin together."""
        return self.cash_change + self.margin_change


def bill_row(bill: Bill) -> dict[str, Any]:
    """A bill for GET account/bills."""
    isolated = bill.mode == "isolated"
    return {
        "bal": money(bill.cash),
        "balChg": money(bill.cash_change),
        "billId": bill.bill_id,
        "ccy": SETTLE_CCY,
        "clOrdId": bill.cl_ord_id,
        "execType": bill.liquidity,
        "fee": money(bill.fee),
        "fillTime": str(bill.ts_ms) if bill.trade_id else "",
        "from": "",
        "instId": INST_ID,
        "instType": INST_TYPE,
        "interest": "0",
        "mgnMode": bill.mode,
        "notes": "",
        "ordId": bill.ord_id,
        "pnl": money(bill.pnl),
        "posBal": money(bill.margin) if isolated else "0",
        "posBalChg": money(bill.margin_change) if isolated else "0",
        "px": "" if bill.px is None else px_text(bill.px),
        "subType": bill.sub_type,
        "sz": sz_text(bill.lots),
        "tag": bill.tag,
        "to": "",
        "tradeId": bill.trade_id,
        "ts": str(bill.ts_ms),
        "type": bill.type,
    }
