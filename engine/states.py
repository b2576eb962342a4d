"""Publishes what is true now on the market stream: whole, on change, and at least once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from engine.account import Account
from engine.execution.orders import OrderBookkeeper
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import NS_PER_S, Clock
from schemas.messages import EngineState

_COALESCE_S: Final = 0.02
_ENGINE_EVERY_NS: Final = NS_PER_S // 4
_ALL_EVERY_NS: Final = NS_PER_S
_REST: Final = 10
"""Hundreds of orders take milliseconds to be told: after that, so many times as long for everything else."""


class StatePublisher:
    """Coalesces changes for 20 ms; `changed()` may be called as often as one likes."""

    def __init__(
        self,
        *,
        publisher: Publisher,
        account: Account,
        orders: OrderBookkeeper,
        engine_state: Callable[[], EngineState],
        clock: Clock,
    ) -> None:
        self._publisher, self._account, self._orders = publisher, account, orders
        self._engine_state, self._clock = engine_state, clock
        self._dirty = asyncio.Event()

    def changed(self) -> None:
        """Something is different now."""
        self._dirty.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        all_ns = rested_ns = 0
        while True:
            try:
                async with asyncio.timeout(_ENGINE_EVERY_NS / NS_PER_S):
                    await self._dirty.wait()
                await asyncio.sleep(_COALESCE_S)
            except TimeoutError:
                pass
            now_ns = self._clock.monotonic_ns()
            changed = self._dirty.is_set() and now_ns >= rested_ns
            if changed:
                self._dirty.clear()
            self._publisher.publish(topology.STATE_ENGINE, codec.encode_engine_state(self._engine_state()))
            if changed or now_ns - all_ns >= _ALL_EVERY_NS:
                all_ns = now_ns
                self.publish_holdings()
                done_ns = self._clock.monotonic_ns()
                rested_ns = done_ns + _REST * (done_ns - now_ns)

    def publish_holdings(self) -> None:
        """Orders, positions and account."""
        self._publisher.publish(topology.STATE_ORDERS, codec.encode_orders(self._orders.snapshot()))
        self._publisher.publish(topology.STATE_POSITIONS, codec.encode_positions(self._account.positions()))
        self._publisher.publish(topology.STATE_ACCOUNT, codec.encode_account(self._account.state()))
