"""The user's trading: an order is checked against account and market, worked through the book, booked, told.

Pure but for what it is given: times come in as milliseconds, notes go out through `tell`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from engine.exchange.account import Account
from engine.exchange.checks import Checks
from engine.exchange.instrument import notional
from engine.exchange.intake import Refused
from engine.exchange.ledger import Ledger
from engine.exchange.market.state import MarketState, PublicTrade
from engine.exchange.matching import Made, MeetsOwn, Side, opposite
from engine.exchange.notes import MoneyNote, Note, OrderNote, TradeNote
from engine.exchange.orders import IMMEDIATE, Fill, NewOrder, Order, OrderBookkeeper, Slot
from engine.exchange.render import order_push

_FIRST_ORD_ID: Final = 2_896_576_259_728_695_296


class Desk:
    """Places, amends and cancels; books every fill. `on_end` hears of each order that ended."""

    def __init__(self, market: MarketState, account: Account, tell: Callable[[Note], None]) -> None:
        self.market = market
        self.account = account
        self.orders = OrderBookkeeper()
        self.ledger = Ledger(account)
        self._checks = Checks(market, account, self.orders)
        self.on_end: Callable[[Order, int], None] = lambda _order, _now_ms: None
        self.on_fill: Callable[[Order, int], None] = lambda _order, _now_ms: None
        self.on_position: Callable[[Slot, int, int, int], None] = lambda _slot, _before, _after, _now_ms: None
        self.may_take: Callable[[Order, int], int] = lambda order, _limit_px: order.left  # a fault: less
        self._tell = tell
        self._last_id = _FIRST_ORD_ID

    def next_id(self) -> str:
        """A new venue id: orders, algo orders and bills share one sequence."""
        self._last_id += 4096
        return str(self._last_id)

    # -- the three verbs ------------------------------------------------------------------------------------------

    def place(self, terms: NewOrder, now_ms: int) -> Order:
        """Accepts an order and works it. Raises: Refused, and then nothing has happened."""
        if terms.cl_ord_id and self.orders.pending_client_id(terms.cl_ord_id):
            raise Refused("51016", "Duplicated client order ID")
        self._checks.new(terms)
        order = self._accept(terms, terms.px, now_ms)
        self._work(order, now_ms)
        return order

    def force(self, terms: NewOrder, now_ms: int) -> Order:
        """An order of the venue's own, unchecked: what the book does not take at its price, the venue takes over."""
        limit = terms.px if terms.px is not None else self.market.last_px
        order = self._accept(terms, limit, now_ms)
        self._take(order, limit, order.left, now_ms)
        if not order.ended:
            self._book(order, limit, order.left, "T", self.market.next_trade_id(), now_ms)
        return order

    def take_over(self, terms: NewOrder, now_ms: int) -> None:
        """An order of the venue's own that the venue itself fills at once, at its price; the book is not asked."""
        limit = terms.px if terms.px is not None else self.market.last_px
        order = self._accept(terms, limit, now_ms)
        self._book(order, limit, order.left, "T", self.market.next_trade_id(), now_ms)

    def _accept(self, terms: NewOrder, px: int | None, now_ms: int) -> Order:
        lever = self.account.lever(terms.slot)
        order = Order(self.next_id(), terms, terms.lots, px, lever, now_ms, now_ms)
        self.orders.add(order)
        self._told(order)
        return order

    def cancel(self, order: Order, now_ms: int, source: str = "1") -> None:
        """Ends a pending order. Raises: Refused, if it has ended already."""
        if order.ended:
            code, why = ("51402", "completed") if order.state == "filled" else ("51401", "canceled")
            raise Refused(code, f"Cancellation failed as the order has been {why}.")
        self._unrest(order, now_ms)
        order.cancel_source = source
        self._end(order, "canceled", now_ms)

    def amend(self, order: Order, lots: int | None, px: int | None, req_id: str, now_ms: int) -> None:
        """New total size (what is filled counts in) and price. Raises: Refused, and then nothing has happened.

        Whether the place in the queue is kept is a rule for price, larger and smaller size (FACTS 9, unconfirmed);
        a kept place at another price means: no more ahead of it than before.
        """
        if order.ended:
            state = "filled" if order.state == "filled" else "canceled"
            raise Refused("51503", f"Your order has already been {state}.")
        new_lots, new_px = order.lots if lots is None else lots, order.px if px is None else px
        self._checks.amended(order, new_lots - order.filled, new_px, moved=px is not None)
        resting, rules = order.resting, self.account.rules
        larger = new_lots > order.lots
        may_keep = rules.amend_up_keeps_place if larger else rules.amend_down_keeps_place or new_lots == order.lots
        keeps_place = resting is not None and new_px == order.px and order.filled < new_lots and may_keep
        ahead = resting.ahead if resting is not None and new_px != order.px and rules.amend_px_keeps_place else None
        if not keeps_place:
            self._unrest(order, now_ms)
        order.lots, order.px, order.updated_ms = max(new_lots, order.filled), new_px, now_ms
        if keeps_place and resting is not None:
            resting.lots = order.left
            self.market.touch(now_ms)
        elif order.left == 0:
            self._end(order, "filled", now_ms, req_id=req_id, amended="0")
            return
        self._told(order, req_id=req_id, amended="0")
        if not keeps_place:
            self._work(order, now_ms)
        if ahead is not None and order.resting is not None:
            order.resting.ahead = min(ahead, order.resting.ahead)

    # -- working --------------------------------------------------------------------------------------------------

    def _work(self, order: Order, now_ms: int) -> None:
        terms, matcher = order.terms, self.market.matcher
        highest, lowest = self.market.price_limits(self.account.rules.price_band)
        limit = order.px if order.px is not None else (highest if terms.side == "buy" else lowest)
        if terms.ord_type == "post_only" and matcher.would_take(terms.side, limit):
            return self.cancel(order, now_ms, "31")
        if terms.ord_type == "fok" and matcher.half(opposite(terms.side)).fillable(limit) < order.left:
            return self.cancel(order, now_ms, "13")
        self._take(order, limit, self.may_take(order, limit), now_ms)
        if order.ended:
            return None
        if terms.ord_type in IMMEDIATE:
            return self.cancel(order, now_ms, "14")
        order.resting = matcher.half(terms.side).rest(order.ord_id, limit, order.left)
        self.market.touch(now_ms)
        return None

    def _take(self, order: Order, limit: int, lots: int, now_ms: int) -> None:
        for step in self.market.matcher.take(order.terms.side, limit, lots):
            if isinstance(step, MeetsOwn):
                self._self_trade(order, step, now_ms)
            else:
                trade = self.public_trade(order.terms.side, step.px, step.lots, now_ms)
                self._book(order, step.px, step.lots, "T", trade.trade_id, now_ms)
            if order.ended:
                return

    def _self_trade(self, taker: Order, meets: MeetsOwn, now_ms: int) -> None:
        mode = taker.terms.stp_mode
        if mode in ("cancel_maker", "cancel_both"):
            maker = self.orders.find(meets.ord_id, "")
            if maker is not None:
                self.cancel(maker, now_ms, "32")
        if mode in ("cancel_taker", "cancel_both"):
            self.cancel(taker, now_ms, "32")

    def made(self, made: Made, trade_id: str, now_ms: int) -> None:
        """A resting order was filled by the outside world."""
        order = self.orders.find(made.ord_id, "")
        if order is not None:
            self._book(order, made.px, made.lots, "M", trade_id, now_ms)

    def public_trade(self, taker: Side, px: int, lots: int, now_ms: int) -> PublicTrade:
        """A trade in which the user took part without an outside print: everybody sees it."""
        trade = self.market.record(taker, px, lots, 1, now_ms)
        self._tell(TradeNote(trade))
        return trade

    def _book(self, order: Order, px: int, lots: int, liquidity: Literal["T", "M"], trade_id: str, now_ms: int) -> None:
        terms = order.terms
        before = self.account.slots[terms.slot].lots
        booked = self.account.apply(terms.slot, terms.side, lots, px, liquidity, trade_id, now_ms)
        fill = Fill(
            trade_id=trade_id,
            bill_id=self.next_id(),
            ord_id=order.ord_id,
            cl_ord_id=terms.cl_ord_id,
            tag=terms.tag,
            side=terms.side,
            px=px,
            lots=lots,
            liquidity=liquidity,
            fee=booked.fee,
            fee_rate=booked.fee_rate,
            pnl=booked.pnl,
            mark=self.market.mark,
            ts_ms=now_ms,
            pos_side=terms.pos_side,
        )
        self.orders.fills.append(fill)
        self.ledger.trade(fill, terms)
        order.filled += lots
        order.filled_value += notional(lots, px)
        order.pnl += booked.pnl
        if booked.fee > 0:
            order.rebate += booked.fee
        else:
            order.fee += booked.fee
        order.last_fill, order.updated_ms = fill, now_ms
        if order.left:
            order.state = "partially_filled"
            self._told(order, fill)
        else:
            order.resting = None  # a resting order that is filled has left the book by itself
            self._end(order, "filled", now_ms, fill)
        self._tell(MoneyNote("filled" if terms.category == "normal" else "liquidation", terms.slot, trade_id))
        self.on_fill(order, now_ms)
        after = self.account.slots[terms.slot].lots
        self._shrink_reducers(terms.slot, after, now_ms)
        self.on_position(terms.slot, before, after, now_ms)

    def _shrink_reducers(self, slot: Slot, held: int, now_ms: int) -> None:
        """A resting reduce-only order that is now larger than the position is canceled by the venue."""
        for order in self.orders.pending():
            if order.resting is None or not order.terms.reduce_only or order.terms.slot != slot:
                continue
            closes = held if order.terms.side == "sell" else -held
            if order.left > closes:
                self.cancel(order, now_ms, "23")

    def _unrest(self, order: Order, now_ms: int) -> None:
        if order.resting is not None:
            self.market.matcher.half(order.terms.side).remove(order.resting)
            order.resting = None
            self.market.touch(now_ms)

    def _end(
        self,
        order: Order,
        state: Literal["filled", "canceled"],
        now_ms: int,
        fill: Fill | None = None,
        *,
        req_id: str = "",
        amended: str = "",
    ) -> None:
        order.state, order.updated_ms = state, now_ms
        self.orders.end(order)
        self._told(order, fill, req_id=req_id, amended=amended)
        self.on_end(order, now_ms)

    def _told(self, order: Order, fill: Fill | None = None, *, req_id: str = "", amended: str = "") -> None:
        self._tell(OrderNote(order_push(order, self.market.last_px, fill, req_id=req_id, amended=amended)))
