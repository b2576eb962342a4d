"""What the market looked like as it was decided: `market_snapshots.jsonl`, from which models are made.

One JSON object a line. The file is appended to until it is large enough; then it is closed, named after its last line,
and compressed. A thread of its own writes: a disk that stands still keeps no decision waiting, and what it does not
take is dropped, counted and said.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import msgspec

from schemas.messages import Decision

SCHEMA: Final = 1
"""Version of a line. A field added later does not change it; one that changes its meaning does."""
NAME: Final = "market_snapshots.jsonl"
_WAITING: Final = 10_000
_FLUSH_S: Final = 0.5
_PIECE: Final = 1 << 20


def snapshot(decision: Decision, session: str) -> dict[str, Any]:
    """One line: scores by frame, their differences, the shares of layer 2, prices, and what was decided.

    Prices in quote currency, trend scores and their differences in percent (`a-b`: of frame a less that of frame b),
    shares in [0, 1]; null: not known. `session` tells the runs of the brain apart.
    """
    first = decision.frames[0]
    trends = {scores.frame: scores.trend_score_pct for scores in decision.frames}
    differences = {f"{one}-{other}": _less(trends[one], trends[other]) for one, other in pairwise(trends)}
    return {
        "schema": SCHEMA, "session": session, "timestamp_ns": decision.timestamp_ns, "sequence": decision.sequence,
        "tick_sequence": decision.tick_sequence, "instrument": decision.instrument, "trend_scores": trends,
        "trend_differences": differences, "imbalance": first.book_imbalance, "trade_pressure": first.trade_pressure,
        "votes": {
            scores.frame: [scores.trend_vote, scores.book_vote, scores.flow_vote, scores.direction]
            for scores in decision.frames
        },
        "features": decision.features, "unknown": {each.part: each.reason for each in decision.unknown},
        "model_score": decision.model_score,
        "decision": {
            "direction": decision.direction, "why_not": decision.why_not, "intent_id": decision.intent_id,
            "contracts": decision.contracts, "price": decision.price,
        },
    }  # fmt: skip


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


class SnapshotWriter:
    """Takes decisions on the loop's thread, writes them on its own. `log(level, text)` is called on that thread.

    The file of a run before is continued; of a line that was cut off the rest is removed.
    """

    def __init__(
        self, directory: Path, *, session: str, segment_bytes: int, every_ns: int, log: Callable[[str, str], None]
    ) -> None:
        self._path = directory / NAME
        self._session, self._segment_bytes, self._every_ns, self._log = session, segment_bytes, every_ns, log
        self._waiting: deque[Decision] = deque()
        self._due_ns = 0
        self._gist: tuple[str, int] | None = None
        self._stop = Event()
        self._failing = ""
        self.written = 0
        self.dropped = 0
        self._thread = Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def take(self, decision: Decision) -> None:
        """Kept at the settled cadence, and also when there is an order, or it comes out otherwise than the one before.

        Never blocks.
        """
        gist = (decision.why_not, decision.direction)
        if not decision.intent_id and gist == self._gist and decision.mono_ns < self._due_ns:
            return
        self._gist, self._due_ns = gist, decision.mono_ns + self._every_ns
        if len(self._waiting) >= _WAITING:
            self.dropped += 1
        else:
            self._waiting.append(decision)

    def close(self) -> None:
        """Writes what waits, for a second at most, and ends the thread."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        self._guarded(self._begin)
        while True:
            stopping = self._stop.wait(_FLUSH_S)
            self._guarded(self._write)
            if stopping:
                return

    def _guarded(self, work: Callable[[], None]) -> None:
        """A disk that refuses is said once, and once when it takes it again."""
        try:
            work()
        except OSError as error:
            if not self._failing:
                self._failing = error.strerror or str(error)
                self._log("warning", f"{self._path}: {self._failing}; snapshots are dropped until it can be written")
        else:
            if self._failing:
                self._failing = ""
                self._log("info", f"{self._path}: written again, {self.dropped} snapshots were dropped")

    def _begin(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for closed in sorted(self._path.parent.glob("market_snapshots-*.jsonl")):
            _compress(closed)  # the run before had no time to
        if self._path.exists():
            _cut_torn_line(self._path)

    def _write(self) -> None:
        decisions = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not decisions:
            return
        lines = b"".join(msgspec.json.encode(snapshot(decision, self._session)) + b"\n" for decision in decisions)
        try:
            with self._path.open("ab") as file:
                begun = file.tell()
                try:
                    file.write(lines)
                    file.flush()
                except OSError:
                    os.truncate(self._path, begun)
                    raise
                size = file.tell()
        except OSError:
            self.dropped += len(decisions)
            raise
        self.written += len(decisions)
        if size >= self._segment_bytes:
            self._rotate(decisions[-1].timestamp_ns)

    def _rotate(self, until_ns: int) -> None:
        """Closed files are named after their last line: no two are alike, and they sort by time."""
        closed = self._path.with_name(f"market_snapshots-{until_ns:020d}.jsonl")
        self._path.rename(closed)
        _compress(closed)


def _cut_torn_line(path: Path) -> None:
    """What a killed process has not finished is no line."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - _PIECE)
            file.seek(start)
            place = file.read(end - start).rfind(b"\n")
            if place >= 0:
                end = start + place + 1
                break
            end = start
        if end < size:
            file.truncate(end)


def _compress(path: Path) -> None:
    """Gzip in place: the old file goes only when the new one is whole."""
    target = path.with_name(path.name + ".gz")
    part = path.with_name(path.name + ".part")
    try:
        with path.open("rb") as source, gzip.open(part, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(source, packed, _PIECE)
        part.rename(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    path.unlink()
