"""Signed REST about the account: balance, positions, set-up, leverage, fees."""

from __future__ import annotations

from engine.exchange.bills import money
from engine.exchange.exchange import Exchange
from engine.exchange.hub import UID
from engine.exchange.instrument import INST_ID, INST_TYPE, MAX_LEVER, SETTLE_CCY, decimal_of
from engine.exchange.intake import Refused, bad, margin_mode, pos_side
from engine.exchange.orders import Slot
from engine.exchange.rest import Call, Route
from engine.exchange.rest_market import this_instrument
from engine.exchange.trade_api import Answer


class AccountRoutes:
    """Answers from the account of the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> dict[tuple[str, str], Route]:
        """Path -> route."""
        return {
            ("GET", "account/balance"): Route(act=self.balance, limit=10),
            ("GET", "account/positions"): Route(act=self.positions, limit=10),
            ("GET", "account/config"): Route(act=self.config, limit=5),
            ("GET", "account/leverage-info"): Route(act=self.leverage_info, limit=20),
            ("GET", "account/trade-fee"): Route(act=self.trade_fee, limit=5),
            ("POST", "account/set-leverage"): Route(act=self.set_leverage, limit=20),
            ("POST", "account/set-position-mode"): Route(act=self.set_position_mode, limit=5),
        }

    def balance(self, call: Call) -> Answer:
        """One currency; without it the details are empty."""
        view = self._exchange.account_view()
        wanted = str(call.params.get("ccy") or SETTLE_CCY).split(",")
        return Answer(data=[view if SETTLE_CCY in wanted else {**view, "details": []}])

    def positions(self, call: Call) -> Answer:
        """Open positions."""
        params = call.params
        mine = params.get("instType") in (None, "", INST_TYPE) and INST_ID in str(params.get("instId") or INST_ID)
        return Answer(data=list(self._exchange.position_rows()) if mine else [])

    def config(self, _call: Call) -> Answer:
        """Futures mode, position mode, trade rights."""
        row = {
            "acctLv": "2",
            "acctStpMode": "cancel_maker",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "enableSpotBorrow": False,
            "greeksType": "PA",
            "ip": "",
            "kycLv": "3",
            "label": "simulated",
            "level": self._level(),
            "levelTmp": "",
            "mainUid": UID,
            "mgnIsoMode": "automatic",
            "opAuth": "0",
            "perm": "read_only,trade",
            "posMode": self._pos_mode(),
            "roleType": "0",
            "spotOffsetType": "",
            "spotRoleType": "0",
            "spotTraderInsts": [],
            "traderInsts": [],
            "uid": UID,
        }
        return Answer(data=[row])

    def _pos_mode(self) -> str:
        return "long_short_mode" if self._exchange.account.hedged else "net_mode"

    def _level(self) -> str:
        vip = self._exchange.account.rules.vip
        return f"VIP{vip}" if vip else "Lv1"

    def leverage_info(self, call: Call) -> Answer:
        """Leverage per margin mode, and in hedge mode per direction."""
        this_instrument(call.params)
        wanted = str(call.params.get("mgnMode") or "").split(",")
        account = self._exchange.account
        rows = [
            {"ccy": "", "instId": INST_ID, "mgnMode": p.mode, "posSide": p.side, "lever": money(account.lever(p.slot))}
            for p in account.current()
            if p.mode in wanted
        ]
        if not rows:
            raise bad("mgnMode")
        return Answer(data=rows)

    def set_leverage(self, call: Call) -> Answer:
        """New leverage of a margin mode; ccxt sends the number as a number. posSide: isolated in hedge mode only."""
        this_instrument(call.params)
        mode = margin_mode(call.params, "mgnMode")
        by_side = mode == "isolated" and self._exchange.account.hedged
        slot = Slot(mode, pos_side(call.params, hedged=by_side))
        try:
            lever = decimal_of(call.params.get("lever"))
        except ValueError:
            raise bad("lever") from None
        if lever < 1 or lever != lever.quantize(lever.__class__("0.01")):
            raise bad("lever")
        if lever > MAX_LEVER:
            raise Refused("59102", "Leverage exceeds the maximum limit. Please lower the leverage.")
        self._exchange.set_lever(slot, lever)
        return Answer(data=[{"lever": money(lever), "mgnMode": mode, "instId": INST_ID, "posSide": slot.side}])

    def set_position_mode(self, call: Call) -> Answer:
        """Net or hedge mode; 59000 while positions or orders are open."""
        mode = call.params.get("posMode")
        if mode not in ("net_mode", "long_short_mode"):
            raise bad("posMode")
        self._exchange.set_position_mode(hedged=mode == "long_short_mode")
        return Answer(data=[{"posMode": mode}])

    def trade_fee(self, call: Call) -> Answer:
        """Rates as OKX signs them: negative is a cost."""
        if call.params.get("instType") != INST_TYPE:
            raise bad("instType")
        rules = self._exchange.account.rules
        row = {
            "category": "1",
            "delivery": "",
            "exercise": "",
            "feeGroup": [],
            "fiat": [],
            "instType": INST_TYPE,
            "level": self._level(),
            "maker": "",
            "makerU": money(-rules.maker_fee),
            "makerUSDC": "",
            "ruleType": "normal",
            "taker": "",
            "takerU": money(-rules.taker_fee),
            "takerUSDC": "",
            "ts": str(self._exchange.now_ms()),
        }
        return Answer(data=[row])
