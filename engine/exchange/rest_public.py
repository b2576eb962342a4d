"""Public REST beside prices: funding history, position tiers, index, maintenance."""

from __future__ import annotations

from engine.exchange import public
from engine.exchange.bulletin import STATUS_STATES
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import INST_FAMILY, INST_TYPE
from engine.exchange.intake import Refused, bad, margin_mode
from engine.exchange.paging import page
from engine.exchange.rest import Call, Route
from engine.exchange.rest_market import this_instrument
from engine.exchange.tiers import tier_rows
from engine.exchange.trade_api import Answer

_STATUS_WINDOW_NS = 5_000_000_000


class PublicRoutes:
    """Answers from the public state of the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> dict[tuple[str, str], Route]:
        """Path -> route."""
        return {
            ("GET", "public/funding-rate-history"): Route(act=self.funding_history, signed=False, limit=10),
            ("GET", "public/position-tiers"): Route(act=self.position_tiers, signed=False, limit=10),
            ("GET", "market/index-tickers"): Route(act=self.index_tickers, signed=False, limit=20),
            ("GET", "system/status"): Route(act=self.status, signed=False, limit=1, window_ns=_STATUS_WINDOW_NS),
        }

    def funding_history(self, call: Call) -> Answer:
        """Settled periods, newest first; paged by fundingTime."""
        this_instrument(call.params)
        rows = self._exchange.funding.schedule.history()
        return Answer(data=page(rows, call.params, "fundingTime"))

    def position_tiers(self, call: Call) -> Answer:
        """The tiers of the swap, the same in both margin modes; an empty list for other families."""
        params = call.params
        if params.get("instType") not in ("MARGIN", "SWAP", "FUTURES", "OPTION"):
            raise bad("instType")
        margin_mode(params, "tdMode")
        named = [str(params[name]).split(",") for name in ("instFamily", "uly") if params.get(name) not in (None, "")]
        if not named and params["instType"] != "MARGIN":
            raise Refused("50015", "Either parameter uly or instFamily is required")
        mine = params["instType"] == INST_TYPE and all(INST_FAMILY in families for families in named)
        rows = tier_rows(self._exchange.account.rules.tiers) if mine else []
        wanted = str(params.get("tier") or "")
        return Answer(data=[row for row in rows if wanted in ("", row["tier"])])

    def index_tickers(self, call: Call) -> Answer:
        """The index under the swap, by its own name BTC-USDT or by quote currency."""
        params = call.params
        if params.get("instId") in (None, "") and params.get("quoteCcy") in (None, ""):
            raise Refused("50015", "Either parameter quoteCcy or instId is required")
        mine = params.get("instId") in (None, "", INST_FAMILY) and params.get("quoteCcy") in (None, "", "USDT")
        exchange = self._exchange
        return Answer(data=[public.index_row(exchange.market, exchange.now_ms())] if mine else [])

    def status(self, call: Call) -> Answer:
        """Announced maintenance; without a state what is not over."""
        state = str(call.params.get("state") or "")
        if state and state not in STATUS_STATES:
            raise bad("state")
        return Answer(data=list(self._exchange.bulletin.windows(state)))
