"""A deep book channel: what its clients hold, and the difference that brings them to now. Source: FACTS 4."""

from __future__ import annotations

from typing import Final

import orjson

from engine.exchange import public
from engine.exchange.book import Level
from engine.exchange.exchange import Exchange
from engine.exchange.instrument import px_text

DEPTH: Final = 400
"""Levels a side of `books`."""
_EMPTY_AFTER_NS: Final = 60_000_000_000


class BooksChannel:
    """A book of so many levels a side: what was last sent, and the difference to now."""

    def __init__(self, exchange: Exchange, depth: int = DEPTH) -> None:
        self._exchange = exchange
        self._depth = depth
        self._bids: dict[int, Level] = {}
        self._asks: dict[int, Level] = {}
        self._seq = 0
        self._ts_ms = 0
        self._sent_ns = 0
        self.crossed = False
        self._reads: list[tuple[dict[int, Level], ...]] = []
        self.refresh()

    def refresh(self) -> None:
        """Takes the present book as sent, while nobody listens."""
        market = self._exchange.market
        self._bids = {level.px: level for level in market.matcher.bids.top(self._depth)}
        self._asks = {level.px: level for level in market.matcher.asks.top(self._depth)}
        self._seq, self._ts_ms = market.seq, market.ts_ms
        self._reads.clear()
        self._sent_ns = self._exchange.monotonic_ns()
        self.crossed = False

    @property
    def seq(self) -> int:
        """The seqId that clients know."""
        return self._seq

    def snapshot(self) -> bytes:
        """What was last sent, whole: the next update links to its seqId."""
        bids = public.level_rows(list(self._bids.values()))
        return self._message("snapshot", bids, public.level_rows(list(self._asks.values())), -1)

    def was_read(self) -> None:
        """Somebody took the book over REST: what that showed will be corrected by the next update.

        A level that changes and changes back between two pushes is in no difference; a reader has seen it, though.
        """
        matcher = self._exchange.market.matcher
        self._reads.append(
            tuple({level.px: level for level in half.top(self._depth)} for half in (matcher.bids, matcher.asks))
        )

    def update(self, *, crossed: bool = False) -> bytes | None:
        """The difference since the last message; empty after a minute of quiet; None when nothing is due.

        `crossed`: with the best bid on the best ask, a lie that the next update takes back.
        """
        if crossed or self.crossed:
            self._exchange.market.touch(self._exchange.now_ms())
        market = self._exchange.market
        old_bids, old_asks, old_seq = self._bids, self._asks, self._seq
        quiet = market.seq == old_seq
        if quiet and self._exchange.monotonic_ns() - self._sent_ns < _EMPTY_AFTER_NS:
            return None
        sent_ns = self._sent_ns
        olds_bids, olds_asks = [old_bids, *(read[0] for read in self._reads)], [old_asks, *(r[1] for r in self._reads)]
        self.refresh()
        if crossed:
            self._cross()
        bids, asks = _difference(olds_bids, self._bids), _difference(olds_asks, self._asks)
        if not bids and not asks:
            # Trades and levels beyond the depth move the sequence too; the link stays at what clients know.
            self._seq = old_seq
            if self._sent_ns - sent_ns < _EMPTY_AFTER_NS:
                self._sent_ns = sent_ns
                return None
        return self._message("update", bids, asks, old_seq)

    def _cross(self) -> None:
        best = self._asks[min(self._asks)]
        self._bids[best.px] = Level(best.px, best.lots, 1)
        if len(self._bids) > DEPTH:
            del self._bids[min(self._bids)]
        self.crossed = True

    def _message(self, action: str, bids: list[list[str]], asks: list[list[str]], previous: int) -> bytes:
        row = {
            "asks": asks,
            "bids": bids,
            "ts": str(self._ts_ms),
            "checksum": 0,
            "prevSeqId": previous,
            "seqId": self._seq,
        }
        return b'"action":"' + action.encode() + b'","data":' + orjson.dumps([row])


def _difference(olds: list[dict[int, Level]], new: dict[int, Level]) -> list[list[str]]:
    """What brings each of the old books to the new one."""
    rows = public.level_rows([level for px, level in new.items() if any(old.get(px) != level for old in olds)])
    gone = dict.fromkeys(px for old in olds for px in old if px not in new)
    rows.extend([px_text(px), "0", "0", "0"] for px in gone)
    return rows
