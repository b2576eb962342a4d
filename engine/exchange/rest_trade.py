"""Signed REST about trading: orders, fills, algo orders, closing, cancel-all-after."""

from __future__ import annotations

from typing import Any

from engine.exchange.algo_intake import new_algo
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import INST_ID
from engine.exchange.intake import Refused, bad, client_id, flag, margin_mode, pos_side, tag_of
from engine.exchange.orders import Slot
from engine.exchange.paging import DAY_MS, page
from engine.exchange.render import algo_row, fill_row, order_row
from engine.exchange.rest import Call, Route
from engine.exchange.rest_market import this_instrument
from engine.exchange.trade_api import Answer, TradeApi

_ALGO_CANCELS_MAX = 10
_SECOND_NS = 1_000_000_000


class TradeRoutes:
    """Answers from the desk and the protector."""

    def __init__(self, exchange: Exchange, api: TradeApi) -> None:
        self._exchange = exchange
        self._api = api

    def table(self) -> dict[tuple[str, str], Route]:
        """Path -> route. Placing, canceling and amending count in the trade API, together with the websocket."""
        api = self._api
        calls: dict[tuple[str, str], tuple[Any, int]] = {
            ("POST", "trade/order"): (lambda c: api.place(c.items, batch=False, exp_time=c.exp_time), 0),
            ("POST", "trade/batch-orders"): (lambda c: api.place(c.items, batch=True, exp_time=c.exp_time), 0),
            ("POST", "trade/cancel-order"): (lambda c: api.cancel(c.items, batch=False), 0),
            ("POST", "trade/cancel-batch-orders"): (lambda c: api.cancel(c.items, batch=True), 0),
            ("POST", "trade/amend-order"): (lambda c: api.amend(c.items, batch=False, exp_time=c.exp_time), 0),
            ("POST", "trade/amend-batch-orders"): (lambda c: api.amend(c.items, batch=True, exp_time=c.exp_time), 0),
            ("POST", "trade/close-position"): (self.close_position, 20),
            ("POST", "trade/order-algo"): (self.place_algo, 20),
            ("POST", "trade/cancel-algos"): (self.cancel_algos, 20),
            ("GET", "trade/order"): (self.order, 60),
            ("GET", "trade/orders-pending"): (self.pending, 60),
            ("GET", "trade/orders-history"): (lambda c: self.history(c, 7), 40),
            ("GET", "trade/orders-history-archive"): (lambda c: self.history(c, 90), 20),
            ("GET", "trade/fills"): (lambda c: self.fills(c, 3), 60),
            ("GET", "trade/fills-history"): (lambda c: self.fills(c, 90), 10),
            ("GET", "trade/order-algo"): (self.algo, 20),
            ("GET", "trade/orders-algo-pending"): (self.algos_pending, 20),
            ("GET", "trade/orders-algo-history"): (self.algos_history, 20),
        }
        routes = {key: Route(act=act, limit=limit, trading=key[0] == "POST") for key, (act, limit) in calls.items()}
        routes["POST", "trade/cancel-all-after"] = Route(
            act=self.cancel_all_after, limit=1, window_ns=_SECOND_NS, trading=True
        )
        return routes

    def order(self, call: Call) -> Answer:
        """One order by ordId or clOrdId; 51603 when there is none."""
        return Answer(data=[order_row(self._api.find(call.params, absent="51603"))])

    def pending(self, call: Call) -> Answer:
        """Live and partially filled orders, newest first."""
        rows = (order_row(order) for order in reversed(self._exchange.desk.orders.pending()))
        return Answer(data=page(rows, call.params, "ordId"))

    def history(self, call: Call, days: int) -> Answer:
        """Orders that ended in so many days; one canceled without a fill is forgotten after 2 hours."""
        if call.params.get("instType") in (None, ""):
            raise Refused("50014", "Parameter instType can not be empty")
        now_ms = self._exchange.now_ms()
        orders = self._exchange.desk.orders.history(now_ms)
        rows = (order_row(order) for order in orders if now_ms - order.updated_ms < days * DAY_MS)
        return Answer(data=page(rows, call.params, "ordId", time_key="cTime"))

    def fills(self, call: Call, days: int) -> Answer:
        """Executions of so many days, newest first; paged by billId."""
        since_ms = self._exchange.now_ms() - days * DAY_MS
        rows = (fill_row(fill) for fill in reversed(self._exchange.desk.orders.fills) if fill.ts_ms > since_ms)
        return Answer(data=page(rows, call.params, "billId", time_key="ts"))

    def close_position(self, call: Call) -> Answer:
        """Closes a position at market. The answer has no ordId."""
        params = call.params
        this_instrument(params)
        slot = Slot(margin_mode(params, "mgnMode"), pos_side(params, hedged=self._exchange.account.hedged))
        cl_ord_id, tag = client_id(params, "clOrdId"), tag_of(params)
        self._exchange.close_position(slot, cl_ord_id, tag, cancel_first=flag(params, "autoCxl"))
        return Answer(data=[{"clOrdId": cl_ord_id, "instId": INST_ID, "posSide": slot.side, "tag": tag}])

    def place_algo(self, call: Call) -> Answer:
        """A refusal comes as outer code 0 with an inner sCode, which is how OKX does it for algo orders."""
        exchange = self._exchange
        row = {"algoId": "", "algoClOrdId": str(call.params.get("algoClOrdId") or ""), "sCode": "0", "sMsg": ""}
        try:
            algo = new_algo(
                call.params,
                algo_id=exchange.desk.next_id(),
                now_ms=exchange.now_ms(),
                last_px=exchange.market.last_px,
                hedged=exchange.account.hedged,
            )
            exchange.protector.add(algo)
        except Refused as refused:
            row["sCode"], row["sMsg"] = refused.refusal.code, refused.refusal.msg
        else:
            row["algoId"], row["algoClOrdId"] = algo.algo_id, algo.legs.algo_cl_ord_id
        return Answer(data=[row])

    def cancel_algos(self, call: Call) -> Answer:
        """At most 10 of them."""
        if not call.items or len(call.items) > _ALGO_CANCELS_MAX or not all(isinstance(i, dict) for i in call.items):
            return Answer(code="51000", msg="Parameter data error", status=400)
        rows: list[dict[str, Any]] = []
        for raw in call.items:
            algo_id, cl_id = str(raw.get("algoId") or ""), str(raw.get("algoClOrdId") or "")
            row = {"algoId": algo_id, "algoClOrdId": cl_id, "sCode": "0", "sMsg": ""}
            try:
                this_instrument(raw)
                algo = self._exchange.protector.algos.find(algo_id, cl_id)
                if algo is None:
                    raise Refused("51400", "Cancellation failed as the order does not exist.")
                self._exchange.cancel_algo(algo)
                row["algoId"] = algo.algo_id
            except Refused as refused:
                row["sCode"], row["sMsg"] = refused.refusal.code, refused.refusal.msg
            rows.append(row)
        failed = sum(row["sCode"] != "0" for row in rows)
        code = "0" if not failed else "1" if failed == len(rows) else "2"
        return Answer(code=code, msg="" if not failed else "Operation failed", data=rows)

    def algo(self, call: Call) -> Answer:
        """One algo order by algoId, which wins, or algoClOrdId; 51603 when there is none."""
        algo_id, cl_id = str(call.params.get("algoId") or ""), str(call.params.get("algoClOrdId") or "")
        if not algo_id and not cl_id:
            raise Refused("50015", "Either parameter algoId or algoClOrdId is required")
        found = self._exchange.protector.algos.find(algo_id, cl_id)
        if found is None:
            raise Refused("51603", "Order does not exist")
        return Answer(data=[algo_row(found)])

    def algos_pending(self, call: Call) -> Answer:
        """Waiting algo orders; ordType is required."""
        if call.params.get("ordType") in (None, ""):
            raise Refused("50014", "Parameter ordType can not be empty")
        rows = (algo_row(algo) for algo in reversed(self._exchange.protector.algos.live()))
        return Answer(data=page(rows, call.params, "algoId"))

    def algos_history(self, call: Call) -> Answer:
        """Ended algo orders; ordType, and state or algoId, are required."""
        params = call.params
        if params.get("ordType") in (None, ""):
            raise Refused("50014", "Parameter ordType can not be empty")
        if params.get("state") in (None, "") and params.get("algoId") in (None, ""):
            raise Refused("50015", "Either parameter state or algoId is required")
        rows = (algo_row(algo) for algo in self._exchange.protector.algos.history())
        return Answer(data=page(rows, params, "algoId"))

    def cancel_all_after(self, call: Call) -> Answer:
        """timeOut 0 (off) or 10 to 120 seconds, as text or number. The unit of triggerTime is a rule."""
        try:
            seconds = int(str(call.params.get("timeOut")))
        except ValueError:
            raise bad("timeOut") from None
        if seconds != 0 and not 10 <= seconds <= 120:
            raise bad("timeOut")
        tag = tag_of(call.params)
        self._exchange.arm_dead_man(tag, seconds)
        now_ms = self._exchange.now_ms()
        trigger_ms = now_ms + seconds * 1000 if seconds else 0
        unit_ms = 1000 if self._exchange.account.rules.caa_trigger_unit == "s" else 1
        return Answer(data=[{"triggerTime": str(trigger_ms // unit_ms), "tag": tag, "ts": str(now_ms)}])
