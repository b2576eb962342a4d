"""OKX's own public data as the outside world: `books` and `trades` of the instrument, checked, in ticks and lots.

Theory of operation. A snapshot begins a chain; each update must name the seqId before it (`prevSeqId`), else the book
is broken and stays so until the next snapshot. seqId need not grow (maintenance sets it back), and an update may be
empty. What a snapshot changes against the book before is told as changes, so that whoever follows sees one market. A
broken or silent book is not valid: nothing is told, no price is made up, and the venue takes no order. Pure: frames
and times come in, batches go out.
Source: OKX API guide, "Order book channel" and "Trades channel"; FACTS 4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from engine.exchange.book import Level
from engine.exchange.instrument import INST_ID, lots_of, ticks_of
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.matching import Side
from schemas.clock import NS_PER_S

SILENCE_NS: Final = 3 * NS_PER_S
"""Without a frame of the book for so long, it is not believed any more; OKX sends one each 100 ms."""
SUBSCRIPTIONS: Final = (
    {"channel": "books", "instId": INST_ID},
    {"channel": "trades", "instId": INST_ID},
)  # fmt: skip
_NO_SNAPSHOT: Final = "no snapshot yet"


class Book(NamedTuple):
    """A frame of `books`. `whole`: a snapshot."""

    whole: bool
    changes: tuple[Change, ...]
    previous: int
    seq: int


class Trades(NamedTuple):
    """A frame of `trades`."""

    prints: tuple[Print, ...]


class Refusal(NamedTuple):
    """The venue said an error."""

    code: str
    text: str


class Other(NamedTuple):
    """Pong, acks, notices: nothing about the market."""


Frame = Book | Trades | Refusal | Other


class FrameError(ValueError):
    """A frame that OKX's guide does not explain."""


def decode(text: str | bytes) -> Frame:
    """One frame. Raises: FrameError, also for a price or size off the grid: nothing is rounded."""
    if text in ("pong", b"pong"):
        return Other()
    try:
        message = orjson.loads(text)
        if "event" in message:
            refused = message["event"] == "error"
            return Refusal(str(message["code"]), str(message["msg"])) if refused else Other()
        arg, rows = message["arg"], message["data"]
        if arg["instId"] != INST_ID:
            raise FrameError(f"a frame of {arg['instId']}")
        match arg["channel"]:
            case "books":
                return _book(message["action"], *rows)
            case "trades":
                return Trades(tuple(_print(row) for row in rows))
    except FrameError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise FrameError(f"{type(error).__name__}: {error} in {text[:120]!r}") from None
    return Other()


def _book(action: str, row: Mapping[str, Any]) -> Book:
    changes = (*_changes("buy", row["bids"]), *_changes("sell", row["asks"]))
    if action not in ("snapshot", "update"):
        raise FrameError(f"a book that is neither snapshot nor update: {action!r}")
    return Book(action == "snapshot", changes, int(row["prevSeqId"]), int(row["seqId"]))


def _changes(side: Side, rows: list[list[str]]) -> Iterator[Change]:
    for px, size, _, orders in rows:
        yield Change(side, ticks_of(px), lots_of(size), int(orders))


def _print(row: Mapping[str, Any]) -> Print:
    side: Side = "buy" if row["side"] == "buy" else "sell"
    if row["side"] != side:
        raise FrameError(f"a trade of neither side: {row['side']!r}")
    return Print(side, ticks_of(row["px"]), lots_of(row["sz"]), int(row.get("count") or 1))


class LiveMarket:
    """The script of the outside world, as it is written. Give it what the websocket brings."""

    def __init__(self) -> None:
        self._levels: dict[Side, dict[int, Level]] = {"buy": {}, "sell": {}}
        self._waiting: deque[Batch] = deque()
        self._seq: int | None = None
        self._heard_ns = 0
        self.problem = _NO_SNAPSHOT
        """Why the book is broken; empty: it is whole."""

    def opening(self) -> tuple[list[Level], list[Level]]:
        """The book now; batches go on from it."""
        self._waiting.clear()
        bids, asks = self._levels["buy"], self._levels["sell"]
        return [bids[px] for px in sorted(bids, reverse=True)], [asks[px] for px in sorted(asks)]

    def due(self, elapsed_ns: int) -> Iterator[Batch]:
        """Everything that has come; it happens now, since it is only known now."""
        while self._waiting:
            yield self._waiting.popleft()._replace(at_ns=elapsed_ns)

    def valid(self, now_ns: int) -> bool:
        """Whether there is a whole book that is not silent. `now_ns`: monotonic."""
        return not self.problem and now_ns - self._heard_ns <= SILENCE_NS

    def lost(self, reason: str) -> None:
        """The connection is gone: only a new snapshot makes the book whole."""
        self._break(reason)

    def take(self, frame: Frame, now_ns: int) -> None:
        """One frame. `problem` says afterwards whether the book is whole. `now_ns`: monotonic."""
        match frame:
            case Trades(prints):
                if self.valid(now_ns) and prints:
                    self._waiting.append(Batch(0, prints, ()))
            case Book(whole=True, changes=changes):
                self._begin(changes)
                self._follow(frame, now_ns)
            case Book(changes=changes):
                if self._seq is None:
                    return  # from before the snapshot that was asked for
                if frame.previous != self._seq:
                    self._break(f"gap: {frame.previous} named, {self._seq} was last")
                    return
                self._apply(changes)
                self._follow(frame, now_ns)

    def _follow(self, frame: Book, now_ns: int) -> None:
        bids, asks = self._levels["buy"], self._levels["sell"]
        if not bids or not asks:
            self._break("a side is empty")
        elif max(bids) >= min(asks):
            self._break(f"crossed: bid {max(bids)} and ask {min(asks)} ticks")
        else:
            self._seq, self._heard_ns, self.problem = frame.seq, now_ns, ""

    def _begin(self, changes: tuple[Change, ...]) -> None:
        """What the snapshot does not state is gone."""
        stated = {(change.side, change.px) for change in changes}
        gone = [
            Change(side, px, 0, 0) for side, levels in self._levels.items() for px in levels if (side, px) not in stated
        ]
        self._apply((*gone, *changes))

    def _apply(self, changes: tuple[Change, ...]) -> None:
        told = []
        for change in changes:
            levels = self._levels[change.side]
            level = Level(change.px, change.lots, change.orders)
            if change.lots <= 0:
                if levels.pop(change.px, None) is None:
                    continue  # OKX also deletes what nobody was told of
            elif levels.get(change.px) == level:
                continue
            else:
                levels[change.px] = level
            told.append(change)
        if told:
            self._waiting.append(Batch(0, (), tuple(told)))

    def _break(self, problem: str) -> None:
        self._seq, self.problem = None, problem
