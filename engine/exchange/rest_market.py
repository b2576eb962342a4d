"""Public REST: instruments, prices, books, trades, candles."""

from __future__ import annotations

from collections.abc import Callable

from engine.exchange import public
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import INST_FAMILY, INST_ID, INST_TYPE
from engine.exchange.intake import Refused, bad
from engine.exchange.market.candles import BARS_MS
from engine.exchange.paging import mark, whole_number
from engine.exchange.rest import Call, Params, Route
from engine.exchange.trade_api import Answer

_INST_TYPES = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"})
_CANDLES_REACH = 1440
_WHOLE_HISTORY = 1_000_000


def this_instrument(params: Params) -> None:
    """Refuses a request for another instrument."""
    if params.get("instId") in (None, ""):
        raise Refused("50014", "Parameter instId can not be empty")
    if params.get("instId") != INST_ID:
        raise Refused("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


class MarketRoutes:
    """Answers from the public state of the exchange."""

    def __init__(self, exchange: Exchange, book_was_read: Callable[[], None] = lambda: None) -> None:
        self._exchange = exchange
        self._book_was_read = book_was_read

    def table(self) -> dict[tuple[str, str], Route]:
        """Path -> route."""
        rules = self._exchange.account.rules
        calls = {
            "public/time": (self.time, 10),
            "public/instruments": (self.instruments, 20),
            "public/mark-price": (self.mark_price, 10),
            "public/price-limit": (self.price_limit, rules.price_limit_calls),
            "public/funding-rate": (self.funding_rate, rules.funding_rate_calls),
            "market/books": (self.books, 40),
            "market/candles": (self.candles, 40),
            "market/history-candles": (self.history_candles, 20),
            "market/trades": (self.trades, 100),
            "market/ticker": (self.ticker, 20),
            "market/tickers": (self.tickers, 20),
        }
        return {("GET", path): Route(act=act, signed=False, limit=limit) for path, (act, limit) in calls.items()}

    def time(self, _call: Call) -> Answer:
        """The venue's clock."""
        return Answer(data=[{"ts": str(self._exchange.now_ms())}])

    def instruments(self, call: Call) -> Answer:
        """The one swap; other types exist but are empty."""
        inst_type = call.params.get("instType")
        if inst_type not in _INST_TYPES:
            raise bad("instType")
        mine = (
            inst_type == INST_TYPE
            and call.params.get("instId") in (None, "", INST_ID)
            and call.params.get("instFamily") in (None, "", INST_FAMILY)
        )
        return Answer(data=[self._exchange.bulletin.instrument] if mine else [])

    def mark_price(self, call: Call) -> Answer:
        """Mark price of the swap; an empty list for another one. The type may be left out beside an instId."""
        params = call.params
        named = params.get("instId") not in (None, "")
        if str(params.get("instType") or "") not in (_INST_TYPES | {""} if named else _INST_TYPES):
            raise bad("instType")
        mine = params.get("instId") in (None, "", INST_ID) and params.get("instType") in (None, "", INST_TYPE)
        return Answer(data=[public.mark_row(self._exchange.market, self._exchange.now_ms())] if mine else [])

    def price_limit(self, call: Call) -> Answer:
        """Highest buy, lowest sell."""
        this_instrument(call.params)
        exchange = self._exchange
        return Answer(data=[public.limit_row(exchange.market, exchange.account.rules.price_band, exchange.now_ms())])

    def funding_rate(self, call: Call) -> Answer:
        """Funding of the running period; ANY asks for all contracts, which is this one."""
        if call.params.get("instId") != "ANY":
            this_instrument(call.params)
        return Answer(data=[self._exchange.funding.schedule.row(self._exchange.now_ms())])

    def books(self, call: Call) -> Answer:
        """The present book with its seqId: it may be newer than the last push of books, whose next one joins it."""
        this_instrument(call.params)
        count, market = whole_number(call.params, "sz", default=1, most=400), self._exchange.market
        self._book_was_read()
        row = {
            "asks": public.level_rows(market.matcher.asks.top(count)),
            "bids": public.level_rows(market.matcher.bids.top(count)),
            "ts": str(market.ts_ms),
            "seqId": market.seq,
        }
        return Answer(data=[row])

    def candles(self, call: Call) -> Answer:
        """Newest 1,440 rows at most, the forming candle first."""
        return self._candles(call.params, most=300, reach=_CANDLES_REACH)

    def history_candles(self, call: Call) -> Answer:
        """The whole past, page by page; how many rows a page has at most is a rule."""
        return self._candles(call.params, most=self._exchange.account.rules.history_candles_rows, reach=_WHOLE_HISTORY)

    def _candles(self, params: Params, *, most: int, reach: int) -> Answer:
        this_instrument(params)
        bar = str(params.get("bar") or "1m")
        if bar not in BARS_MS:
            raise bad("bar")
        rows = self._exchange.market.candles.page(
            bar,
            after_ms=mark(params, "after"),
            before_ms=mark(params, "before"),
            limit=whole_number(params, "limit", default=100, most=most),
            newest=reach,
        )
        return Answer(data=rows)

    def trades(self, call: Call) -> Answer:
        """The last trades, newest first."""
        this_instrument(call.params)
        count = whole_number(call.params, "limit", default=100, most=500)
        newest = list(self._exchange.market.trades)[-count:]
        return Answer(data=[public.trade_row(trade) for trade in reversed(newest)])

    def ticker(self, call: Call) -> Answer:
        """One ticker."""
        this_instrument(call.params)
        return Answer(data=[public.ticker_row(self._exchange.market, self._exchange.now_ms())])

    def tickers(self, call: Call) -> Answer:
        """All tickers of a type: one, or none."""
        if call.params.get("instType") not in _INST_TYPES:
            raise bad("instType")
        mine = call.params.get("instType") == INST_TYPE
        return Answer(data=[public.ticker_row(self._exchange.market, self._exchange.now_ms())] if mine else [])
