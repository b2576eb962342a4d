"""Keeps the position protected: looks at what the venue holds, and takes one step after the other (protection.py)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.account import Account
from engine.execution.journal import Entry
from engine.execution.lifecycle import ENDED, OrderState
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.execution.protection import OURS, Do, Levels, Step, next_step, whole_oco
from engine.risk.trading_state import CauseName, TradingCauses
from engine.venue.answers import VenueBusy, VenueError, VenueRefused
from engine.venue.rest import Rest
from schemas.clock import NS_PER_S, Clock
from schemas.messages import DecidedOn, OrderAck, OrderReject, OrderRequest, Side, TradingState
from schemas.settings import Settings

_LOOK_EVERY_S: Final = 0.25
_IDLE_EVERY_S: Final = 2.0
_INTERRUPTED_AT_MOST: Final = 4
_COUNTED: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED, OrderState.FILLED, OrderState.CANCELED})
_NO_STOP_EITHER: Final = (
    CauseName.OPERATOR_HALT, CauseName.SHUTTING_DOWN, CauseName.RECONCILING, CauseName.ORDER_UNKNOWN,
)  # fmt: skip
"""Who halts wants nothing sent but cancels; and while the venue is asked, what is held is not certain."""

_OVERTAKEN_NS: Final = 2 * NS_PER_S
"""The push of a position may come so much later than that of the order that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    side: Side
    levels: Levels
    filled: Decimal
    noted_ns: int


PlaceOwn = Callable[[OrderRequest], Awaitable[OrderAck | OrderReject]]
"""Sends an order of the engine itself through the same gate as everybody's."""


class Guard:
    """Follows the position. `place_own` is set by whoever has the gate; `decided_on` names the present tick."""

    def __init__(
        self,
        *,
        settings: Settings,
        rest: Rest,
        account: Account,
        orders: OrderBookkeeper,
        in_flight: Callable[[], int],
        causes: TradingCauses,
        clock: Clock,
        decided_on: Callable[[], DecidedOn],
        log: Callable[[str, str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._instrument, self._mode = settings.venue.instrument, settings.venue.margin_mode
        self._limit_s = settings.safety.protection_timeout_s
        self._rest, self._account, self._orders, self._causes = rest, account, orders, causes
        self._in_flight, self._clock, self._decided_on = in_flight, clock, decided_on
        self._log, self._on_change = log, on_change
        self._entries: dict[str, _Entry] = {}
        self._interrupted = 0
        self._bare_since_ns: int | None = None
        self._refused = False
        self._too_much: frozenset[str] = frozenset()
        self._attempt = clock.wall_ns()
        self._changed = asyncio.Event()
        self.place_own: PlaceOwn | None = None

    def recall(self, entries: dict[str, Entry]) -> None:
        """What a former life journaled about where the stops belong."""
        for side, entry in entries.items():
            tp = Decimal(entry.tp_price) if entry.tp_price else None
            levels = Levels(tp=tp, sl=Decimal(entry.sl_price))
            self._entries[entry.client_order_id] = _Entry(
                side=Side[side], levels=levels, filled=Decimal(0), noted_ns=0
            )  # fmt: skip

    def note(self, record: OrderRecord) -> None:
        """An order that added to the position, or is about to: its stop is where the position's stop belongs.

        A resting order counts from its first fill; one at market from its ack, since its fill may be told late.
        """
        if record.sl_price is None or record.state not in _COUNTED:
            return
        known = self._entries.get(record.client_order_id)
        if record.state in ENDED and not record.filled:
            self._entries.pop(record.client_order_id, None)
        elif (record.filled or record.limit_price is None) and (known is None or known.filled != record.filled):
            levels = Levels(tp=record.tp_price, sl=record.sl_price)
            self._entries[record.client_order_id] = _Entry(
                side=record.side, levels=levels, filled=record.filled, noted_ns=self._clock.monotonic_ns()
            )  # fmt: skip

    def _levels(self, held: Decimal) -> Levels | None:
        """Of all entries since the position was flat the nearest stop, and the latest take-profit.

        None: nobody here opened this position, and where its stop belongs is not ours to say.
        """
        side = Side.BUY if held > 0 else Side.SELL
        mine = [entry for entry in self._entries.values() if entry.side is side]
        if not mine:
            return None
        nearest = (max if side is Side.BUY else min)(entry.levels.sl for entry in mine)
        return Levels(tp=mine[-1].levels.tp, sl=nearest)

    def _forget(self, now_ns: int) -> None:
        """The position is flat: what was noted before is over, unless its position is told late."""
        self._entries = {
            client_id: entry for client_id, entry in self._entries.items() if entry.noted_ns > now_ns - _OVERTAKEN_NS
        }  # fmt: skip

    def changed(self) -> None:
        """The venue spoke: look soon. What is held in the other margin mode stops new risk at once: no rule sees it."""
        self._changed.set()
        held = ", ".join(f"{lots} contracts {mode}" for mode, lots in sorted(self._account.elsewhere.items()))
        text = f"{held} held beside the {self._mode} trading of this engine; close them at the venue"
        self._causes.hold(CauseName.FOREIGN_POSITION, bool(held), text if held else "")

    async def run(self, ready: asyncio.Event) -> None:
        """Look, and act, from `ready` on, until cancelled."""
        said = ""
        while True:
            await ready.wait()
            busy = bool(self._account.contracts) or self._bare_since_ns is not None
            try:
                async with asyncio.timeout(_LOOK_EVERY_S if busy else _IDLE_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                await self.look()
                said = ""
            except VenueError as error:
                if str(error) != said:
                    said = str(error)
                    self._log("warning", f"protection: {error}; looked again every {_LOOK_EVERY_S:g} s")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self) -> Step:
        """Ask what the venue holds, and take one step. Raises: VenueError."""
        entering = self._entering()
        version = self._account.version
        algos = await self._rest.algos(self._instrument)
        held = self._account.contracts
        if held is None:
            return Step(do=Do.WAIT, covered=False, why="the position is not known")
        if version != self._account.version or entering != self._entering():
            self._changed.set()  # something happened meanwhile: what was read may be older than what is known
            self._interrupted += 1
            if self._interrupted < _INTERRUPTED_AT_MOST:
                return Step(do=Do.WAIT, covered=False, why="the venue spoke meanwhile")
            entering = True  # it never stops talking: act, but cancel nothing
        self._interrupted = 0
        self._account.on_algos(algos)
        self._on_change()
        now_ns = self._clock.monotonic_ns()
        bare_s = 0.0 if self._bare_since_ns is None else (now_ns - self._bare_since_ns) / NS_PER_S
        levels = self._levels(held) if held else None
        if not held:
            self._forget(now_ns)
        step = next_step(
            held=held, algos=algos, levels=levels, bare_s=bare_s, limit_s=self._limit_s, refused=self._refused,
            entering=entering,
        )  # fmt: skip
        if not held or step.covered:
            self._bare_since_ns, self._refused = None, False
        elif self._bare_since_ns is None:
            self._bare_since_ns = now_ns
        unprotected = self._bare_since_ns is not None and bare_s >= self._limit_s
        self._causes.hold(CauseName.UNPROTECTED, unprotected, step.why)
        await self._take(step, held, levels, entering=entering)
        return step

    async def _take(self, step: Step, held: Decimal, levels: Levels | None, *, entering: bool) -> None:
        if step.do in {Do.NOTHING, Do.WAIT, Do.UNPROTECTED} or not self._may(step.do):
            return
        seen, self._too_much = self._too_much, frozenset(step.algo_ids if step.do is Do.CANCEL else ())
        if step.do is Do.CANCEL:
            if entering or not seen & self._too_much:  # it may belong to a fill that nobody has told us of yet
                self._changed.set()
                return
            twice = sorted(seen & self._too_much)
            self._log("info", f"protection: {len(twice)} TP/SL canceled, {step.why}")
            await self._rest.cancel_algos(self._instrument, twice)
        elif step.do is Do.PLACE and levels is not None:
            await self._place(held, levels, step.why)
        elif step.do is Do.CLOSE:
            await self._close(held, step.why)

    def _may(self, do: Do) -> bool:
        """While halted nothing is closed or canceled. A missing stop is made where nothing speaks against it.

        An order event that cannot be may stand for hours, until somebody re-arms, and a stop is no new risk.
        """
        if self._causes.state is not TradingState.HALTED:
            return True
        return do is Do.PLACE and not any(self._causes.stands(name) for name in _NO_STOP_EITHER)

    async def _place(self, held: Decimal, levels: Levels, why: str) -> None:
        self._attempt += 1
        client_id = OURS + hashlib.blake2b(str(self._attempt).encode(), digest_size=14).hexdigest()
        try:
            await self._rest.place_algo(whole_oco(self._instrument, self._mode, held, levels, client_id))
        except VenueBusy:
            raise
        except VenueRefused as error:
            self._refused = True
            self._log("error", f"protection: the venue refused the OCO ({error}); the position is closed")
        else:
            self._log("warning", f"protection: {why}; one OCO over the whole position was placed")
        self._changed.set()

    async def _close(self, held: Decimal, why: str) -> None:
        if self.place_own is None or self._in_flight():
            return
        self._attempt += 1
        order = OrderRequest(
            intent_id=f"close{self._attempt}", instrument=self._instrument,
            side=Side.SELL if held > 0 else Side.BUY, contracts=abs(held), reduce_only=True,
            decided_on=self._decided_on(), created_ns=self._clock.wall_ns(),
        )  # fmt: skip
        said = await self.place_own(order)
        told = f"{said.code} {said.text}" if isinstance(said, OrderReject) else "sent"
        self._log("error", f"protection: {why}; closing {held} contracts: {told}")

    def _entering(self) -> bool:
        """Is an order on its way whose stop the venue may be making just now?"""
        if self._in_flight():
            return True
        recent_ns = self._clock.monotonic_ns() - _OVERTAKEN_NS
        return any(record.sent_ns > recent_ns for record in self._orders.working() if not record.reduce_only)
