"""The order calls that REST and the websocket share: items in, answer out, with OKX's codes and call limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP
from typing import Any, Final

from engine.exchange import intake
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import INST_ID, TICK, decimal_of
from engine.exchange.orders import Order, Refusal, forgotten
from engine.exchange.ratelimit import RateLimiter
from schemas.clock import NS_PER_MS

Item = Mapping[str, Any]
BATCH_MAX: Final = 20
_SINGLE_LIMIT: Final = 60  # calls per 2 s
_BATCH_LIMIT: Final = 300  # orders per 2 s
_ACCOUNT_LIMIT: Final = 1000  # new and amended orders per 2 s
_AMENDS_AT_ONCE: Final = 3  # of one order


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call gives back: OKX's code and msg, rows, and the HTTP status that REST uses for it."""

    code: str = "0"
    msg: str = ""
    data: list[Any] = field(default_factory=list)
    status: int = 200


TOO_MANY: Final = Answer(code="50011", msg="Too Many Requests", status=429)


class TradeApi:
    """Place, cancel, amend: single or in batches. `limiter` is shared by all doors of the venue.

    `latency_ms`: how long a call is under way at the venue. What expires within it is not processed (50037), and so
    long an amend counts as in flight (51513).
    """

    def __init__(self, exchange: Exchange, limiter: RateLimiter, *, latency_ms: int = 0) -> None:
        self._exchange = exchange
        self._limiter = limiter
        self._latency_ms = latency_ms
        self._amends = RateLimiter()

    def place(self, items: Sequence[Any], *, batch: bool, exp_time: object = None, by_code: bool = False) -> Answer:
        """New orders. `by_code`: the instrument is named by instIdCode, as on the websocket."""
        return self._call("order", items, batch, exp_time, lambda raw: self._place(raw, by_code), new=True)

    def cancel(self, items: Sequence[Any], *, batch: bool, by_code: bool = False) -> Answer:
        """Cancels by ordId or clOrdId."""
        return self._call("cancel", items, batch, None, lambda raw: self._cancel(raw, by_code), new=False)

    def amend(self, items: Sequence[Any], *, batch: bool, exp_time: object = None, by_code: bool = False) -> Answer:
        """New size or price of pending orders."""
        return self._call("amend", items, batch, exp_time, lambda raw: self._amend(raw, by_code), new=True)

    def _call(
        self,
        verb: str,
        items: Sequence[Any],
        batch: bool,
        exp_time: object,
        act: Callable[[Item], dict[str, Any]],
        *,
        new: bool,
    ) -> Answer:
        if not items or len(items) > (BATCH_MAX if batch else 1) or not all(isinstance(item, dict) for item in items):
            return Answer(code="50014" if not items else "51000", msg="Parameter data error", status=400)
        refusal = self._too_late(exp_time)
        if refusal is not None:
            return Answer(code=refusal.code, msg=refusal.msg)
        now_ns, count = self._exchange.monotonic_ns(), len(items)
        many = batch and count > 1
        key, limit = (f"batch-{verb}", _BATCH_LIMIT) if many else (verb, _SINGLE_LIMIT)
        if not self._limiter.admit(key, limit, now_ns, weight=count):
            return TOO_MANY
        if new and not self._limiter.admit("sub-account", _ACCOUNT_LIMIT, now_ns, weight=count):
            return Answer(code="50061", msg="The sub-account's order rate limit is exceeded.", status=429)
        self._exchange.advance()
        rows = [self._item(raw, act) for raw in items]
        failed = sum(row["sCode"] != "0" for row in rows)
        if not failed:
            return Answer(data=rows)
        if failed == len(rows):
            return Answer(code="1", msg="All operations failed", data=rows)
        return Answer(code="2", msg="Bulk operation partially succeeded.", data=rows)

    def _too_late(self, exp_time: object) -> Refusal | None:
        if exp_time in (None, ""):
            return None
        try:
            deadline = int(str(exp_time))
        except ValueError:
            return Refusal(code="51000", msg="Parameter expTime error")
        if deadline < self._exchange.now_ms():
            return Refusal(code="50036", msg="The expTime can't be earlier than the current system time.")
        if deadline < self._exchange.now_ms() + self._latency_ms:
            return Refusal(code="50037", msg="The order expired.")
        return None

    def _item(self, raw: Item, act: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "ordId": str(raw.get("ordId") or ""),
            "clOrdId": str(raw.get("clOrdId") or ""),
            "ts": str(self._exchange.now_ms()),
            "sCode": "0",
            "sMsg": "",
            "subCode": "",
        }
        if self._exchange.account.rules.off_tick == "round":
            raw = _on_tick(raw, "px", "newPx")
        try:
            row.update(act(raw))
        except intake.Refused as refused:
            row["sCode"], row["sMsg"] = refused.refusal.code, refused.refusal.msg
        return row

    def _place(self, raw: Item, by_code: bool) -> dict[str, Any]:
        order = self._exchange.place(intake.new_order(raw, by_code=by_code, hedged=self._exchange.account.hedged))
        return {"ordId": order.ord_id, "tag": order.terms.tag, "sMsg": "Order placed"}

    def _cancel(self, raw: Item, by_code: bool) -> dict[str, Any]:
        order = self.find(raw, by_code=by_code, absent="51400")
        self._exchange.cancel(order)
        return {"ordId": order.ord_id, "clOrdId": order.terms.cl_ord_id}

    def _amend(self, raw: Item, by_code: bool) -> dict[str, Any]:
        req_id = intake.client_id(raw, "reqId")
        order = self.find(raw, by_code=by_code, absent="51503")
        try:
            lots = intake.size(raw, "newSz") if raw.get("newSz") not in (None, "") else None
            px = intake.price(raw, "newPx") if raw.get("newPx") not in (None, "") else None
            if lots is None and px is None:
                raise intake.bad("newSz")
            now_ns, latency_ns = self._exchange.monotonic_ns(), self._latency_ms * NS_PER_MS
            if not self._amends.admit(order.ord_id, _AMENDS_AT_ONCE, now_ns, window_ns=latency_ns):
                raise intake.Refused("51513", "More than 3 modifications of this order are in progress.")
            self._exchange.amend(order, lots, px, req_id)
        except intake.Refused:
            if intake.flag(raw, "cxlOnFail") and not order.ended:
                self._exchange.cancel(order)
            raise
        return {"ordId": order.ord_id, "clOrdId": order.terms.cl_ord_id, "reqId": req_id}

    def find(self, raw: Item, *, by_code: bool = False, absent: str) -> Order:
        """The order that a request names; ordId wins. Raises: Refused, with the code `absent` if there is none."""
        intake.instrument(raw, by_code=by_code)
        ord_id, cl_ord_id = str(raw.get("ordId") or ""), str(raw.get("clOrdId") or "")
        if not ord_id and not cl_ord_id:
            raise intake.Refused("50014", "Parameter ordId or clOrdId can not be empty")
        order = self._exchange.desk.orders.find(ord_id, cl_ord_id)
        if order is None or forgotten(order, self._exchange.now_ms()):
            raise intake.Refused(absent, f"Order does not exist ({INST_ID}).")
        return order


def _on_tick(raw: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The same request with these prices moved to the nearest tick; what is no positive number stays as it is."""
    moved: dict[str, str] = {}
    for name in names:
        try:
            value = decimal_of(raw.get(name))
        except ValueError:
            continue
        if value > 0:
            moved[name] = format(max(TICK, (value / TICK).to_integral_value(ROUND_HALF_UP) * TICK), "f")
    return {**raw, **moved}
