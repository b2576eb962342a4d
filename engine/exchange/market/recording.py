"""A recorded Binance USD-M stream as the outside world: contracts = BTC / 0.01, tick 0.1, both sides as recorded.

Line format: receive time (16 digits: microseconds, 19: nanoseconds), then JSON; a REST depth snapshot stands among
the first lines. Binance's rule joins the two: drop diffs older than the snapshot, the first kept one must span it,
then every `pu` is the `u` before. Source: recordings/INDEX.md, and Binance's "How to manage a local order book".
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from engine.exchange.book import Level
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.matching import Side

_SNAPSHOT_WITHIN: Final = 20_000  # lines
_BURST: Final = 200  # batches per call at full speed, so that the sockets get their turn


class RecordingError(ValueError):
    """The recording cannot be read, or does not hold together: which file and line, and why."""


class _Line(NamedTuple):
    at_ns: int
    body: dict[str, Any]


def _lines(paths: tuple[Path, ...]) -> Iterator[_Line]:
    for path in paths:
        number = 0
        try:
            with gzip.open(path, "rb") as file:
                for number, raw in enumerate(file, 1):  # noqa: B007  (named in the error below)
                    stamp, _, text = raw.partition(b" ")
                    message = orjson.loads(text)
                    yield _Line(int(stamp) * (1000 if len(stamp) == 16 else 1), message.get("data", message))
        except (OSError, EOFError, zlib.error, ValueError, AttributeError) as error:
            raise RecordingError(f"{path}, after line {number}: {error}") from error


def _ticks(text: str) -> int:
    whole, _, rest = text.partition(".")
    if rest[1:].strip("0"):
        raise RecordingError(f"price {text} is not a multiple of 0.1")
    return int(whole) * 10 + int(rest[:1] or "0")


def _lots(text: str) -> int:
    whole, _, rest = text.partition(".")
    if rest[4:].strip("0"):
        raise RecordingError(f"size {text} BTC is not a multiple of 0.0001")
    return int(whole) * 10_000 + int(rest[:4].ljust(4, "0"))


class Recording:
    """The script. `speed` None: as fast as possible. `at_end` is told once, when nothing more will come."""

    def __init__(self, paths: tuple[Path, ...], speed: float | None, at_end: Callable[[str], None]) -> None:
        """Raises: RecordingError if there is no snapshot, or the diffs do not join it."""
        self._speed = speed
        self._at_end = at_end
        self._ended = False
        lines = _lines(paths)
        early: list[_Line] = []
        snapshot = None
        for line in lines:
            if "lastUpdateId" in line.body:
                snapshot = line
                break
            early.append(line)
            if len(early) >= _SNAPSHOT_WITHIN:
                break
        if snapshot is None:
            raise RecordingError(f"{paths[0]} has no book snapshot; give the file that it continues before it")
        self._last_id = int(snapshot.body["lastUpdateId"])
        self._joined = False
        self._start_ns = snapshot.at_ns
        self._opening = (
            [Level(_ticks(px), _lots(size), 1) for px, size in snapshot.body["bids"]],
            [Level(_ticks(px), _lots(size), 1) for px, size in snapshot.body["asks"]],
        )
        depth_before = (line for line in early if line.body.get("e") == "depthUpdate")
        self._batches = self._translate(chain(depth_before, lines))
        self._next: Batch | None = None
        self._fetch()  # a recording that does not join its snapshot must fail at the start

    def opening(self) -> tuple[list[Level], list[Level]]:
        """The snapshot."""
        return self._opening

    def due(self, elapsed_ns: int) -> Iterator[Batch]:
        """Batches up to now, by recorded time times speed."""
        given = 0
        while self._next is not None and (self._next.at_ns <= elapsed_ns if self._speed else given < _BURST):
            yield self._next if self._speed else self._next._replace(at_ns=elapsed_ns)
            given += 1
            try:
                self._fetch()
            except RecordingError as error:
                self._next = None
                self._end(str(error))

    def _fetch(self) -> None:
        self._next = next(self._batches, None)
        if self._next is None:
            self._end("the recording has ended")

    def _end(self, why: str) -> None:
        if not self._ended:
            self._ended = True
            self._at_end(why)

    def _at(self, line: _Line) -> int:
        return int(max(0, line.at_ns - self._start_ns) / (self._speed or 1.0))

    def _translate(self, lines: Iterator[_Line]) -> Iterator[Batch]:
        held: tuple[tuple[int, bool, str], int, list[str]] | None = None  # a taker's prints at one price, grouped
        for line in lines:
            body = line.body
            if body.get("e") == "trade" and body["X"] == "MARKET":
                group = (int(body["T"]), bool(body["m"]), str(body["p"]))
                if held is not None and held[0] == group:
                    held[2].append(body["q"])
                    continue
                if held is not None:
                    yield _print(held)
                held = (group, self._at(line), [body["q"]])
            elif body.get("e") == "depthUpdate":
                if held is not None:
                    yield _print(held)
                    held = None
                if self._follows(body):
                    changes = (*_changes("buy", body["b"]), *_changes("sell", body["a"]))
                    if changes:
                        yield Batch(self._at(line), (), changes)
        if held is not None:
            yield _print(held)

    def _follows(self, body: dict[str, Any]) -> bool:
        first, last = int(body["U"]), int(body["u"])
        if not self._joined:
            if last < self._last_id:
                return False
            if first > self._last_id:
                raise RecordingError(f"the diffs start at {first}, after the snapshot's {self._last_id}")
            self._joined = True
        elif int(body["pu"]) != self._last_id:
            raise RecordingError(f"gap: the diff after {self._last_id} says that it follows {body['pu']}")
        self._last_id = last
        return True


def _print(held: tuple[tuple[int, bool, str], int, list[str]]) -> Batch:
    (_, buyer_is_maker, px), at_ns, sizes = held
    side: Side = "sell" if buyer_is_maker else "buy"
    lots = sum(_lots(size) for size in sizes)
    return Batch(at_ns, (Print(side, _ticks(px), lots, len(sizes)),), ())


def _changes(side: Side, rows: list[list[str]]) -> Iterator[Change]:
    for px, size in rows:
        lots = _lots(size)
        yield Change(side, _ticks(px), lots, 1 if lots else 0)
