"""Taking the position to zero, step by step: ask the venue what is held, close that, ask again.

The size is the venue's word, and every close is reduce-only, so that whatever is lost, doubled or late can only leave
less. It goes through the gate and the router as every order does; a halt does not stop it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.execution.lifecycle import ENDED
from engine.execution.orders import OrderBookkeeper
from engine.risk.view import Terms
from engine.venue.answers import VenueError
from engine.venue.rest import Rest
from schemas.clock import NS_PER_S, Clock
from schemas.messages import DecidedOn, OrderAck, OrderReject, OrderRequest, Side

_ASK_AGAIN_S: Final = 0.02
_AFTER_ERROR_S: Final = 0.25
_ENDS_WITHIN_S: Final = 1.0
"""A close at market ends at once; its push may be late, and asking for the position is the better question then."""

Close = Callable[[OrderRequest, Decimal], Awaitable[OrderAck | OrderReject]]
"""Sends a close of what is held, contracts, through the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """What a step found. `held`: contracts, None where the venue does not say; `sent_ns`: when a close went out."""

    held: Decimal | None
    flat: bool = False
    sent_ns: int | None = None
    problem: str = ""


class Liquidation:
    """Of one instrument. `close` is set by whoever has the gate."""

    def __init__(
        self,
        *,
        rest: Rest,
        instrument: str,
        margin_mode: str,
        orders: OrderBookkeeper,
        in_flight: Callable[[], int],
        terms: Callable[[], Terms | None],
        decided_on: Callable[[], DecidedOn],
        clock: Clock,
    ) -> None:
        self._rest, self._instrument, self._mode, self._orders = rest, instrument, margin_mode, orders
        self._in_flight, self._terms, self._decided_on, self._clock = in_flight, terms, decided_on, clock
        self._one = asyncio.Lock()
        self._attempt = clock.wall_ns()
        self.close: Close | None = None

    async def step(self) -> Flat:
        """One look, and one close if something is held. Never raises; the caller asks again until it is flat."""
        async with self._one:
            try:
                return await self._step()
            except VenueError as error:
                await asyncio.sleep(_AFTER_ERROR_S)
                return Flat(held=None, problem=f"venue: {error}")

    async def _step(self) -> Flat:
        settled = self._in_flight() == 0
        held, elsewhere = await self._held()
        if held == 0 and settled:
            problem = (
                f"{elsewhere} contracts are held in the other margin mode; `sovereign panic --flatten` closes them"
            )
            await self._cancel_algos()
            return Flat(held=held, flat=True, problem=problem if elsewhere else "")
        if held == 0:
            await asyncio.sleep(_ASK_AGAIN_S)
            return Flat(held=held)
        return await self._close(held)

    async def _held(self) -> tuple[Decimal, Decimal]:
        """Contracts held here, and in the other margin mode. Raises: VenueError."""
        held = elsewhere = Decimal(0)
        for row in await self._rest.positions(self._instrument):
            if row.mgnMode in {"", self._mode}:
                held += Decimal(row.pos or "0")
            else:
                elsewhere += Decimal(row.pos or "0")
        return held, elsewhere

    async def _cancel_algos(self) -> None:
        """What protected the position could open a new one. Raises: VenueError."""
        left = [algo.algoId for algo in await self._rest.algos(self._instrument)]
        if left:
            await self._rest.cancel_algos(self._instrument, left)

    async def _close(self, held: Decimal) -> Flat:
        terms = self._terms()
        if self.close is None or terms is None:
            await asyncio.sleep(_AFTER_ERROR_S)
            text = "the venue has not told the instrument's terms; `sovereign panic --flatten` needs none"
            return Flat(held=held, problem=text)
        self._attempt += 1
        most = terms.largest_market or abs(held)
        order = OrderRequest(
            intent_id=f"flat{self._attempt}", instrument=self._instrument,
            side=Side.SELL if held > 0 else Side.BUY, contracts=min(abs(held), most), reduce_only=True,
            decided_on=self._decided_on(), created_ns=self._clock.wall_ns(),
        )  # fmt: skip
        sent_ns = self._clock.monotonic_ns()
        said = await self.close(order, held)
        if isinstance(said, OrderReject):
            await asyncio.sleep(_AFTER_ERROR_S)
            return Flat(held=held, problem=f"close refused: {said.code} {said.rule} {said.text}")
        await self._until_ended(order.intent_id)
        return Flat(held=held, sent_ns=sent_ns)

    async def _until_ended(self, intent_id: str) -> None:
        end_ns = self._clock.monotonic_ns() + int(_ENDS_WITHIN_S * NS_PER_S)
        while self._clock.monotonic_ns() < end_ns:
            record = self._orders.find(intent_id)
            if record is None or record.state in ENDED:
                return
            await asyncio.sleep(_ASK_AGAIN_S / 4)
