"""THE HOT PATH: a frame of the venue -> the book -> MarketTick -> the market stream. Top to bottom on this page.

Nothing here awaits, logs or grows between the frame and the publish; what is wrong is counted, and said once a second
by whoever reads the counters. The book's chain decides what may be believed: a broken one is published as
`book_valid` False, and a fresh snapshot is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Final

from engine.book import SNAPSHOT_PREVIOUS, Book, BookError
from engine.candles import CandleStore
from engine.touch import Touch
from engine.trades import TradeStore
from engine.venue.frames import (
    BookData,
    BookFrame,
    CandleFrame,
    Event,
    FrameError,
    MarkFrame,
    Other,
    TradesFrame,
    decode_frame,
)
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.latency import LatencyWindow
from schemas.messages import Side, Trade

_WAITING: Final = 1_000
"""Updates kept while there is no book to apply them to."""
_RING: Final = 4_096
"""How many ticks back the time of a sequence is known."""
_SILENT_NS: Final = NS_PER_S
"""A trade changes the book: one that has said nothing for so long after it is not what it was."""


@dataclass(slots=True)
class MarketCounters:
    """What happened on the public feed since the start."""

    frames: int = 0
    ticks: int = 0
    malformed_frames: int = 0
    book_errors: int = 0
    venue_errors: int = 0
    last_problem: str = ""


@dataclass(slots=True)
class _LastTrade:
    price: float = nan
    size: float = nan
    side: int = 0
    trade_id: int = 0


class Market:
    """Turns the public frames of one instrument into the market stream.

    `resubscribe` asks the link for a fresh book snapshot.
    """

    def __init__(
        self,
        *,
        instrument: str,
        publisher: Publisher,
        candles: CandleStore,
        clock: Clock,
        resubscribe: Callable[[], None],
    ) -> None:
        self.instrument = instrument
        self.counters = MarketCounters()
        self.touch = Touch()
        self.frame_to_publish = LatencyWindow()
        self._candles = candles
        self.trades = TradeStore(instrument=instrument, publisher=publisher)
        self._resubscribe = resubscribe
        self._wall_ns, self._mono_ns = clock.wall_ns, clock.monotonic_ns
        self._book = Book(instrument)
        self._best: BookData | None = None
        self._last = _LastTrade()
        encoder = codec.TickEncoder(instrument)
        self._encode, self._encode_touch = encoder.encode, encoder.encode_touch
        self._record_sent = publisher.record_sent
        self._tick_stream = publisher.stream(topology.tick(instrument))
        self._trade_stream = publisher.stream(topology.trade(instrument))
        self._times = [0] * _RING
        self._waiting: deque[BookData] = deque(maxlen=_WAITING)
        self._traded_ns: int | None = None

    def on_frame(self, payload: bytes) -> None:
        """One frame of the public link."""
        mono_ns, wall_ns = self._mono_ns(), self._wall_ns()
        self.counters.frames += 1
        try:
            frame = decode_frame(payload)
            if type(frame) is BookFrame:
                self._on_book(frame, wall_ns, mono_ns)
            elif type(frame) is TradesFrame:
                self._on_trades(frame, wall_ns, mono_ns)
            elif type(frame) is MarkFrame:
                self.touch.mark = float(frame.data[-1].markPx)
            elif type(frame) is CandleFrame:
                self._candles.on_rows(frame.frame, frame.rows, received_ns=wall_ns)
            elif type(frame) is Event:
                self._on_event(frame)
            elif type(frame) is Other:
                pass
        except BookError as error:
            self.counters.book_errors += 1
            self.counters.last_problem = str(error)
            self._best = None
            self.touch.book_valid = False
            self._resubscribe()
        except (FrameError, ValueError, IndexError) as error:
            self.counters.malformed_frames += 1
            self.counters.last_problem = f"public frame dropped: {error}"
        self._record_sent()

    def _on_book(self, frame: BookFrame, wall_ns: int, mono_ns: int) -> None:
        book = self._book
        self._traded_ns = None
        for data in frame.data:
            if frame.channel == "bbo-tbt":
                self._on_best(data, wall_ns, mono_ns)
                continue
            if frame.snapshot or data.prevSeqId == SNAPSHOT_PREVIOUS:
                book.snapshot(data.bids, data.asks, sequence=data.seqId, checksum=data.checksum)
                self._waiting.clear()
            elif book.valid:
                book.update(
                    data.bids, data.asks, previous=data.prevSeqId, sequence=data.seqId, checksum=data.checksum
                )  # fmt: skip
            else:
                self._waiting.append(data)
                return  # the chain broke, its snapshot is on the way
            self._publish(int(data.ts) * NS_PER_MS, wall_ns, mono_ns)

    def _on_trades(self, frame: TradesFrame, wall_ns: int, mono_ns: int) -> None:
        last = self._last
        for data in frame.data:
            last.price, last.size, last.trade_id = float(data.px), float(data.sz), int(data.tradeId)
            last.side = side = Side.BUY if data.side == "buy" else Side.SELL
            count = self.trades.take(data, wall_ns)
            trade = Trade(
                instrument=self.instrument, sequence=self._trade_stream.next_sequence,
                exchange_ns=int(data.ts) * NS_PER_MS, received_ns=wall_ns, price=last.price, size=last.size,
                trade_id=last.trade_id, side=side, count=count,
            )  # fmt: skip
            self._trade_stream.send(codec.encode_trade(trade), wall_ns, record_later=True)
        self._check_silence(mono_ns)
        publish = self._publish_touch if self.touch.book_valid else self._publish
        publish(int(frame.data[-1].ts) * NS_PER_MS, wall_ns, mono_ns)

    def _check_silence(self, mono_ns: int) -> None:
        """Of a trade before this one the book should have spoken by now. Raises: BookError."""
        if self._traded_ns is None:
            self._traded_ns = mono_ns
        elif self.touch.book_valid and mono_ns - self._traded_ns > _SILENT_NS:
            self._book.invalidate()
            raise BookError(self.instrument, f"silent for {(mono_ns - self._traded_ns) / NS_PER_S:.1f} s after a trade")

    def _publish(self, exchange_ns: int, wall_ns: int, mono_ns: int) -> None:
        """The whole tick, after the book changed."""
        book, best, touch, last = self._book, self._best, self.touch, self._last
        bid_prices, bid_sizes = book.top_bids(codec.TICK_LEVELS)
        ask_prices, ask_sizes = book.top_asks(codec.TICK_LEVELS)
        sequence = book.sequence
        if best is not None and best.seqId >= sequence and best.bids and best.asks:
            _overlay(bid_prices, bid_sizes, float(best.bids[0][0]), float(best.bids[0][1]), -1.0)
            _overlay(ask_prices, ask_sizes, float(best.asks[0][0]), float(best.asks[0][1]), 1.0)
            sequence = best.seqId
        touch.bid, touch.bid_size = (bid_prices[0], bid_sizes[0]) if bid_prices else (nan, nan)
        touch.ask, touch.ask_size = (ask_prices[0], ask_sizes[0]) if ask_prices else (nan, nan)
        touch.last = last.price
        touch.book_valid = book.valid and not touch.bid >= touch.ask
        touch.book_sequence = sequence
        encoded = self._encode(
            sequence=self._tick_stream.next_sequence, exchange_ns=exchange_ns, received_ns=wall_ns,
            published_ns=wall_ns + self._mono_ns() - mono_ns, received_mono_ns=mono_ns, book_sequence=sequence,
            book_valid=touch.book_valid, bid_prices=bid_prices, bid_sizes=bid_sizes, ask_prices=ask_prices,
            ask_sizes=ask_sizes, last_price=last.price, last_size=last.size, last_side=last.side, last_id=last.trade_id,
        )  # fmt: skip
        self._send(encoded, wall_ns, mono_ns)

    def _publish_touch(self, exchange_ns: int, wall_ns: int, mono_ns: int) -> None:
        """The tick before with what the touch and the last trade say now: most frames change nothing else."""
        touch, last = self.touch, self._last
        touch.last = last.price
        encoded = self._encode_touch(
            sequence=self._tick_stream.next_sequence, exchange_ns=exchange_ns, received_ns=wall_ns,
            published_ns=wall_ns + self._mono_ns() - mono_ns, received_mono_ns=mono_ns,
            book_sequence=touch.book_sequence, book_valid=touch.book_valid, bid_price=touch.bid,
            bid_size=touch.bid_size, ask_price=touch.ask, ask_size=touch.ask_size, last_price=last.price,
            last_size=last.size, last_side=last.side, last_id=last.trade_id,
        )  # fmt: skip
        self._send(encoded, wall_ns, mono_ns)

    def _send(self, encoded: memoryview, wall_ns: int, mono_ns: int) -> None:
        touch = self.touch
        number = self._tick_stream.send(encoded, wall_ns, record_later=True)
        touch.sequence, touch.received_ns, touch.mono_ns = number, wall_ns, mono_ns
        self._times[number % _RING] = mono_ns
        self.counters.ticks += 1
        self.frame_to_publish.add(self._mono_ns() - mono_ns)

    def _on_best(self, best: BookData, wall_ns: int, mono_ns: int) -> None:
        """A push of `bbo-tbt`. Where both prices stand, only their sizes are new."""
        for row in (*best.bids[:1], *best.asks[:1]):
            float(row[0]), float(row[1])  # what cannot be read is not kept either
        touch, self._best = self.touch, best
        if (
            touch.book_valid
            and best.bids
            and best.asks
            and best.seqId >= touch.book_sequence
            and float(best.bids[0][0]) == touch.bid
            and float(best.asks[0][0]) == touch.ask
        ):
            touch.bid_size, touch.ask_size = float(best.bids[0][1]), float(best.asks[0][1])
            touch.book_sequence = best.seqId
            self._publish_touch(int(best.ts) * NS_PER_MS, wall_ns, mono_ns)
        else:
            self._publish(int(best.ts) * NS_PER_MS, wall_ns, mono_ns)

    @property
    def book(self) -> Book:
        """What rests at the venue now."""
        return self._book

    def tick_mono_ns(self, sequence: int) -> int | None:
        """When the frame of a tick came in, monotonic; None for a tick that is too old, or not of this engine."""
        if not 0 < sequence <= self.touch.sequence or self.touch.sequence - sequence >= _RING:
            return None
        return self._times[sequence % _RING]

    def at_the_latest_ns(self, sequence: int) -> int:
        """When the frame of a tick came in at the latest, monotonic: exact for the last 4,096 ticks."""
        oldest = max(1, self.touch.sequence - _RING + 1)
        return self._times[max(sequence, oldest) % _RING]

    @property
    def lacks_snapshot(self) -> bool:
        """Updates come in, and there is no book to apply them to."""
        return not self._book.valid and bool(self._waiting)

    def on_rest_book(self, data: BookData) -> None:
        """A book read over REST, where no snapshot was pushed: what waited goes on top of it.

        Source: FACTS.md 4: updates up to its seqId are in it; the first one after it begins at or before it.
        """
        book, mono_ns, wall_ns = self._book, self._mono_ns(), self._wall_ns()
        try:
            exchange_ns = int(data.ts) * NS_PER_MS
            book.snapshot(data.bids, data.asks, sequence=data.seqId, joins=True)
            for update in self._waiting:
                book.update(update.bids, update.asks, previous=update.prevSeqId, sequence=update.seqId)
        except (BookError, ValueError):
            return  # what was read is older than what waits, or makes no sense: the next one may
        self._waiting.clear()
        self._publish(exchange_ns, wall_ns, mono_ns)
        self._record_sent()

    def invalidate(self) -> None:
        """The link went down: nothing held is true until the next snapshot."""
        self._waiting.clear()
        self._book.invalidate()
        self._best = None
        self.touch.book_valid = False

    def _on_event(self, event: Event) -> None:
        if event.event == "error":
            self.counters.venue_errors += 1
            self.counters.last_problem = f"public feed: {event.code} {event.msg}"


def _overlay(prices: list[float], sizes: list[float], price: float, size: float, outward: float) -> None:
    """Put a newer best level on top: levels that it passed are gone. `outward`: -1 for bids, +1 for asks."""
    if prices and prices[0] == price:
        sizes[0] = size
        return
    while prices and (prices[0] - price) * outward <= 0:
        del prices[0], sizes[0]
    prices.insert(0, price)
    sizes.insert(0, size)
    del prices[codec.TICK_LEVELS :], sizes[codec.TICK_LEVELS :]
