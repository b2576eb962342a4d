"""Keeps the knowledge of the market right: a fresh book, whole candles, no trade missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain, repeat
from typing import Final

from engine.candles import CandleStore
from engine.market import Market
from engine.venue.answers import VenueError
from engine.venue.link import Link
from engine.venue.rest import Rest
from schemas.clock import Clock

_SETTLE_S: Final = 0.25
_AGAIN_S: Final = 1.0
_CANDLES_A_CALL: Final = 300
_PAGE_S: Final = 0.15
"""Between two pages of older candles: OKX takes 20 in 2 s."""
_TRADES_A_CALL: Final = 500


class Upkeep:
    """Loops that ask the venue about the market."""

    def __init__(
        self, *, instrument: str, rest: Rest, market: Market, candles: CandleStore, clock: Clock,
        log: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._instrument, self._rest, self._market, self._candles, self._log = instrument, rest, market, candles, log
        self._wall_ns = clock.wall_ns
        self._resync: asyncio.Task[None] | None = None

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

    async def mend_book(self) -> None:
        """Read the book over REST where updates come in and no snapshot was pushed before them."""
        while True:
            await asyncio.sleep(_SETTLE_S)
            if not self._market.lacks_snapshot:
                continue
            await asyncio.sleep(_SETTLE_S)  # it may be on its way
            if self._market.lacks_snapshot:
                try:
                    self._market.on_rest_book(await self._rest.book(self._instrument))
                except VenueError as error:
                    self._log("warning", f"book: {error}; again in {_SETTLE_S:g} s")

    async def mend_trades(self) -> None:
        """Read what is missing among the latest trades."""
        trades = self._market.trades
        while True:
            await asyncio.sleep(_SETTLE_S)
            if not trades.hole:
                continue
            try:
                answer = await self._rest.trades(self._instrument, _TRADES_A_CALL)
                found = trades.load(answer, self._wall_ns())
            except (VenueError, ValueError) as error:
                self._log("warning", f"trades: {error}; again in {_AGAIN_S:g} s")
                await asyncio.sleep(_AGAIN_S)
                continue
            self._log("info", f"trades: {found} more by REST; whole after id {trades.since_id}")
            if trades.hole:  # the answer is older than the hole
                await asyncio.sleep(_AGAIN_S)

    async def mend_candles(self) -> None:
        """Read the latest candles of every frame that has a hole, then older ones until there are enough."""
        while True:
            for frame in sorted(self._candles.gaps):
                try:
                    rows = await self._rest.candles(self._instrument, frame, _CANDLES_A_CALL)
                    self._candles.load(frame, rows, received_ns=self._wall_ns())
                except (VenueError, ValueError, IndexError) as error:
                    self._log("warning", f"candles {frame}: {error}; again in {_AGAIN_S:g} s")
            if self._candles.gaps or not await self._read_older():
                await asyncio.sleep(_AGAIN_S if self._candles.gaps else _SETTLE_S)

    async def _read_older(self) -> bool:
        """One page of older candles of the first frame that wants some. False: none does, or it has to wait."""
        for frame in self._candles.frames:
            after_ms = self._candles.reaches_back_to_ms(frame)
            if after_ms is None:
                continue
            try:
                rows = await self._rest.older_candles(self._instrument, frame, after_ms)
                if self._candles.reaches_back_to_ms(frame) == after_ms:  # else they were read anew meanwhile
                    self._candles.extend(frame, rows, received_ns=self._wall_ns())
            except (VenueError, ValueError, IndexError) as error:
                self._log("warning", f"older candles {frame}: {error}; again in {_AGAIN_S:g} s")
                await asyncio.sleep(_AGAIN_S)
                return False
            await asyncio.sleep(_PAGE_S)
            return True
        return False
