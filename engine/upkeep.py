"""Keeps the knowledge of the venue right: reconciliation, a fresh book, whole candles, known protection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain, repeat
from typing import Final

from engine.account import Account
from engine.candles import KEEP, CandleStore
from engine.desk import Desk
from engine.execution.journal import Journal
from engine.execution.lifecycle import LifecycleError
from engine.execution.orders import OrderBookkeeper
from engine.execution.reconcile import check_account, read_terms, reconcile
from engine.execution.router import Router, Unresolved
from engine.market import Market
from engine.risk.trading_state import CauseName, TradingCauses
from engine.venue.link import Link
from engine.venue.rest import Rest, VenueError
from schemas.clock import Clock
from schemas.process import Reporter
from schemas.settings import Settings

_SETTLE_S: Final = 0.25
_LOOK_EVERY_S: Final = 0.025
_AGAIN_S: Final = 1.0
_ALGOS_EVERY_S: Final = 5.0
_CANDLES_A_CALL: Final = 300


class Upkeep:
    """Loops that ask the venue. `before_arming` raises what else speaks against trading before RECONCILING falls."""

    def __init__(
        self,
        *,
        settings: Settings,
        rest: Rest,
        market: Market,
        candles: CandleStore,
        account: Account,
        orders: OrderBookkeeper,
        journal: Journal,
        router: Router,
        desk: Desk,
        causes: TradingCauses,
        reporter: Reporter,
        clock: Clock,
        before_arming: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._settings, self._rest, self._market, self._candles = settings, rest, market, candles
        self._account, self._orders, self._journal, self._router = account, orders, journal, router
        self._desk, self._causes, self._reporter, self._clock = desk, causes, reporter, clock
        self._before_arming, self._on_change = before_arming, on_change
        self._instrument = settings.venue.instrument
        self._private_changed = asyncio.Event()
        self._resync: asyncio.Task[None] | None = None
        self.reconciled = asyncio.Event()

    def venue_changed_something(self) -> None:
        """The private feed spoke: what protects the position may be another thing now."""
        self._private_changed.set()

    def resync_book(self, public: Link) -> None:
        """The book broke: ask for a snapshot until there is one."""
        if self._resync is None or self._resync.done():
            self._resync = asyncio.create_task(self._resync_book(public))

    async def _resync_book(self, public: Link) -> None:
        """At growing distances: a storm of subscriptions would get us thrown out."""
        arg = {"channel": "books", "instId": self._instrument}
        for wait_s in chain((0.5, 1.0, 2.0), repeat(5.0)):
            public.resubscribe(arg)
            await asyncio.sleep(wait_s)
            if self._market.touch.book_valid or not public.up:  # a new link subscribes by itself
                return

    async def reconcile_forever(self, private: Link) -> None:
        """Ask the venue until it has answered, each time the private link is new."""
        while True:
            if self.reconciled.is_set() or not private.up:
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            try:
                findings = await self._reconcile()
            except (VenueError, Unresolved) as error:
                self._reporter.log("warning", f"reconcile: {error}; again in {_AGAIN_S:g} s")
                await asyncio.sleep(_AGAIN_S)
                continue
            except LifecycleError as error:
                self._causes.hold(CauseName.LIFECYCLE_ERROR, True, str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            for finding in findings:
                self._reporter.log("warning", f"reconcile: {finding}")
            self.reconciled.set()
            self._causes.hold(CauseName.ORDER_UNKNOWN, False)
            self._before_arming()
            self._causes.hold(CauseName.RECONCILING, False)
            self._reporter.log("info", f"reconciled with the venue, {len(findings)} findings")

    async def _reconcile(self) -> list[str]:
        findings: list[str] = []
        if self._desk.terms is None:
            findings += await check_account(self._rest, self._settings.venue)
            self._desk.terms = await read_terms(self._rest, self._instrument)
        return findings + await reconcile(
            rest=self._rest, instrument=self._instrument, account=self._account, orders=self._orders,
            journal=self._journal, router=self._router,
        )  # fmt: skip

    async def mend_candles(self) -> None:
        """Read the history of every frame that has a hole."""
        while True:
            for frame in sorted(self._candles.gaps):
                try:
                    rows = await self._rest.candles(self._instrument, frame, min(KEEP, _CANDLES_A_CALL))
                    self._candles.load(frame, rows, received_ns=self._clock.wall_ns())
                except (VenueError, ValueError, IndexError) as error:
                    self._reporter.log("warning", f"candles {frame}: {error}; again in {_AGAIN_S:g} s")
            await asyncio.sleep(_AGAIN_S if self._candles.gaps else _SETTLE_S)

    async def follow_protection(self) -> None:
        """Keep knowing what take-profit and stop-loss the venue holds."""
        while True:
            try:
                async with asyncio.timeout(_ALGOS_EVERY_S):
                    await self._private_changed.wait()
                await asyncio.sleep(_SETTLE_S)  # the venue makes them after the fill
            except TimeoutError:
                pass
            self._private_changed.clear()
            if not self._account.contracts or not self.reconciled.is_set():
                continue
            try:
                self._account.on_algos(await self._rest.algos(self._instrument))
                self._on_change()
            except VenueError as error:
                self._reporter.log("warning", f"protection: {error}; again in {_ALGOS_EVERY_S:g} s")
