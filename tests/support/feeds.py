"""The engine's market on the public channels of a laboratory's exchange: real Market, CandleStore and Upkeep.

What stands in: the websockets, one way each with a small delay, and the publisher, which reads every tick back as a
subscriber does and compares it with what the exchange's book really was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec

from engine.candles import CandleStore
from engine.exchange.instrument import px_text, sz_text
from engine.exchange.ws import Session
from engine.market import Market
from engine.upkeep import Upkeep
from schemas import codec, topology
from schemas.clock import NS_PER_S
from schemas.messages import Candle, MarketTick
from tests.support.laboratory import HOP_S, INSTRUMENT, RECONNECT_S, Laboratory

OLD_S = 0.3
"""How long after the book changed a tick may still show what it was: a beat of `books`, and the ways."""


class _Stream:
    def __init__(self, on_sent: Callable[[bytes], None]) -> None:
        self.next_sequence = 1
        self.last = b""
        self._on_sent = on_sent

    def send(self, payload: bytes | memoryview, timestamp_ns: int, *, record_later: bool = False) -> int:
        self.last = bytes(payload)
        self.next_sequence += 1
        self._on_sent(self.last)
        return self.next_sequence - 1


class _Publisher:
    """Keeps the last value of each topic; ticks are looked at."""

    def __init__(self, on_tick: Callable[[bytes], None]) -> None:
        self._on_tick = on_tick
        self.streams: dict[str, _Stream] = {}

    def stream(self, topic: str) -> _Stream:
        hear = self._on_tick if topic == topology.tick(INSTRUMENT) else lambda payload: None
        return self.streams.setdefault(topic, _Stream(hear))

    def publish(self, topic: str, payload: bytes, timestamp_ns: int | None = None) -> int:
        return self.stream(topic).send(payload, timestamp_ns or 0)

    def record_sent(self) -> None:
        """There is no blackbox here."""


class FeedLine:
    """One public websocket: subscribes when it comes, and comes back after a drop, as the engine's Link does."""

    def __init__(
        self, lab: Laboratory, path: str, channels: list[str], on_frame: Callable[[bytes], None],
        on_state: Callable[[bool], None],
    ) -> None:  # fmt: skip
        self._lab, self._path, self._on_frame, self._on_state = lab, path, on_frame, on_state
        self._args = [{"channel": channel, "instId": INSTRUMENT} for channel in channels]
        self._session: Session | None = None
        self._on_its_way: deque[tuple[Session | None, bytes]] = deque()
        self.connects = 0
        self.open = True
        self.connect()

    @property
    def up(self) -> bool:
        """Is there a connection?"""
        return self._session is not None

    def connect(self) -> None:
        """Connect, and subscribe."""
        if not self.open:
            return
        self._session = Session(
            self._path, "f", hub=self._lab.hub, trade=self._lab.trade_api, credentials=self._lab.venue_credentials,
            send=self._receive, answer=self._receive, close=lambda code, reason: self._gone(), drop=self._gone,
        )  # fmt: skip
        self.connects += 1
        self._say("subscribe", self._args)
        self._on_state(True)

    def resubscribe(self, arg: dict[str, str]) -> None:
        """Ask for a fresh snapshot of one channel."""
        self._say("unsubscribe", [arg])
        self._say("subscribe", [arg])

    def _say(self, op: str, args: list[dict[str, str]]) -> None:
        if self._session is not None:
            self._session.receive(msgspec.json.encode({"op": op, "args": args}).decode())

    def _receive(self, message: bytes) -> None:
        self._on_its_way.append((self._session, message))
        self._lab.loop.call_later(HOP_S, self._deliver)

    def _deliver(self) -> None:
        session, message = self._on_its_way.popleft()
        if session is self._session:
            self._on_frame(message)

    def _gone(self) -> None:
        self.hang_up()
        self._on_state(False)
        self._lab.loop.call_later(RECONNECT_S, self.connect)

    def hang_up(self) -> None:
        """The connection is gone."""
        if self._session is not None:
            session, self._session = self._session, None
            self._lab.hub.lines.leave(session)
            session.closed()


class Feeds:
    """`wrong`: what a tick with a valid book claimed, and was not so. `invalid`: ticks that said that it is not."""

    def __init__(self, lab: Laboratory, *, frames: tuple[str, ...] = ("1m",), old_s: float = OLD_S) -> None:
        assert lab.life is not None
        self.lab, self._frames, self._old_s = lab, frames, old_s
        self.wrong: list[str] = []
        self.invalid = self.ticks = 0
        self._true: list[tuple[int, float, float]] = []
        self.note_truth()
        self._decoder = codec.TickDecoder(INSTRUMENT)
        self.publisher = _Publisher(self._on_tick)
        publisher = cast(Any, self.publisher)
        self.candles = CandleStore(instrument=INSTRUMENT, frames=frames, publisher=publisher)
        self.market = Market(
            instrument=INSTRUMENT, publisher=publisher, candles=self.candles, clock=lab.clock,
            resubscribe=lambda: self.upkeep.resync_book(cast(Any, self.public)),
        )  # fmt: skip
        self.upkeep = Upkeep(
            instrument=INSTRUMENT, rest=lab.life.rest, market=self.market, candles=self.candles, clock=lab.clock,
            log=lab.life.log,
        )  # fmt: skip
        channels = ["bbo-tbt", "books", "trades", "mark-price"]
        self.public = FeedLine(lab, "public", channels, self.market.on_frame, self._on_public)
        self.business = FeedLine(
            lab, "business", [f"candle{frame}" for frame in frames], self.market.on_frame, self._on_business
        )  # fmt: skip
        self._mending = asyncio.ensure_future(self.upkeep.mend_candles())

    def _on_public(self, up: bool) -> None:
        if not up:
            self.market.invalidate()

    def _on_business(self, up: bool) -> None:
        if not up:
            self.candles.gaps.update(self._frames)

    def move(self, ticks: int) -> None:
        """The market moves."""
        self.lab.move(ticks)
        self.note_truth()

    def note_truth(self) -> None:
        """What the book is from now on."""
        self._true.append((self.lab.clock.monotonic_ns(), *self._touch()))

    def _touch(self) -> tuple[float, float]:
        matcher = self.lab.exchange.market.matcher
        return (matcher.best("buy") or 0) / 10, (matcher.best("sell") or 0) / 10

    def _on_tick(self, payload: bytes) -> None:
        tick: MarketTick = self._decoder.decode(payload)
        self.ticks += 1
        if not tick.book_valid:
            self.invalid += 1
            return
        shown = (tick.bid_price, tick.ask_price)
        if not shown[0] < shown[1]:
            self.wrong.append(f"tick {tick.sequence} is crossed: {shown}")
        elif (old_s := self._age_s(shown)) is None or old_s > self._old_s:
            self.wrong.append(f"tick {tick.sequence} shows {shown}, {old_s} s old; it is {self._touch()}")

    def _age_s(self, shown: tuple[float, float]) -> float | None:
        """For how long this has not been the touch any more; None: it never was."""
        until_ns = now_ns = self.lab.clock.monotonic_ns()
        for since_ns, bid, ask in reversed(self._true):
            if (bid, ask) == shown:
                return (now_ns - until_ns) / NS_PER_S
            until_ns = since_ns
        return None

    def differences(self) -> list[str]:
        """In what the engine's market and the exchange's disagree; settled ones must not."""
        found = []
        book, matcher = self.market.book, self.lab.exchange.market.matcher
        if not self.market.touch.book_valid:
            found.append("the book is not valid")
        for side, rows, levels in (
            ("bids", book._bids.rows[::-1], matcher.bids.top(400)), ("asks", book._asks.rows, matcher.asks.top(400)),
        ):  # fmt: skip
            ours, theirs = [tuple(row[:2]) for row in rows], [(px_text(x.px), sz_text(x.lots)) for x in levels]
            if ours != theirs:
                found.append(f"{side}: engine {ours}, venue {theirs}")
        for frame in self._frames:
            ours_rows = [_values(candle) for candle in self.history(frame)]
            theirs_rows = self._venue_history(frame)[-len(ours_rows) :]
            if not ours_rows or ours_rows != theirs_rows:
                found.append(f"candles {frame}: engine {ours_rows[-3:]}, venue {theirs_rows[-3:]}")
        return found

    def history(self, frame: str) -> list[Candle]:
        """What a newcomer gets."""
        self.candles.publish_history(frame)
        stream = self.publisher.streams[topology.history(frame, INSTRUMENT)]
        return list(codec.decode_history(stream.last).candles)[-300:] if stream.last else []

    def _venue_history(self, frame: str) -> list[tuple[float, ...]]:
        rows = self.lab.exchange.market.candles.page(frame, after_ms=None, before_ms=None, limit=300, newest=300)
        return [tuple(float(cell) for cell in row[:6]) for row in reversed(rows) if row[8] == "1"]

    async def close(self) -> None:
        """End it."""
        for line in (self.public, self.business):
            line.open = False
            line.hang_up()
        self._mending.cancel()
        await asyncio.gather(self._mending, return_exceptions=True)


def _values(candle: Candle) -> tuple[float, ...]:
    return (
        candle.open_ns / 1_000_000, candle.open, candle.high, candle.low, candle.close, candle.volume
    )  # fmt: skip
