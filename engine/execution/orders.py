"""All orders that the engine knows: its own by their intents, and the venue's (children of TP/SL, orders of others)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from engine.execution.lifecycle import ENDED, OrderEvent, OrderState, advance
from engine.venue.frames import OrderData
from schemas.clock import Clock
from schemas.messages import OrderRequest, OrdersState, OrderView, Side

RECENT: Final = 50
"""Ended orders that are still shown."""

_RESTING: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})
_PUSH_EVENTS: Final = {
    "live": OrderEvent.PUSH_LIVE,
    "partially_filled": OrderEvent.PUSH_PARTIAL,
    "filled": OrderEvent.PUSH_FILLED,
    "canceled": OrderEvent.PUSH_CANCELED,
    "mmp_canceled": OrderEvent.PUSH_CANCELED,
}


@dataclass(slots=True, kw_only=True)
class OrderRecord:
    """One order. Sizes in contracts, prices in quote currency; `fee` is negative when charged.

    `sent_ns`, `heard_ns`: when it was sent, and when the venue last spoke of it, monotonic; 0: not yet. `expires_ns`:
    when the venue takes it no more, by what it was sent with last; 0: sent in a former life.
    """

    client_order_id: str
    intent_id: str
    instrument: str
    side: Side
    contracts: Decimal
    reduce_only: bool
    kind: str
    updated_ns: int
    state: OrderState = OrderState.NEW
    venue_order_id: str = ""
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    tp_price: Decimal | None = None
    sl_price: Decimal | None = None
    fee: Decimal = Decimal(0)
    sent_ns: int = 0
    heard_ns: int = 0
    expires_ns: int = 0

    def view(self) -> OrderView:
        """The record as a message."""
        return OrderView(
            client_order_id=self.client_order_id, venue_order_id=self.venue_order_id, intent_id=self.intent_id,
            instrument=self.instrument, side=self.side.name.lower(), contracts=self.contracts,
            filled_contracts=self.filled, average_price=self.average_price, state=self.state.value,
            reduce_only=self.reduce_only, tp_price=self.tp_price, sl_price=self.sl_price,
            limit_price=self.limit_price, kind=self.kind, fee=self.fee, updated_ns=self.updated_ns,
        )  # fmt: skip


class Unfilled(NamedTuple):
    """What the working orders may still trade.

    `buy`, `sell`: contracts. Of the orders that do not only reduce: `priced`, the sum of contracts times their own
    prices; `unpriced`, the contracts of those without a price of their own.
    """

    buy: Decimal
    sell: Decimal
    priced: Decimal
    unpriced: Decimal

    def notional(self, contract_value: Decimal, price: Decimal) -> Decimal:
        """Worth of it, at the orders' own prices, else at `price`; what only reduces is nothing."""
        return contract_value * (self.priced + self.unpriced * price)


def number(text: str) -> Decimal | None:
    """Decimal of the venue's text; None for "", which means absent. Raises decimal.InvalidOperation."""
    return Decimal(text) if text else None


class OrderBookkeeper:
    """Applies events to orders. Every method that applies one may raise LifecycleError."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_client_id: dict[str, OrderRecord] = {}
        self._by_venue_id: dict[str, OrderRecord] = {}
        self._working: dict[str, OrderRecord] = {}
        self._ended: list[OrderRecord] = []
        self._unfilled: Unfilled | None = None
        """Summed up when it is next asked for; every change of an order makes it None."""

    def open(
        self, order: OrderRequest, client_order_id: str, *, tp_price: Decimal | None, sl_price: Decimal | None
    ) -> OrderRecord:
        """A new order of ours, not sent yet."""
        record = OrderRecord(
            client_order_id=client_order_id, intent_id=order.intent_id, instrument=order.instrument, side=order.side,
            contracts=order.contracts, reduce_only=order.reduce_only, kind="entry", tp_price=tp_price,
            sl_price=sl_price, limit_price=order.limit_price, updated_ns=self._clock.wall_ns(),
        )  # fmt: skip
        self._enter(record)
        return record

    def _enter(self, record: OrderRecord) -> None:
        self._by_client_id[record.client_order_id] = self._working[record.client_order_id] = record
        self._unfilled = None

    def apply(self, record: OrderRecord, event: OrderEvent, *, venue_order_id: str = "") -> None:
        """One event of ours: sent, acked, refused, lost."""
        self._unfilled = None
        before = record.state
        record.state = advance(record.client_order_id, record.state, event)
        record.updated_ns = self._clock.wall_ns()
        if event is OrderEvent.SEND:
            record.sent_ns = self._clock.monotonic_ns()
        elif event is not OrderEvent.LOST:
            record.heard_ns = self._clock.monotonic_ns()
        if venue_order_id:
            record.venue_order_id = venue_order_id
            self._by_venue_id[venue_order_id] = record
        if record.state in ENDED and before not in ENDED:
            self._end(record)

    def on_push(self, data: OrderData) -> OrderRecord | None:
        """One push (or REST row) of the venue; None for a state that the guide does not name."""
        event = _PUSH_EVENTS.get(data.state)
        if event is None:
            return None
        record = self._by_client_id.get(data.clOrdId) or self._by_venue_id.get(data.ordId) or self._adopt(data)
        filled = number(data.accFillSz) or Decimal(0)
        if filled < record.filled:  # overtaken by a newer push
            return record
        self._unfilled, record.filled = None, filled
        average = number(data.avgPx)
        record.average_price = average if average else record.average_price
        record.fee = number(data.fee) or record.fee
        self.apply(record, event, venue_order_id=data.ordId)
        return record

    def _adopt(self, data: OrderData) -> OrderRecord:
        """An order that the engine did not send: a TP/SL's child, or somebody else's."""
        ours = bool(data.algoId or data.algoClOrdId)
        record = OrderRecord(
            client_order_id=data.clOrdId or data.ordId, intent_id="", instrument=data.instId,
            side=Side.BUY if data.side == "buy" else Side.SELL, contracts=Decimal(data.sz),
            reduce_only=data.reduceOnly == "true", kind="protection" if ours else "foreign",
            limit_price=number(data.px), updated_ns=self._clock.wall_ns(), state=OrderState.SENT,
        )  # fmt: skip
        self._enter(record)
        return record

    def _end(self, record: OrderRecord) -> None:
        if self._working.get(record.client_order_id) is record:
            del self._working[record.client_order_id]
        self._ended.insert(0, record)
        for old in self._ended[RECENT:]:
            self._by_client_id.pop(old.client_order_id, None)
            self._by_venue_id.pop(old.venue_order_id, None)
        del self._ended[RECENT:]

    def by_client_id(self, client_order_id: str) -> OrderRecord | None:
        """The order of one of our ids at the venue."""
        return self._by_client_id.get(client_order_id)

    def find(self, intent_id: str) -> OrderRecord | None:
        """The order of an intent."""
        return next((r for r in self._by_client_id.values() if r.intent_id == intent_id), None)

    def working(self) -> list[OrderRecord]:
        """Orders that have not ended."""
        return list(self._working.values())

    def resting(self, tag_of: Callable[[OrderRecord], bool]) -> bool:
        """Does one of these rest at the venue?"""
        return any(r.state in _RESTING and tag_of(r) for r in self._working.values())

    def unfilled(self) -> Unfilled:
        """What all working orders together may still trade; every order is judged with it."""
        if self._unfilled is None:
            buy = sell = priced = unpriced = Decimal(0)
            for record in self._working.values():
                left = record.contracts - record.filled
                if record.side is Side.BUY:
                    buy += left
                else:
                    sell += left
                if not record.reduce_only and record.limit_price:
                    priced += left * record.limit_price
                elif not record.reduce_only:
                    unpriced += left
            self._unfilled = Unfilled(buy, sell, priced, unpriced)
        return self._unfilled

    def working_contracts(self, side: Side) -> Decimal:
        """Unfilled size of the working orders of one side, contracts."""
        return self.unfilled().buy if side is Side.BUY else self.unfilled().sell

    def only_shrinks(self, order: OrderRequest, held: Decimal | None) -> bool:
        """Can an order that is among the working ones already do nothing but shrink what is held?"""
        if order.reduce_only:
            return True
        if held is None or not (held < 0 if order.side is Side.BUY else held > 0):
            return False
        return self.working_contracts(order.side) <= abs(held)

    def snapshot(self) -> OrdersState:
        """All of it as a message."""
        return OrdersState(
            timestamp_ns=self._clock.wall_ns(),
            working=tuple(record.view() for record in self.working()),
            recent=tuple(record.view() for record in self._ended),
        )
