"""From a cleared order to the venue's answer: journal, send, and find out what happened when nobody says.

An unknown outcome is asked for by the client order id; it is never sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from engine.execution.journal import Entry, Journal
from engine.execution.lifecycle import ENDED, OrderEvent
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.risk.gate import Cleared
from engine.risk.view import Terms
from engine.venue.rest import Rest, VenueRefused, VenueUnknown
from schemas.clock import Clock
from schemas.messages import OrderAck, OrderReject, OrderRequest, RejectCode, Side
from schemas.settings.tree import Settings

_ASK_AGAIN_S: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Waits between the questions for an unknown order: the venue may not show it at once (51603)."""


def client_order_id_of(intent_id: str) -> str:
    """Our id at the venue: letters and digits, the same for the same intent."""
    return "so" + hashlib.blake2b(intent_id.encode(), digest_size=14).hexdigest()


class Unresolved(Exception):
    """The venue could not be brought to say what happened to an order."""


class Router:
    """Sends cleared orders. `may_send` is asked once more between the journal and the send.

    `in_flight` counts the orders on their way: a halt is not over while there are any.
    """

    def __init__(
        self,
        *,
        rest: Rest,
        journal: Journal,
        orders: OrderBookkeeper,
        settings: Settings,
        clock: Clock,
        may_send: Callable[[OrderRequest], str],
    ) -> None:
        self._rest = rest
        self._journal = journal
        self._orders = orders
        self._venue = settings.venue
        self._expires_ms = settings.risk.order_ttl_ms
        self._clock = clock
        self._may_send = may_send
        self.in_flight = 0

    async def place(self, cleared: Cleared, *, terms: Terms, price: float) -> OrderAck | OrderReject:
        """Journal and send. `price`: where the market is, for the distances of TP and SL.

        Raises: Unresolved, LifecycleError: what follows is the caller's; OSError from the journal becomes a refusal.
        """
        self.in_flight += 1
        try:
            return await self._place(cleared.order, terms, price)
        finally:
            self.in_flight -= 1

    async def _place(self, order: OrderRequest, terms: Terms, price: float) -> OrderAck | OrderReject:
        client_id = client_order_id_of(order.intent_id)
        tp_price, sl_price = protection_prices(order, terms, price)
        record = self._orders.open(order, client_id, tp_price=tp_price, sl_price=sl_price)
        try:
            await self._journal.append_durably(
                Entry(
                    event="intent", intent_id=order.intent_id, client_order_id=client_id,
                    wall_ns=self._clock.wall_ns(), instrument=order.instrument, side=order.side.name,
                    contracts=str(order.contracts), reduce_only=order.reduce_only,
                )
            )  # fmt: skip
        except OSError as error:
            self._orders.apply(record, OrderEvent.DROP)
            return _reject(order, RejectCode.INTERNAL, "journal", f"not written ({error.strerror}); free the disk")
        if why := self._may_send(order):
            self._orders.apply(record, OrderEvent.DROP)
            self.note_end(record)
            return _reject(order, RejectCode.TRADING_STATE, "trading_state", why)
        self._orders.apply(record, OrderEvent.SEND)
        return await self._send(order, record)

    async def _send(self, order: OrderRequest, record: OrderRecord) -> OrderAck | OrderReject:
        try:
            venue_id = await self._rest.place(self._wire_order(order, record), expires_ms=self._expires_ms)
        except VenueRefused as error:
            self._orders.apply(record, OrderEvent.REFUSE)
            self.note_end(record)
            return _reject(order, RejectCode.VENUE_REFUSED, f"venue {error.code}", error.text)
        except VenueUnknown:
            self._orders.apply(record, OrderEvent.LOST)
            return await self._find_out(order, record)
        self._orders.apply(record, OrderEvent.ACK, venue_order_id=venue_id)
        return self._ack(order, record)

    async def _find_out(self, order: OrderRequest, record: OrderRecord) -> OrderAck | OrderReject:
        """Ask until the venue knows, or until its own expTime makes it certain that it never will."""
        if await self.resolve(record):
            return self._ack(order, record)
        return _reject(order, RejectCode.VENUE_UNKNOWN, "venue", "no answer; asked since: the venue has no such order")

    async def resolve(self, record: OrderRecord) -> bool:
        """Ask the venue for an order whose fate is unknown; True when it has it.

        Raises: Unresolved, when it does not answer at all.
        """
        answered = False
        for wait_s in _ASK_AGAIN_S:
            await asyncio.sleep(wait_s)
            try:
                found = await self._rest.order(record.instrument, record.client_order_id)
            except (VenueUnknown, VenueRefused):
                continue
            answered = True
            if found is not None:
                self._orders.on_push(found)
                return True
        if not answered:
            raise Unresolved(f"order {record.client_order_id}: the venue does not answer; trading stops, reconcile")
        if record.state not in ENDED:  # a push, or another question, was faster
            self._orders.apply(record, OrderEvent.NOT_FOUND)
            self.note_end(record)
        return False

    def note_end(self, record: OrderRecord) -> None:
        """Journal the end of an order. A full disk loses only this note: at restart the venue is asked again."""
        if record.state not in ENDED or not record.intent_id:
            return
        try:
            self._journal.append(
                Entry(
                    event="end", intent_id=record.intent_id, client_order_id=record.client_order_id,
                    wall_ns=self._clock.wall_ns(), state=record.state.value,
                )
            )  # fmt: skip
        except OSError:
            return

    def _wire_order(self, order: OrderRequest, record: OrderRecord) -> dict[str, Any]:
        body: dict[str, Any] = {
            "instId": order.instrument,
            "tdMode": self._venue.margin_mode,
            "side": "buy" if order.side is Side.BUY else "sell",
            "ordType": "market" if order.limit_price is None else "limit",
            "sz": format(order.contracts, "f"),
            "clOrdId": record.client_order_id,
        }
        if order.limit_price is not None:
            body["px"] = format(order.limit_price, "f")
        if order.reduce_only:
            body["reduceOnly"] = True
            return body
        protection: dict[str, str] = {}
        if record.tp_price is not None:
            protection |= {"tpTriggerPx": format(record.tp_price, "f"), "tpOrdPx": "-1", "tpTriggerPxType": "last"}
        if record.sl_price is not None:
            protection |= {"slTriggerPx": format(record.sl_price, "f"), "slOrdPx": "-1", "slTriggerPxType": "last"}
        if protection:
            body["attachAlgoOrds"] = [{"attachAlgoClOrdId": "sp" + record.client_order_id[2:], **protection}]
        return body

    def _ack(self, order: OrderRequest, record: OrderRecord) -> OrderAck:
        return OrderAck(
            intent_id=order.intent_id, client_order_id=record.client_order_id,
            venue_order_id=record.venue_order_id, accepted_ns=self._clock.wall_ns(),
        )  # fmt: skip


def protection_prices(order: OrderRequest, terms: Terms, price: float) -> tuple[Decimal | None, Decimal | None]:
    """Prices of take-profit and stop-loss by their percent distances from `price`, on the tick."""
    if order.reduce_only:
        return None, None
    direction = 1 if order.side is Side.BUY else -1
    entry = order.limit_price if order.limit_price is not None else Decimal(str(price))

    def at(pct: float | None, sign: int) -> Decimal | None:
        if pct is None:
            return None
        raw = entry * (1 + sign * Decimal(str(pct)) / 100)
        return (raw / terms.tick).quantize(Decimal(1), ROUND_HALF_UP) * terms.tick

    return at(order.tp_pct, direction), at(order.sl_pct, -direction)


def _reject(order: OrderRequest, code: RejectCode, rule: str, text: str) -> OrderReject:
    return OrderReject(intent_id=order.intent_id, code=code, rule=rule, observed=None, limit=None, text=text)
