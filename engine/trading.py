"""Our own side of the venue: orders, position, money, what protects them, and the asking that keeps all of it true.

No market data, no sockets of ours: REST and the private feed come in, causes and changed books go out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from engine.account import Account
from engine.execution.arming import check_account, read_terms
from engine.execution.deadman import DeadMan
from engine.execution.guard import Guard
from engine.execution.journal import Journal
from engine.execution.journal_watch import watch_journal
from engine.execution.lifecycle import ENDED, LifecycleError, OrderState
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.execution.reconcile import Books, reconcile
from engine.execution.router import Router, Unresolved
from engine.private import PrivateFeed
from engine.risk.ledger import Ledger
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.view import Terms
from engine.venue import codes
from engine.venue.answers import VenueError, VenueRefused
from engine.venue.entry import WebsocketEntry
from engine.venue.keys import explain
from engine.venue.rest import Rest
from engine.venue.timing import ClockWatch
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import DecidedOn, OrderRequest, TradingState
from schemas.process import StartError
from schemas.settings import Settings
from schemas.settings.risk import Risk

_LOOK_EVERY_S: Final = 0.025
_AGAIN_S: Final = 1.0
_FOLLOW_EVERY_S: Final = 0.5
_QUIET_NS: Final = 2 * NS_PER_S
"""An order of which the venue has said nothing for so long is asked for over REST: a push may have been lost."""
_FILLS_BACK_MS: Final = 600_000
_FOLLOWED: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})

Log = Callable[[str, str], None]


class Trading:
    """Built whole, then `run`. `before_arming` raises what else speaks against trading before RECONCILING falls.

    `send` writes to the private websocket. `terms` is None until the venue has told them.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        rest: Rest,
        send: Callable[[dict[str, object]], bool],
        journal: Journal,
        ledger: Ledger,
        risk: Callable[[], Risk],
        causes: TradingCauses,
        decided_on: Callable[[], DecidedOn],
        before_arming: Callable[[], None],
        log: Log,
        on_change: Callable[[], None],
    ) -> None:
        venue = settings.venue
        self._settings, self._clock, self._causes, self._log = settings, clock, causes, log
        self._before_arming, self._on_change = before_arming, on_change
        self._instrument = venue.instrument
        self.rest, self.journal, self.ledger = rest, journal, ledger
        self.orders = OrderBookkeeper(clock)
        self.account = Account(
            instrument=venue.instrument, margin_mode=venue.margin_mode, currency="USDT", clock=clock, ledger=ledger
        )  # fmt: skip
        self.entry = WebsocketEntry(
            rest=rest, send=send if venue.order_entry == "websocket" else lambda message: False, clock=clock,
            timeout_ms=venue.request_timeout_ms, log=log, halted=lambda: causes.state is TradingState.HALTED,
        )  # fmt: skip
        self.router = Router(
            rest=rest, entry=self.entry, journal=journal, orders=self.orders, settings=settings, clock=clock,
            ttl_ms=lambda: risk().order_ttl_ms, may_send=self._may_send, on_fills=self.account.on_fills,
        )  # fmt: skip
        self.guard = Guard(
            settings=settings, rest=rest, account=self.account, orders=self.orders,
            in_flight=lambda: self.router.in_flight, causes=causes, clock=clock, decided_on=decided_on, log=log,
            on_change=on_change,
        )  # fmt: skip
        self.guard.recall(journal.recalled.entries)
        self.dead_man = DeadMan(
            rest=rest, orders=self.orders, seconds=settings.safety.dead_man_s, clock=clock, log=log
        )  # fmt: skip
        self.clock_watch = ClockWatch(rest=rest, clock=clock, on_change=lambda: None)
        self.private = PrivateFeed(
            account=self.account, orders=self.orders, on_change=self._on_private_change, on_order=self._on_order,
            on_lifecycle_error=self._on_lifecycle_error, on_unexplained=self.unexplained,
        )  # fmt: skip
        self.books = Books(
            rest=rest, instrument=venue.instrument, margin_mode=venue.margin_mode, account=self.account,
            orders=self.orders, ledger=ledger, journal=journal, router=self.router, clock=clock,
        )  # fmt: skip
        self.terms: Terms | None = None
        self.reconciled = asyncio.Event()
        self._private_up = False
        self._asked = 0

    async def run(self) -> None:
        """Everything that asks the venue, until cancelled. Raises: StartError, for what only the operator can mend."""
        for problem in self.journal.recalled.problems:
            self._log("error", f"journal: {problem}")
        async with asyncio.TaskGroup() as group:
            for work in (
                self.clock_watch.run(), self._reconcile_forever(), self.guard.run(self.reconciled),
                self.dead_man.run(self.reconciled), self._follow_orders(), watch_journal(self.journal, self._causes),
            ):  # fmt: skip
                group.create_task(work)

    # what is heard

    def on_private_frame(self, payload: bytes) -> None:
        """One frame of the private websocket: an answer to an order, or news."""
        if not self.entry.on_frame(payload):
            self.private.on_frame(payload)

    def on_private_link(self, up: bool, reason: str) -> None:
        """The private websocket came or went."""
        self._private_up = up
        self.entry.on_link(up)
        self._causes.hold(CauseName.VENUE_DOWN, not up, reason)
        if up:  # whatever happened while nobody told us
            self.ask_anew()

    def ask_anew(self) -> None:
        """What the venue says is not certain any more: no trading until it has been asked."""
        self._causes.hold(CauseName.RECONCILING, True, "asking the venue")
        self._asked += 1
        self.reconciled.clear()

    def unexplained(self, call: str, said: str) -> None:
        """An answer that the guide does not explain: kept whole, and no new risk until the operator has looked."""
        self._log("error", f"{call}: an answer that OKX's guide does not explain: {said}")
        self._causes.hold(CauseName.UNEXPLAINED, True, f"{call}: {said[:200]}; `sovereign rearm` when it is understood")

    def rearm(self) -> str:
        """The operator has looked. Returns what was lifted."""
        waiting = (CauseName.UNEXPLAINED, CauseName.LIFECYCLE_ERROR)
        lifted = [name.value for name in waiting if self._causes.stands(name)]
        if lifted:
            self.ask_anew()
        for name in waiting:
            self._causes.hold(name, False)
        return ", ".join(lifted)

    def _on_private_change(self) -> None:
        self.guard.changed()
        self._on_change()

    def _on_order(self, record: OrderRecord) -> None:
        self.guard.note(record)
        if record.state in ENDED:
            self.router.note_end(record)

    def _on_lifecycle_error(self, error: LifecycleError) -> None:
        self._causes.hold(CauseName.LIFECYCLE_ERROR, True, str(error))
        self.ask_anew()

    def _may_send(self, order: OrderRequest) -> str:
        """Why a journaled order must not be sent after all; "" when it may."""
        if self._causes.state is TradingState.HALTED:
            return f"halted meanwhile: {self._causes.names}"
        if self._causes.state is TradingState.REDUCING and not self.orders.only_shrinks(order, self.account.contracts):
            return f"only reducing meanwhile: {self._causes.names}"
        return ""

    async def cancel(self, intent_id: str) -> tuple[bool, str]:
        """Cancel the order of an intent. Returns whether one is known, and what the venue said."""
        record = self.orders.find(intent_id)
        if record is None or not record.venue_order_id:
            return False, "no order of this intent is known at the venue"
        try:
            (said,) = await self.rest.cancel(record.instrument, [record.venue_order_id])
        except (VenueError, ValueError) as error:
            return True, str(error)
        return True, "cancel sent" if said == "0" else f"the venue says {said}"

    # what is asked

    async def _reconcile_forever(self) -> None:
        """Ask the venue until it has answered, each time that something is not certain."""
        met = await self._first_contact()
        while True:
            if self.reconciled.is_set() or not self._private_up:
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            asked = self._asked
            try:
                findings = await self._reconcile()
            except (VenueError, Unresolved) as error:
                self._log("warning", f"reconcile: {error}; again in {_AGAIN_S:g} s")
                await asyncio.sleep(_AGAIN_S)
                continue
            except LifecycleError as error:
                self._causes.hold(CauseName.LIFECYCLE_ERROR, True, str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            findings, met = met + findings, []
            for finding in findings:
                self._log("warning", f"reconcile: {finding}")
            if asked != self._asked or not self._private_up:
                continue  # asked anew meanwhile: what was read first may be old by now
            self.reconciled.set()
            self._causes.hold(CauseName.ORDER_UNKNOWN, False)
            self._before_arming()
            self.guard.changed()
            self._causes.hold(CauseName.RECONCILING, False)
            self._log("info", f"reconciled with the venue, {len(findings)} findings")

    async def _first_contact(self) -> list[str]:
        """Is the account as it must be, and what are the terms? Needs no private feed, which wrong keys never get.

        Raises: StartError.
        """
        venue, said = self._settings.venue, ""
        while True:
            try:
                findings = await check_account(self.rest, venue)
                self.terms, self.entry.code = await read_terms(self.rest, self._instrument)
            except VenueError as error:
                if isinstance(error, VenueRefused) and error.code in codes.KEYS:
                    raise StartError(f"venue: {explain(error.code, error.text, venue.name)}") from None
                if str(error) != said:
                    said = str(error)
                    self._log("warning", f"first contact: {error}; again every {_AGAIN_S:g} s")
                await asyncio.sleep(_AGAIN_S)
            else:
                return [str(finding) for finding in findings]

    async def _reconcile(self) -> list[str]:
        findings = await reconcile(self.books)
        for record in self.orders.working():
            self.guard.note(record)
        return [str(finding) for finding in findings]

    async def _follow_orders(self) -> None:
        """The private feed tells of orders at once; REST is asked about those of which it says nothing."""
        while True:
            await asyncio.sleep(_FOLLOW_EVERY_S)
            if not self.reconciled.is_set():
                continue
            quiet_ns = self._clock.monotonic_ns() - _QUIET_NS
            if self.account.moved_ns is not None and self.account.moved_ns < quiet_ns:
                await self._read_fills()
            quiet = [
                record for record in self.orders.working()
                if record.intent_id and record.state in _FOLLOWED and record.heard_ns < quiet_ns
            ]  # fmt: skip
            if quiet:
                await self._follow(quiet)

    async def _read_fills(self) -> None:
        """A position that moved had fills; if the push of one was lost, REST has it."""
        self.account.moved_ns = None
        since_ms = self._clock.wall_ns() // NS_PER_MS - _FILLS_BACK_MS
        try:
            self.account.on_fills(await self.rest.fills(self._instrument, since_ms=since_ms))
        except VenueError as error:
            self.account.moved_ns = self._clock.monotonic_ns()
            self._log("warning", f"fills: {error}; asked again")

    async def _follow(self, quiet: list[OrderRecord]) -> None:
        """What rests is shown in one list; what is not in it is asked for, one by one."""
        before = [(record, record.state, record.filled) for record in quiet]
        try:
            shown = {row.clOrdId: row for row in await self.rest.pending(self._instrument)}
            for record in quiet:
                if (row := shown.get(record.client_order_id)) is not None:
                    self.orders.on_push(row)
                elif not await self.router.resolve(record):
                    self._log("warning", f"order {record.client_order_id}: the venue does not know it any more")
        except VenueError as error:
            self._log("warning", f"orders: {error}; asked again")
            return
        except Unresolved as error:
            self._causes.hold(CauseName.ORDER_UNKNOWN, True, str(error))
            self.ask_anew()
            return
        except LifecycleError as error:
            self._on_lifecycle_error(error)
            return
        for record, state, filled in before:
            if record.state is not state or record.filled != filled:
                self._on_order(record)
                self._log("warning", f"order {record.client_order_id}: {record.state.value}, learned over REST")
                self.ask_anew()  # a push of it was lost; who knows what else was
                self._on_private_change()
