"""The latest public trades of one instrument: what is missing among them is seen, and read from REST.

The venue numbers its fills without a hole; a push stands for the `count` numbers up to its own. A newcomer, and whoever
missed a message, gets the whole list by subscribing to its topic.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from engine.venue.frames import TradeData
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import NS_PER_MS
from schemas.messages import Side

KEEP: Final = 1_000
"""Trades kept: half a minute of a busy market, many minutes of a quiet one."""


class _Row(NamedTuple):
    trade_id: int
    ids: int
    """How many it stands for; 0: the venue did not say."""
    packed: bytes

    @property
    def before(self) -> int:
        """The id before those that it stands for."""
        return self.trade_id - max(self.ids, 1)


def _row(data: TradeData, least: int = 0) -> _Row:
    """`least`: the ids that it stands for where it does not say. Raises: ValueError where a number is none."""
    side = Side.BUY if data.side == "buy" else Side.SELL
    trade_id, ids = int(data.tradeId), int(data.count or least)
    exchange_ns, price, size = int(data.ts) * NS_PER_MS, float(data.px), float(data.sz)
    try:
        return _Row(trade_id, ids, codec.pack_trade_row(exchange_ns, price, size, trade_id, ids, side))
    except struct.error as error:
        raise ValueError(f"trade {data.tradeId}: a number is out of range ({error})") from None


class TradeStore:
    """Trades of one instrument. `hole`: some are missing, those before the first push too, and REST is to be asked."""

    def __init__(self, *, instrument: str, publisher: Publisher) -> None:
        self._instrument = instrument
        self._stream = publisher.stream(topology.trades(instrument))
        self._stream.renew = self.publish
        self._rows: deque[_Row] = deque(maxlen=KEEP)
        self._last_id = 0
        self._received_ns = 0
        self.since_id = 0
        """Of the trades with higher ids none is missing."""
        self.hole = False

    def take(self, data: TradeData, received_ns: int) -> int:
        """One trade of a push; the ids that it stands for, 0 where the venue says none.

        Raises: ValueError where a number is none.
        """
        row = _row(data)
        if row.trade_id <= self._last_id:
            return row.ids  # pushed again
        if not self._rows:  # whoever read the run before this one misses what lies between them
            self.hole, self.since_id = row.ids > 0, row.before
        elif row.ids and row.before > self._last_id:
            self.hole, self.since_id = True, row.before
        self._rows.append(row)
        self._last_id, self._received_ns = row.trade_id, received_ns
        return row.ids

    def load(self, answer: Iterable[TradeData], received_ns: int) -> int:
        """The latest trades by REST, in any order: they fill what is missing. Returns how many were.

        Of what the answer spans the venue knows no more than it says, whatever its numbers. What lies before it stays
        missing. Raises: ValueError where a number is none.
        """
        least = 1 if self._rows and self._rows[-1].ids else 0  # so that the same trade is known by push and by REST
        told = sorted((_row(data, least) for data in answer), key=lambda row: row.trade_id)
        if not told:
            return 0
        held = [row.trade_id for row in self._rows]
        new = [row for row in told if not self._is_held(row.trade_id, held)]
        self._rows = deque(sorted((*self._rows, *new), key=lambda row: row.trade_id), maxlen=KEEP)
        last = told[-1].trade_id
        if last >= self.since_id:  # else it is older than the hole: to be asked again
            self.hole = False
            self.since_id = self._unbroken_after(told[0].before)
        self._last_id = max(self._last_id, last)
        self._received_ns = received_ns
        self.publish()
        return len(new)

    def _is_held(self, trade_id: int, held: list[int]) -> bool:
        """Is it there, or one of the ids that a push with a later one stands for?"""
        place = bisect_left(held, trade_id)
        return place < len(held) and self._rows[place].before < trade_id

    def _unbroken_after(self, known: int) -> int:
        """The id after which none is missing, given that none with a higher id than `known` is."""
        for earlier, row in reversed(list(pairwise(self._rows))):
            if earlier.trade_id < known and not (row.ids and row.before <= earlier.trade_id):
                return row.before
        return self._rows[0].before

    def publish(self) -> None:
        """The whole list, for everybody who has subscribed to it."""
        if not self._rows:
            return
        payload = codec.encode_trade_history(
            self._instrument, [row.packed for row in self._rows], since_id=max(self.since_id, self._rows[0].before),
            sequence=self._stream.next_sequence, received_ns=self._received_ns,
        )  # fmt: skip
        self._stream.send(payload, self._received_ns)
