"""MarketTick <-> FlatBuffers at fixed offsets: the hot message.

The generated builder makes one template per instrument; its own reader tells where each field landed; from then on a
tick is one `Struct.pack_into` into that template, byte for byte what the builder would have written. A reader
compares the prefix (root offset and vtable) with its template's and unpacks at the same offsets; bytes of another
layout, from an older or newer peer, go through the generated accessors.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import nan
from typing import Any, Final

from schemas.codec.errors import Malformed
from schemas.codec.tick_layout import TICK_LEVELS, TickLayout
from schemas.generated.market import MarketTick as Fb
from schemas.messages import MarketTick, Side

_PACK_LEVEL: Final = struct.Struct("<2d").pack_into
_PAD: Final = (nan,) * (2 * TICK_LEVELS)


class TickEncoder:
    """Writes ticks of one instrument into one buffer, again and again.

    `encode` returns a view of the same buffer each time: send or copy it before the next call.
    """

    __slots__ = (
        "_asks_at",
        "_before_asks",
        "_before_bids",
        "_bids_at",
        "_buffer",
        "_counts",
        "_levels",
        "_pack_into",
        "_pack_scalars",
        "_start",
        "_view",
        "instrument",
    )

    def __init__(self, instrument: str) -> None:
        layout = TickLayout(instrument)
        self.instrument = instrument
        self._buffer = bytearray(layout.template)
        self._view = memoryview(self._buffer)
        self._bids_at, self._asks_at = layout.sides
        self._pack_scalars = layout.scalars.pack_into
        self._counts = (0, 0)
        self._start = layout.start
        self._pack_into = layout.struct.pack_into
        self._before_bids, self._before_asks = layout.holes
        self._levels = [nan] * (4 * TICK_LEVELS)

    def encode(
        self,
        *,
        sequence: int,
        exchange_ns: int,
        received_ns: int,
        published_ns: int,
        received_mono_ns: int,
        book_sequence: int,
        book_valid: bool,
        bid_prices: Sequence[float],
        bid_sizes: Sequence[float],
        ask_prices: Sequence[float],
        ask_sizes: Sequence[float],
        last_price: float = nan,
        last_size: float = nan,
        last_side: int = 0,
        last_id: int = 0,
    ) -> memoryview:
        """One tick. Levels best first, at most TICK_LEVELS a side.

        Raises: struct.error, if a number does not fit its field; ValueError, if a side is too long or uneven.
        """
        bids, asks = len(bid_prices), len(ask_prices)
        if bids > TICK_LEVELS or asks > TICK_LEVELS or len(bid_sizes) != bids or len(ask_sizes) != asks:
            raise ValueError(
                f"levels: {bids}/{len(bid_sizes)} bids, {asks}/{len(ask_sizes)} asks; at most {TICK_LEVELS}"
            )
        levels = self._levels
        levels[0 : 2 * bids : 2] = bid_prices
        levels[1 : 2 * bids : 2] = bid_sizes
        if bids < TICK_LEVELS:
            levels[2 * bids : 2 * TICK_LEVELS] = _PAD[2 * bids :]
        first_ask = 2 * TICK_LEVELS
        levels[first_ask : first_ask + 2 * asks : 2] = ask_prices
        levels[first_ask + 1 : first_ask + 2 * asks : 2] = ask_sizes
        if asks < TICK_LEVELS:
            levels[first_ask + 2 * asks :] = _PAD[2 * asks :]
        self._pack_into(
            self._buffer, self._start,
            sequence, exchange_ns, received_ns, published_ns,
            levels[0], levels[1], levels[first_ask], levels[first_ask + 1],
            last_price, last_size, last_id, received_mono_ns, book_sequence,
            last_side, bids, asks, book_valid,
            self._before_bids, *levels[:first_ask], self._before_asks, *levels[first_ask:],
        )  # fmt: skip
        self._counts = bids, asks
        return self._view

    def encode_touch(
        self,
        *,
        sequence: int,
        exchange_ns: int,
        received_ns: int,
        published_ns: int,
        received_mono_ns: int,
        book_sequence: int,
        book_valid: bool,
        bid_price: float,
        bid_size: float,
        ask_price: float,
        ask_size: float,
        last_price: float = nan,
        last_size: float = nan,
        last_side: int = 0,
        last_id: int = 0,
    ) -> memoryview:
        """The tick before with another touch: the levels beyond the best stay what they were, and are not packed again.

        Raises: struct.error; ValueError, if a side of the tick before is empty.
        """
        bids, asks = self._counts
        if not bids or not asks:
            raise ValueError("the tick before had an empty side; encode the whole tick")
        buffer = self._buffer
        self._pack_scalars(
            buffer, self._start, sequence, exchange_ns, received_ns, published_ns, bid_price, bid_size, ask_price,
            ask_size, last_price, last_size, last_id, received_mono_ns, book_sequence, last_side, bids, asks,
            book_valid,
        )  # fmt: skip
        _PACK_LEVEL(buffer, self._bids_at, bid_price, bid_size)
        _PACK_LEVEL(buffer, self._asks_at, ask_price, ask_size)
        return self._view


_SIDES: Final = (Side.NONE, Side.BUY, Side.SELL)


class TickDecoder:
    """Reads ticks of one instrument; falls back to the generated accessors on another layout.

    `levels`: how many levels a side are read, for a reader that needs no more: each costs 0.1 us on a cold cache.
    """

    __slots__ = (
        "_asks_at", "_bids_at", "_instrument", "_length", "_levels", "_prefix", "_scalars", "_sides", "slow_reads",
    )  # fmt: skip

    def __init__(self, instrument: str, *, levels: int = TICK_LEVELS) -> None:
        if not 0 <= levels <= TICK_LEVELS:
            raise ValueError(f"levels is {levels}, 0 to {TICK_LEVELS} can be read")
        layout = TickLayout(instrument)
        self._instrument = instrument
        self._prefix = layout.prefix
        self._length = len(layout.template)
        self._bids_at, self._asks_at = layout.sides
        self._scalars = layout.prefixed_scalars.unpack_from
        self._levels = levels
        self._sides = [struct.Struct(f"<{2 * count}d").unpack_from for count in range(levels + 1)]
        self.slow_reads = 0

    def decode(self, payload: bytes | memoryview) -> MarketTick:
        """The tick in `payload`.

        Raises: Malformed.
        """
        if len(payload) != self._length:
            self.slow_reads += 1
            return read_tick_slowly(payload)
        (
            prefix, sequence, exchange_ns, received_ns, published_ns, bid_price, bid_size, ask_price, ask_size,
            last_price, last_size, last_id, received_mono_ns, book_sequence, side, bid_count, ask_count, valid,
        ) = self._scalars(payload)  # fmt: skip
        if prefix != self._prefix:
            self.slow_reads += 1
            return read_tick_slowly(payload)
        if side > 2 or bid_count > TICK_LEVELS or ask_count > TICK_LEVELS:
            raise Malformed("MarketTick", f"side {side}, {bid_count} bids, {ask_count} asks")
        levels = self._levels
        bids = self._sides[bid_count if bid_count < levels else levels](payload, self._bids_at)
        asks = self._sides[ask_count if ask_count < levels else levels](payload, self._asks_at)
        return MarketTick(  # by place: Python makes a dictionary of so many keywords, which costs 0.5 us
            self._instrument, sequence, exchange_ns, received_ns, published_ns, received_mono_ns, book_sequence,
            valid == 1, bid_price, bid_size, ask_price, ask_size, last_price, last_size, _SIDES[side], last_id,
            bids[::2], bids[1::2], asks[::2], asks[1::2],
        )  # fmt: skip


def read_tick_slowly(payload: bytes | memoryview) -> MarketTick:
    """The tick in `payload`, through the generated accessors: any layout of any version.

    Raises: Malformed.
    """
    try:
        return _read(Fb.MarketTick.GetRootAs(bytes(payload), 0))
    except (struct.error, IndexError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise Malformed("MarketTick", f"not readable ({error})") from None


def _read(tick: Any) -> MarketTick:
    name = tick.Instrument()
    side = tick.LastSide()
    if name is None or side > 2:
        raise Malformed("MarketTick", "no instrument" if name is None else f"side {side}")
    bid_count, ask_count = min(tick.BidCount(), tick.BidsLength()), min(tick.AskCount(), tick.AsksLength())
    bids = [tick.Bids(i) for i in range(bid_count)]
    asks = [tick.Asks(i) for i in range(ask_count)]
    return MarketTick(
        instrument=name.decode(), sequence=tick.Sequence(), exchange_ns=tick.ExchangeNs(),
        received_ns=tick.ReceivedNs(), published_ns=tick.PublishedNs(), received_mono_ns=tick.ReceivedMonoNs(),
        book_sequence=tick.BookSequence(), book_valid=tick.BookValid() == 1,
        bid_price=tick.BidPrice(), bid_size=tick.BidSize(), ask_price=tick.AskPrice(), ask_size=tick.AskSize(),
        last_price=tick.LastPrice(), last_size=tick.LastSize(), last_side=_SIDES[side], last_id=tick.LastId(),
        bid_prices=tuple(x.Price() for x in bids), bid_sizes=tuple(x.Size() for x in bids),
        ask_prices=tuple(x.Price() for x in asks), ask_sizes=tuple(x.Size() for x in asks),
    )  # fmt: skip
