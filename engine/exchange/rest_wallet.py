"""Signed REST about money: currencies, bills, how much may be ordered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from engine.exchange.bills import bill_row, money
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import INST_ID, MAX_LEVER, SETTLE_CCY, decimal_of, sz_text
from engine.exchange.intake import bad, flag, margin_mode, price
from engine.exchange.paging import DAY_MS, page
from engine.exchange.rest import Call, Route
from engine.exchange.rest_market import this_instrument
from engine.exchange.sizing import available_to, largest_order
from engine.exchange.trade_api import Answer

_CURRENCIES: Final = (("USDT", "Tether", "2"), ("BTC", "Bitcoin", "8"))


class WalletRoutes:
    """Answers from the account and its ledger."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> dict[tuple[str, str], Route]:
        """Path -> route."""
        return {
            ("GET", "asset/currencies"): Route(act=self.currencies, limit=12),
            ("GET", "account/bills"): Route(act=lambda call: self.bills(call, 7), limit=10),
            ("GET", "account/bills-archive"): Route(act=lambda call: self.bills(call, 90), limit=10),
            ("GET", "account/max-size"): Route(act=self.max_size, limit=20),
            ("GET", "account/max-avail-size"): Route(act=self.max_avail_size, limit=20),
        }

    def currencies(self, call: Call) -> Answer:
        """What the account knows; nothing can be deposited or withdrawn here, as on demo trading."""
        wanted = str(call.params.get("ccy") or "USDT,BTC").split(",")
        return Answer(data=[_currency(*row) for row in _CURRENCIES if row[0] in wanted])

    def bills(self, call: Call, days: int) -> Answer:
        """The ledger, newest first, of so many days; paged by billId, filtered by type, subType, mgnMode, ccy, time."""
        params, since_ms = call.params, self._exchange.now_ms() - days * DAY_MS
        if params.get("ccy") not in (None, "", SETTLE_CCY):
            return Answer()
        rows = (bill_row(bill) for bill in reversed(self._exchange.desk.ledger.bills) if bill.ts_ms > since_ms)
        return Answer(data=page(rows, params, "billId", filters=("type", "subType", "mgnMode"), time_key="ts"))

    def max_size(self, call: Call) -> Answer:
        """Largest order per side in contracts, at `px` or at market, at `leverage` or that of the mode."""
        params = call.params
        this_instrument(params)
        mode = margin_mode(params)
        px = price(params, "px") if params.get("px") not in (None, "") else None
        lever = None
        if params.get("leverage") not in (None, ""):
            try:
                lever = decimal_of(params["leverage"])
            except ValueError:
                raise bad("leverage") from None
            if not 1 <= lever <= MAX_LEVER:
                raise bad("leverage")
        desk = self._exchange.desk
        buy, sell = (largest_order(desk, mode, side, px, lever) for side in ("buy", "sell"))
        row = {"ccy": SETTLE_CCY, "instId": INST_ID, "maxBuy": sz_text(buy), "maxSell": sz_text(sell)}
        return Answer(data=[row])

    def max_avail_size(self, call: Call) -> Answer:
        """USDT that may go into new positions, per side; with reduceOnly what closing it would set free."""
        params = call.params
        inst_ids = str(params.get("instId") or "").split(",")
        for inst_id in inst_ids:
            this_instrument({"instId": inst_id})
        mode, reduce_only = margin_mode(params), flag(params, "reduceOnly")
        amounts = {side: money(available_to(self._exchange.desk, mode, side, reduce_only)) for side in ("buy", "sell")}
        return Answer(data=[{"instId": INST_ID, "availBuy": amounts["buy"], "availSell": amounts["sell"]}])


def _currency(ccy: str, name: str, precision: str) -> dict[str, Any]:
    zero = money(Decimal(0))
    return {
        "burningFeeRate": "",
        "canDep": False,
        "canInternal": False,
        "canWd": False,
        "ccy": ccy,
        "chain": f"{ccy}-{'TRC20' if ccy == SETTLE_CCY else 'Bitcoin'}",
        "ctAddr": "",
        "depEstOpenTime": "",
        "depQuotaFixed": "",
        "depQuoteDailyLayer2": "",
        "fee": zero,
        "logoLink": "",
        "mainNet": True,
        "maxFee": zero,
        "maxFeeForCtAddr": "",
        "maxWd": zero,
        "minDep": zero,
        "minDepArrivalConfirm": "1",
        "minFee": zero,
        "minFeeForCtAddr": "",
        "minInternal": zero,
        "minWd": zero,
        "minWdUnlockConfirm": "1",
        "name": name,
        "needTag": False,
        "usedDepQuotaFixed": "",
        "usedWdQuota": zero,
        "wdEstOpenTime": "",
        "wdQuota": zero,
        "wdTickSz": precision,
    }
