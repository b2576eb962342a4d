"""Asks the engine of a laboratory for orders, and checks what became of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.execution.lifecycle import OrderState
from engine.execution.router import client_order_id_of
from schemas.messages import OrderAck, OrderReject, OrderRequest, RejectCode, Side
from tests.support.laboratory import Laboratory, Life, exchange_orders
from tests.support.virtual import LoopClock, run_virtually

_NEVER_TRADED = frozenset({OrderState.REFUSED, OrderState.CANCELED})


class Trader:
    """Remembers what it asked for, and what it was told."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.asked: list[tuple[OrderRequest, asyncio.Task[OrderAck | OrderReject]]] = []
        self._lives: dict[str, Life | None] = {}

    def send(
        self,
        side: Side,
        contracts: str = "1",
        *,
        away: int | None = None,
        reduce_only: bool = False,
        sl_pct: float = 0.05,
    ) -> asyncio.Task[OrderAck | OrderReject]:
        """One order; `away`: a limit so many ticks on the passive side of the market."""
        limit = None
        if away is not None:
            limit = self.lab.centre + (-away if side is Side.BUY else away)
        request = self.lab.order(side, contracts, limit=limit, reduce_only=reduce_only, sl_pct=sl_pct)
        task = self.lab.send(request)
        self.asked.append((request, task))
        self._lives[request.intent_id] = self.lab.life
        return task

    async def told(self, side: Side, contracts: str = "1", **more: object) -> OrderAck | OrderReject:
        """One order, and its answer."""
        task = self.send(side, contracts, **more)  # type: ignore[arg-type]
        await self.lab.until(task.done, within_s=30)
        return task.result()

    async def cancel_last(self) -> tuple[bool, str]:
        """Cancels the order that was asked for last, and returns what `Trading.cancel` does."""
        assert self.lab.life is not None
        task = self.lab.run(self.lab.life.trading.cancel(self.asked[-1][0].intent_id))
        await self.lab.until(task.done, within_s=30)
        return task.result()

    def lost(self) -> list[str]:
        """Orders whose fate at the venue is not what the engine knows, or not what it answered."""
        found = []
        for request, task in self.asked:
            said = task.result() if task.done() and not task.cancelled() else None
            why = self._taken(request, said) if self._at_venue(request) else self._not_taken(request, said)
            if why:
                found.append(f"order {request.intent_id}: {why}")
        return found

    def _at_venue(self, request: OrderRequest) -> bool:
        client_id = client_order_id_of(request.intent_id)
        return any(order.terms.cl_ord_id == client_id for order in exchange_orders(self.lab.exchange))

    def _taken(self, request: OrderRequest, said: OrderAck | OrderReject | None) -> str:
        client_id = client_order_id_of(request.intent_id)
        order = next(o for o in exchange_orders(self.lab.exchange) if o.terms.cl_ord_id == client_id)
        assert self.lab.life is not None
        record = self.lab.life.trading.orders.by_client_id(client_id)
        there = (order.ord_id, order.state, Decimal(order.filled) / 100)
        if isinstance(said, OrderReject) and (said.code is not RejectCode.VENUE_UNKNOWN or said.rule == "venue"):
            return f"the venue took it, and the answer was {said.code} {said.text}"
        if record is None and order.ended and self._lives[request.intent_id] is not self.lab.life:
            return ""  # the life that sent it saw its end
        if record is None:
            return f"at the venue {there}, unknown to the engine"
        here = (record.venue_order_id, record.state.value, record.filled)
        return "" if here == there else f"at the venue {there}, to the engine {here}"

    def _not_taken(self, request: OrderRequest, said: OrderAck | OrderReject | None) -> str:
        assert self.lab.life is not None
        record = self.lab.life.trading.orders.by_client_id(client_order_id_of(request.intent_id))
        if isinstance(said, OrderAck):
            return "acknowledged, and the venue never took it"
        if record is not None and (record.state not in _NEVER_TRADED or record.filled):
            return f"the venue never took it, to the engine it is {record.state.value}, {record.filled} filled"
        return ""


def in_laboratory(directory: Path, act: Callable[[Trader], Awaitable[None]], **options: Any) -> None:
    """Runs a scene on a virtual clock, with an engine that has reconciled; `options` go to the Laboratory."""

    async def scene(clock: LoopClock) -> None:
        lab = Laboratory(directory, clock, **options)
        try:
            await lab.armed()
            await act(Trader(lab))
            assert lab.life is not None
            assert lab.life.dead or lab.life.failed() is None
        finally:
            await lab.close()

    run_virtually(scene)
