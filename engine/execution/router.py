"""From a cleared order to the venue's answer: journal, send, and find out what happened when nobody says.

An unknown outcome is asked for by the client order id, and among the fills; it is never sent again. An order that the
venue had no time for (50011, 50061, 50040: certainly not processed) is sent again only if it reduces: an entry would be
sent on an old price.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from decimal import Decimal
from itertools import chain, repeat
from typing import Final

from engine.execution.journal import Entry, Journal
from engine.execution.lifecycle import ENDED, OrderEvent, OrderState
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.execution.shape import from_fills, protection_prices, wire_order
from engine.risk.gate import Cleared
from engine.risk.view import Terms
from engine.venue.answers import Fill, VenueBusy, VenueError, VenueRefused, VenueUnknown
from engine.venue.entry import OrderEntry
from engine.venue.frames import OrderData
from engine.venue.rest import Rest
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.codec.errors import decimal_text
from schemas.messages import OrderAck, OrderReject, OrderRequest, RejectCode
from schemas.settings.tree import Settings

_ASK_AGAIN_S: Final = (0.05, 0.2, 0.5, 1.0)
"""Waits between the first questions for an unknown order: the venue may not show it at once (51603)."""
_BUSY_AGAIN_S: Final = (0.1, 0.3, 0.8)
_CERTAIN_AFTER_S: Final = 1.0
"""How long after its expTime an order that the venue does not know is certain never to trade."""
_PATIENCE_S: Final = 6.0
"""How much longer a venue that does not answer at all is asked."""
_DUPLICATE: Final = "51016"
_DISK_AT_MOST_S: Final = 1.0
"""What closes a position by an operator's word does not wait longer for the journal."""


def client_order_id_of(intent_id: str) -> str:
    """Our id at the venue: letters and digits, the same for the same intent."""
    return "so" + hashlib.blake2b(intent_id.encode(), digest_size=14).hexdigest()


class Unresolved(Exception):
    """The venue could not be brought to say what happened to an order."""


class Router:
    """Sends cleared orders. `may_send` is asked once more between the journal and the send.

    `ttl_ms`: how long the venue may take an order. `in_flight` counts the orders on their way: a halt is not over
    while there are any.
    """

    def __init__(
        self,
        *,
        rest: Rest,
        entry: OrderEntry,
        journal: Journal,
        orders: OrderBookkeeper,
        settings: Settings,
        clock: Clock,
        ttl_ms: Callable[[], int],
        may_send: Callable[[OrderRequest], str],
        on_fills: Callable[[list[Fill]], None],
    ) -> None:
        self._rest = rest
        self._entry = entry
        self._journal = journal
        self._orders = orders
        self._venue = settings.venue
        self._ttl_ms = ttl_ms
        self._clock = clock
        self._may_send = may_send
        self._on_fills = on_fills
        self.on_venue_error: Callable[[str], None] = lambda text: None
        """Told of each order that the venue did not take."""
        self.in_flight = 0

    def place(
        self, cleared: Cleared, *, terms: Terms, price: float
    ) -> Coroutine[None, None, tuple[OrderRecord, OrderAck | OrderReject]]:
        """Take it into the books at once, so that the next order is judged with it; then journal and send.

        `price`: where the market is, for the distances of TP and SL.
        Awaiting raises: Unresolved, LifecycleError: what follows is the caller's. An OSError of the journal becomes a
        refusal.
        """
        order = cleared.order
        tp_price, sl_price = protection_prices(order, terms, price)
        record = self._orders.open(
            order, client_order_id_of(order.intent_id), tp_price=tp_price, sl_price=sl_price
        )  # fmt: skip
        record.expires_ns = self._clock.monotonic_ns() + self._ttl_ms() * NS_PER_MS
        self.in_flight += 1
        return self._carry(cleared, record)

    async def _carry(self, cleared: Cleared, record: OrderRecord) -> tuple[OrderRecord, OrderAck | OrderReject]:
        try:
            return record, await self._place(cleared, record)
        finally:
            self.in_flight -= 1

    async def _journaled(self, order: OrderRequest, record: OrderRecord) -> None:
        """Raises: OSError."""
        await self._journal.append_durably(
            Entry(
                event="intent", intent_id=order.intent_id, client_order_id=record.client_order_id,
                wall_ns=self._clock.wall_ns(), instrument=order.instrument, side=order.side.name,
                contracts=str(order.contracts), reduce_only=order.reduce_only,
                tp_price=decimal_text(record.tp_price), sl_price=decimal_text(record.sl_price),
            )
        )  # fmt: skip

    async def _place(self, cleared: Cleared, record: OrderRecord) -> OrderAck | OrderReject:
        order = cleared.order
        try:
            async with asyncio.timeout(_DISK_AT_MOST_S if cleared.liquidation else None):
                await self._journaled(order, record)
        except OSError as error:  # a TimeoutError is one
            if not cleared.liquidation:  # sized by the venue and reduce-only: whatever comes of it does no harm
                self._orders.apply(record, OrderEvent.DROP)
                return _reject(order, RejectCode.INTERNAL, "journal", f"not written ({error.strerror}); free the disk")
        if why := self._halted_for(cleared):
            self._orders.apply(record, OrderEvent.DROP)
            self.note_end(record)
            return _reject(order, RejectCode.TRADING_STATE, "trading_state", why)
        if not order.reduce_only and self._clock.monotonic_ns() >= record.expires_ns:
            self._orders.apply(record, OrderEvent.DROP)
            self.note_end(record)
            text = "the disk took longer than the order lives; look for what keeps it busy"
            return _reject(order, RejectCode.TTL_EXPIRED, "order_ttl", text, limit=f"{self._ttl_ms()} ms")
        self._orders.apply(record, OrderEvent.SEND)
        return await self._send(cleared, record)

    def _halted_for(self, cleared: Cleared) -> str:
        return "" if cleared.liquidation else self._may_send(cleared.order)

    async def _send(self, cleared: Cleared, record: OrderRecord) -> OrderAck | OrderReject:
        order = cleared.order
        body = wire_order(order, record, margin_mode=self._venue.margin_mode)
        for wait_s in (*(_BUSY_AGAIN_S if order.reduce_only else ()), None):
            now_ns = self._clock.monotonic_ns()
            if order.reduce_only:  # it is as good as when it was asked for
                record.expires_ns = now_ns + self._ttl_ms() * NS_PER_MS
            try:
                left_ms = -(-(record.expires_ns - now_ns) // NS_PER_MS)
                venue_id = await self._entry.place(body, expires_ms=left_ms)
            except VenueBusy as error:
                if wait_s is None:
                    return self._refused(order, record, error)
                await asyncio.sleep(wait_s)
                if why := self._halted_for(cleared):  # the venue has nothing of it
                    self._orders.apply(record, OrderEvent.REFUSE)
                    self.note_end(record)
                    return _reject(order, RejectCode.TRADING_STATE, "trading_state", why)
                continue
            except VenueRefused as error:
                if error.code == _DUPLICATE:  # it rests already: an answer of it was lost
                    break
                return self._refused(order, record, error)
            except VenueUnknown as error:
                self.on_venue_error(str(error))
                break
            self._orders.apply(record, OrderEvent.ACK, venue_order_id=venue_id)
            return self._ack(order, record)
        self._orders.apply(record, OrderEvent.LOST)
        return await self._find_out(order, record)

    def _refused(self, order: OrderRequest, record: OrderRecord, error: VenueRefused) -> OrderReject:
        self._orders.apply(record, OrderEvent.REFUSE)
        self.note_end(record)
        self.on_venue_error(str(error))
        return _reject(order, RejectCode.VENUE_REFUSED, f"venue {error.code}", error.text)

    async def _find_out(self, order: OrderRequest, record: OrderRecord) -> OrderAck | OrderReject:
        """Ask until the venue knows, or until its own expTime makes it certain that it never will."""
        if await self.resolve(record):
            return self._ack(order, record)
        return _reject(order, RejectCode.VENUE_UNKNOWN, "venue", "no answer; asked since: the venue has no such order")

    async def resolve(self, record: OrderRecord) -> bool:
        """Ask the venue for an order whose fate is unknown; True when it has it.

        "No such order" counts once the order's expTime has passed: until then it may still be on its way.
        Raises: Unresolved, when it does not answer at all.
        """
        expires_ns = record.expires_ns or record.sent_ns + self._ttl_ms() * NS_PER_MS
        certain_ns = expires_ns + int(_CERTAIN_AFTER_S * NS_PER_S)
        patient_ns = max(certain_ns, self._clock.monotonic_ns()) + int(_PATIENCE_S * NS_PER_S)
        heard_ns, waits = record.heard_ns, chain(_ASK_AGAIN_S, repeat(1.0))
        while True:
            await asyncio.sleep(next(waits))
            if record.heard_ns != heard_ns or record.state in ENDED:  # a push, or another question, was faster
                return record.state is not OrderState.REFUSED
            asked_ns = self._clock.monotonic_ns()
            try:
                if await self._seen(record, certain=asked_ns > certain_ns):
                    return True
            except VenueError:
                if asked_ns > patient_ns:
                    raise Unresolved(
                        f"order {record.client_order_id}: the venue does not answer; trading stops, reconcile"
                    ) from None
                continue
            if asked_ns > certain_ns:
                if record.heard_ns == heard_ns and record.state not in ENDED:
                    self._orders.apply(record, OrderEvent.NOT_FOUND)
                    self.note_end(record)
                return record.state is not OrderState.REFUSED

    async def _seen(self, record: OrderRecord, *, certain: bool) -> bool:
        """Does the venue know it now, as an order or by its fills? Raises: VenueError."""
        found = await self._rest.order(record.instrument, record.client_order_id)
        fills = await self._rest.fills(record.instrument) if found is None or found.tradeId else []
        if found is None:
            if not certain:
                return False
            found = await self._elsewhere(record, fills)
            if found is None:
                return False
        self._on_fills(fills)
        self._orders.on_push(found)
        self.note_end(record)
        return True

    async def _elsewhere(self, record: OrderRecord, fills: list[Fill]) -> OrderData | None:
        """The last word on an order that a look-up did not find: it may rest, or have traded, all the same."""
        mine = [fill for fill in fills if fill.clOrdId == record.client_order_id and Decimal(fill.fillSz) > 0]
        resting = [row for row in await self._rest.pending(record.instrument) if row.clOrdId == record.client_order_id]
        if resting:
            return resting[0]
        return from_fills(record, mine) if mine else None

    def note_end(self, record: OrderRecord) -> None:
        """Journal the end of an order. A full disk loses only this note: at restart the venue is asked again."""
        if record.state not in ENDED or not record.intent_id:
            return
        try:
            self._journal.append(
                Entry(
                    event="end", intent_id=record.intent_id, client_order_id=record.client_order_id,
                    wall_ns=self._clock.wall_ns(), state=record.state.value, traded=bool(record.filled),
                )
            )  # fmt: skip
        except OSError:
            return

    def _ack(self, order: OrderRequest, record: OrderRecord) -> OrderAck:
        return OrderAck(
            intent_id=order.intent_id, client_order_id=record.client_order_id,
            venue_order_id=record.venue_order_id, accepted_ns=self._clock.wall_ns(),
        )  # fmt: skip


def _reject(order: OrderRequest, code: RejectCode, rule: str, text: str, *, limit: str | None = None) -> OrderReject:
    return OrderReject(intent_id=order.intent_id, code=code, rule=rule, observed=None, limit=limit, text=text)
