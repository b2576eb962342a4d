"""What is done with the positions when the brain is dead: all of them closed, the unprotected ones, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from engine.account import Account
from engine.execution.orders import OrderBookkeeper
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.liquidation import Liquidation
from engine.venue.answers import VenueError
from engine.venue.rest import BATCH, Rest

Policy = Literal["all", "unprotected", "none"]
_AGAIN_S: Final = 1.0
"""Between two closings: what the venue says of the position may come late, and it is not asked at every look."""
_NOT_NOW: Final = (CauseName.OPERATOR_HALT, CauseName.ENGINE_HALT, CauseName.SHUTTING_DOWN)
"""While a halt stands nothing is sent but cancels; whoever halted decides about the position."""


class BrainDeath:
    """Acts once a death. What was begun is brought to its end, also when the brain comes back meanwhile."""

    def __init__(
        self,
        policy: Policy,
        *,
        liquidation: Liquidation,
        rest: Rest,
        instrument: str,
        account: Account,
        orders: OrderBookkeeper,
        causes: TradingCauses,
        log: Callable[[str, str], None],
    ) -> None:
        self._policy, self._liquidation, self._rest, self._instrument = policy, liquidation, rest, instrument
        self._account, self._orders, self._causes, self._log = account, orders, causes, log
        self._work: asyncio.Task[None] | None = None
        self._met = False

    @property
    def closing(self) -> bool:
        """Is something being closed, or looked at, just now?"""
        return self._work is not None and not self._work.done()

    def look(self, *, dead: bool) -> None:
        """Called all the time; `dead`: a brain that has been heard is dead now."""
        if not dead:
            self._met = False
            return
        if any(self._causes.stands(name) for name in _NOT_NOW) or self.closing:
            return
        if not self._met:
            self._met = True
            self._log("error", f"the brain is dead; safety.brain_death = {self._policy!r}")
            if self._policy != "none":
                self._work = asyncio.create_task(self._act())
        elif self._policy != "none" and self._at_risk():
            self._work = asyncio.create_task(self._act())

    def _at_risk(self) -> bool:
        """Is there something to close, as far as the venue has told? What it told last is asked for again."""
        if not self._account.contracts:
            return False
        return self._policy == "all" or self._account.protection.sl_price is None

    async def _act(self) -> None:
        await self._once()
        await asyncio.sleep(_AGAIN_S)

    async def _once(self) -> None:
        await self._cancel_entries()
        if not await self._is_at_risk():
            return
        self._log("error", f"the brain is dead: {self._account.contracts} contracts are closed")
        said = ""
        while not any(self._causes.stands(name) for name in _NOT_NOW):
            found = await self._liquidation.step()
            if found.flat:
                self._log("warning", "the brain is dead: flat, the venue says")
                return
            if found.problem and found.problem != said:
                said = found.problem
                self._log("error", f"the brain is dead: not flat yet; {said}")

    async def _is_at_risk(self) -> bool:
        """As the venue says now. A position that is not known is at risk."""
        if self._policy == "unprotected":
            try:
                self._account.on_algos(await self._rest.algos(self._instrument))
            except VenueError as error:
                self._log("warning", f"the brain is dead: is there a stop? {error}; asked again")
                return False
        return self._account.contracts is None or self._at_risk()

    async def _cancel_entries(self) -> None:
        """What would open more, with nobody to look after it."""
        ids = [
            record.venue_order_id for record in self._orders.working()
            if record.venue_order_id and record.intent_id and not record.reduce_only
        ]  # fmt: skip
        for start in range(0, len(ids), BATCH):
            try:
                await self._rest.cancel(self._instrument, ids[start : start + BATCH])
            except VenueError as error:
                self._log("warning", f"the brain is dead: entries not canceled ({error}); the dead-man's switch will")
