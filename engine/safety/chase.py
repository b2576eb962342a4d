"""Cancel and ask, until the venue says that nothing is open and nothing of ours is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from engine.execution.orders import OrderBookkeeper
from engine.venue import codes
from engine.venue.answers import VenueBusy, VenueError, VenueRefused
from engine.venue.rest import BATCH, Rest
from schemas.clock import Clock

_ASK_AGAIN_S: Final = 0.02
_AFTER_ERROR_S: Final = 0.25


class Progress(Protocol):
    """Who is told how far it is."""

    def canceling(self, orders: int, sent_ns: int) -> None:
        """Cancels of so many orders were handed to the transport at `sent_ns`, monotonic."""
        ...

    def seen(self, open_orders: int) -> None:
        """The venue said how many are open."""
        ...

    def problem(self, text: str) -> None:
        """Something stands in the way; it is tried again."""
        ...


class Chase:
    """Of one instrument. `in_flight` says how many orders are on their way to the venue."""

    def __init__(
        self, *, rest: Rest, instrument: str, orders: OrderBookkeeper, in_flight: Callable[[], int], clock: Clock
    ) -> None:
        self._rest, self._instrument, self._orders = rest, instrument, orders
        self._in_flight, self._clock = in_flight, clock

    async def until_nothing_is_open(self, progress: Progress) -> None:
        """What is known to rest is canceled before the venue is asked what does."""
        ids = [record.venue_order_id for record in self._orders.working() if record.venue_order_id]
        while True:
            try:
                if ids:
                    await self._cancel(ids, progress)
                settled = self._in_flight() == 0  # asked first: one that arrives meanwhile is not in the list
                ids = [order.ordId for order in await self._rest.pending(self._instrument)]
                progress.seen(len(ids))
                if not ids and settled:
                    return
                if not ids:
                    await asyncio.sleep(_ASK_AGAIN_S)
            except VenueError as error:
                progress.problem(f"venue: {error}")
                await asyncio.sleep(_AFTER_ERROR_S)

    async def _cancel(self, ids: list[str], progress: Progress) -> None:
        """All batches at once: the venue's limit is in orders, not in calls. Raises: VenueError, when all is done."""
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        said = await asyncio.gather(*(self._one(batch, progress) for batch in batches), return_exceptions=True)
        for error in said:
            if isinstance(error, VenueBusy):  # too many for now: the others have left some room by then
                await asyncio.sleep(_AFTER_ERROR_S)
                return
            if isinstance(error, VenueRefused) and error.code in codes.GONE:
                continue
            if isinstance(error, BaseException):
                raise error

    async def _one(self, batch: list[str], progress: Progress) -> None:
        progress.canceling(len(batch), self._clock.monotonic_ns())
        await self._rest.cancel(self._instrument, batch)
