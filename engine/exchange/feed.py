"""Public channels: which message is due, and what it says. Pure; whoever sends is given as `publish`.

Messages are made once and shared by all connections, so that sequence numbers are the same on each (FACTS 4, 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import orjson

from engine.exchange import public
from engine.exchange.book import Level
from engine.exchange.book_channel import DEPTH, BooksChannel
from engine.exchange.channels import CANDLES
from engine.exchange.exchange import Exchange
from engine.exchange.faults.feeds import FinalRows, Silence
from engine.exchange.instrument import INST_ID
from engine.exchange.market.candles import BARS_MS, Candle
from engine.exchange.notes import TradeNote

_BOOKS: Final = ("books", "books5", "bbo-tbt")
_MS: Final = 1_000_000
_FUNDING_NS: Final = 60_000 * _MS
# Books that are kept by differences, in OKX's order of pushing: channel, levels a side, ns between two pushes.
_DEEP: Final = (("books-l2-tbt", DEPTH, 10 * _MS), ("books50-l2-tbt", 50, 10 * _MS), ("books", DEPTH, 100 * _MS))

Publish = Callable[[str, bytes], None]


def _data(row: Any) -> bytes:
    return b'"data":' + orjson.dumps([row])


class Feed:
    """All public channels. `tick` is called every 10 ms; `wanted` says whether anybody listens to a channel."""

    def __init__(self, exchange: Exchange, publish: Publish, wanted: Callable[[str], bool]) -> None:
        self._exchange = exchange
        self._publish = publish
        self._wanted = wanted
        self._books = {channel: BooksChannel(exchange, depth) for channel, depth, _ in _DEEP}
        self._silence = Silence(exchange.faults)
        self._finals = FinalRows(exchange.faults)
        self._last: dict[str, Any] = {}
        self._due_ns: dict[str, int] = {}
        self.own_touch = False  # the benchmark sends bbo-tbt by itself

    def greeting(self, channel: str) -> bytes | None:
        """What a new subscriber gets at once; None for channels that only tell what comes."""
        exchange = self._exchange
        market, now_ms = exchange.market, exchange.now_ms()
        if (book := self._books.get(channel)) is not None:
            if not self._wanted(channel):
                book.refresh()
            elif book.crossed and (correction := book.update()):
                self._publish(channel, correction)  # nobody starts from a book that is a lie
            return book.snapshot() if exchange.account.rules.books_snapshot else None
        if channel in CANDLES:
            candle = market.candles.forming(channel.removeprefix("candle"))
            return _data(candle.row(final=False)) if self._shown(candle) else None
        match channel:
            case "books5":
                return self._depth(5)
            case "bbo-tbt":
                return self._depth(1)
            case "tickers":
                return _data(public.ticker_row(market, now_ms))
            case "index-tickers":
                return _data(public.index_row(market, now_ms))
            case "mark-price":
                return _data(public.mark_row(market, now_ms))
            case "price-limit":
                return _data(public.limit_row(market, exchange.account.rules.price_band, now_ms))
            case "funding-rate":
                return _data(exchange.funding.schedule.row(now_ms))
        return None

    def book_was_read(self) -> None:
        """The book is about to be given out over REST."""
        for channel, book in self._books.items():
            if self._wanted(channel):
                book.was_read()

    def trade(self, note: TradeNote) -> None:
        """A public trade goes out at once."""
        if self._wanted("trades"):
            self._publish("trades", _data(public.trade_row(note.trade)))
        if self._wanted("trades-all"):
            for row in public.single_fill_rows(note.trade):
                self._publish("trades-all", _data(row))

    def tick(self) -> None:
        """Sends what is due; the order of the book channels is OKX's: bbo-tbt first, books5 last."""
        exchange = self._exchange
        market = exchange.market
        if exchange.account.rules.final_candle == "before":
            self._finish(exchange.final_candles)
            exchange.final_candles.clear()
        if not self._silence.holds(heard=any(map(self._wanted, _BOOKS))):
            if not self.own_touch:
                self.touch()
            for channel, _, every_ns in _DEEP:
                if self._wanted(channel) and self._is_due(channel, every_ns):
                    self._update_books(channel, self._books[channel])
            self._when_changed("books5", 100 * _MS, lambda: self._sides(5))
        self._when_changed("tickers", 100 * _MS, lambda: market.seq)
        self._when_changed("index-tickers", 100 * _MS, lambda: market.mark)
        self._when_changed("mark-price", 200 * _MS, lambda: market.mark, at_least_ns=10_000 * _MS)
        self._when_changed("price-limit", 200 * _MS, lambda: market.price_limits(exchange.account.rules.price_band))
        self._when_changed("funding-rate", _FUNDING_NS, exchange.now_ms)
        for bar in BARS_MS:
            self._when_changed(f"candle{bar}", 1000 * _MS, partial(self._candle, bar))
        followed = [item for item in exchange.final_candles if self._followed(*item)]
        self._finish(followed)
        exchange.final_candles = [item for item in exchange.final_candles if item not in followed]
        for bar, row in self._finals.due():
            self._send_late(f"candle{bar}", row)

    def _update_books(self, channel: str, book: BooksChannel) -> None:
        """One update of a deep channel; the faults of the chain are those of `books`."""
        if channel != "books":
            if (plain := book.update()) is not None:
                self._publish(channel, plain)
            return
        market, faults, known = self._exchange.market, self._exchange.faults, book.seq
        if market.seq != known and (reset := faults.strikes("sequence_reset")):
            market.seq -= reset.back
        can_cross = not book.crossed and bool(market.matcher.asks.top(1))
        crossed = can_cross and faults.strikes("crossed_book") is not None
        update = book.update(crossed=crossed)
        if update is None or (book.seq != known and faults.strikes("sequence_gap")):
            return
        self._publish(channel, update)

    def _send_late(self, channel: str, final: list[str]) -> None:
        if not self._wanted(channel):
            return
        forming = self._candle(channel.removeprefix("candle"))
        if int(self._last.get(channel, final)[0]) <= int(final[0]):  # the next candle has not been seen yet
            self._last[channel] = forming
            self._publish(channel, _data(forming))
        self._publish(channel, _data(final))

    def _finish(self, ended: list[tuple[str, Candle]]) -> None:
        for bar, candle in ended:
            row = candle.row(final=True)
            if self._wanted(f"candle{bar}") and self._shown(candle) and self._finals.passes(bar, row):
                self._publish(f"candle{bar}", _data(row))

    def _followed(self, bar: str, candle: Candle) -> bool:
        """Whether the first row of a later candle has been pushed, or nobody would hear of it."""
        pushed = self._last.get(f"candle{bar}")
        return not self._wanted(f"candle{bar}") or (pushed is not None and int(pushed[0]) > candle.ts_ms)

    def _shown(self, candle: Candle) -> bool:
        return candle.lots > 0 or self._exchange.account.rules.idle_candles

    def touch(self) -> None:
        """bbo-tbt, if the best levels changed."""
        self._when_changed("bbo-tbt", 0, lambda: self._sides(1))

    def force_touch(self) -> None:
        """bbo-tbt, now."""
        self._publish("bbo-tbt", self._depth(1))

    def _is_due(self, channel: str, every_ns: int) -> bool:
        now = self._exchange.monotonic_ns()
        due = self._due_ns.get(channel, now)
        if now < due:
            return False
        # A fixed grid, unless the process was held up: then the missed beats are dropped, not caught up.
        self._due_ns[channel] = due + every_ns if now - due < every_ns else now + every_ns
        return True

    def _when_changed(
        self, channel: str, every_ns: int, state: Callable[[], Any], *, at_least_ns: int | None = None
    ) -> None:
        if not self._wanted(channel) or not self._is_due(channel, every_ns):
            return
        present = state()
        repeat = at_least_ns is not None and self._is_due(f"{channel}/repeat", at_least_ns)
        if present == self._last.get(channel) and not repeat:
            return
        self._last[channel] = present
        message = self.greeting(channel)
        if message is not None:
            self._publish(channel, message)

    def _candle(self, bar: str) -> list[str]:
        return self._exchange.market.candles.forming(bar).row(final=False)

    def _sides(self, count: int) -> tuple[Sequence[Level], Sequence[Level]]:
        matcher = self._exchange.market.matcher
        return matcher.bids.top(count), matcher.asks.top(count)

    def _depth(self, count: int) -> bytes:
        bids, asks = self._sides(count)
        market = self._exchange.market
        row = {
            "asks": public.level_rows(asks),
            "bids": public.level_rows(bids),
            "ts": str(market.ts_ms),
            "seqId": market.seq,
        }
        if count == 5:
            row["instId"] = INST_ID
        return _data(row)
