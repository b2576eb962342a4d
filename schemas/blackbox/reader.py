"""Reading the blackbox back: merged in time, up to the first damage of each segment, which is told."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from schemas.blackbox.decode import SegmentDecoder
from schemas.blackbox.record import NO_HASH, Record, SegmentHeader
from schemas.blackbox.scan import span_of
from schemas.blackbox.segments import Segment, TornTail, list_segments
from schemas.clock import NS_PER_S

_PIECE: Final = 1 << 18
_SLACK_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class SegmentOk:
    """A segment that is whole, and follows the one before it.

    `closed`: the run ended in order with this segment. False for a segment that the run went on after, one that is
    being written, and one whose process was killed between two records.
    """

    path: Path
    records: int
    closed: bool


@dataclass(frozen=True, slots=True)
class SegmentBroken:
    """The first damage of a segment, at `offset` in bytes. `records` before it are good: it is number `records` + 1.

    `after_ns`: when the last good one was made, wall time; None without a header. `follows`: the hash, in hex, that the
    record there must name as the one before it; of a segment that does not follow in its run, what its header must.
    """

    path: Path
    offset: int
    reason: str
    records: int
    after_ns: int | None = None
    follows: str = ""


class BlackboxReader:
    """Reads what the writers of all processes left below `directory`, while they write or after.

    Raises: OSError, where a file cannot be read; a segment that is deleted meanwhile counts as never there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.torn: list[TornTail] = []
        """Where the last read() had to stop within a segment. Complete when it is exhausted."""

    def segments(self, process: str | None = None) -> list[Segment]:
        """The files, by process and age."""
        return [s for s in list_segments(self._directory) if process is None or s.process == process]

    def read(
        self,
        process: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        topic: str | None = None,
        channel: str | None = None,
    ) -> Iterator[Record]:
        """The records in order of monotonic time, of all processes together; boots of the machine one after another.

        Args: since_ns (inclusive) and until_ns (exclusive), wall time since 1970 UTC; topic and channel, exact.
        """
        self.torn = []
        for record in self._merged(process, since_ns, until_ns):
            if (
                (since_ns is None or record.wall_ns >= since_ns)
                and (until_ns is None or record.wall_ns < until_ns)
                and (topic is None or record.topic == topic)
                and (channel is None or record.channel == channel)
            ):
                yield record

    def verify(self, read: Callable[[int], None] = lambda count: None) -> Iterator[SegmentOk | SegmentBroken]:
        """Each segment in turn: whole, or its first damage. A segment whose predecessor is missing may start a chain.

        `read` hears of the bytes as they are read.
        A run cut off exactly between two records looks like one that was killed there: not `closed`.
        """
        for _, run in groupby(self.segments(), key=lambda segment: segment.run):
            last_hash: bytes | None = None
            last_number: int | None = None
            for segment in run:
                decoder = SegmentDecoder()
                for piece in _pieces(segment.path):
                    read(len(piece))
                    for _ in decoder.receive(piece):
                        pass
                found = _found(segment, decoder, last_number, last_hash)
                yield found
                last_hash = decoder.last_hash if isinstance(found, SegmentOk) else None
                last_number = segment.number

    def _merged(self, process: str | None, since_ns: int | None, until_ns: int | None) -> Iterator[Record]:
        runs: dict[bytes, list[tuple[SegmentHeader, list[Segment]]]] = {}
        segments = [segment for segment in self.segments(process) if _within(segment, since_ns, until_ns)]
        for _, group in groupby(segments, key=lambda segment: segment.run):
            run = list(group)
            header = self._header(run)
            if header is not None:
                runs.setdefault(header.boot, []).append((header, run))
        for boot in sorted(runs.values(), key=lambda found: min(header.wall_ns for header, _ in found)):
            yield from self._merge_boot(sorted(boot, key=lambda found: found[0].monotonic_ns))

    def _merge_boot(self, runs: list[tuple[SegmentHeader, list[Segment]]]) -> Iterator[Record]:
        """Opens a run only when its time has come: years of runs are never open at once."""
        waiting = runs[::-1]
        heads: list[tuple[int, int, Record, Iterator[Record]]] = []
        order = 0
        while waiting or heads:
            while waiting and (not heads or waiting[-1][0].monotonic_ns <= heads[0][0]):
                records = self._read_run(waiting.pop()[1])
                order += 1
                if (first := next(records, None)) is not None:
                    heapq.heappush(heads, (first.monotonic_ns, order, first, records))
            if heads:
                _, number, record, records = heads[0]
                yield record
                if (following := next(records, None)) is None:
                    heapq.heappop(heads)
                else:
                    heapq.heapreplace(heads, (following.monotonic_ns, number, following, records))

    def _header(self, run: list[Segment]) -> SegmentHeader | None:
        for segment in run:
            decoder = SegmentDecoder()
            for piece in _pieces(segment.path, 4096):
                next(decoder.receive(piece), None)
                break
            if decoder.header is not None:
                return decoder.header
            self._tell(segment, decoder)
        return None

    def _read_run(self, run: list[Segment]) -> Iterator[Record]:
        for segment in run:
            decoder = SegmentDecoder()
            for piece in _pieces(segment.path):
                yield from decoder.receive(piece)
                if decoder.failure is not None:
                    break
            self._tell(segment, decoder)

    def _tell(self, segment: Segment, decoder: SegmentDecoder) -> None:
        reason = decoder.finish()
        if reason is not None and all(torn.path != segment.path for torn in self.torn):
            self.torn.append(TornTail(segment.path, decoder.offset, reason))


def _within(segment: Segment, since_ns: int | None, until_ns: int | None) -> bool:
    """May it hold records of these wall times? A clock that steps by less than the slack loses none."""
    if since_ns is None and until_ns is None:
        return True
    span = span_of(segment)
    if span is None:
        return True  # whoever reads it tells what is wrong
    late = until_ns is not None and span.since_ns - _SLACK_NS > until_ns
    return not late and (since_ns is None or span.until_ns + _SLACK_NS >= since_ns)


def _pieces(path: Path, size: int = _PIECE) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except FileNotFoundError:
        return


def _found(
    segment: Segment, decoder: SegmentDecoder, last_number: int | None, last_hash: bytes | None
) -> SegmentOk | SegmentBroken:
    reason, header = decoder.finish(), decoder.header
    if header is not None and not _follows(segment, header, last_number, last_hash):
        reason = "the segment does not follow the one before it in its run"
        expected = (NO_HASH if segment.number == 0 else last_hash or b"").hex()
        return SegmentBroken(segment.path, 0, reason, decoder.records, header.wall_ns, expected)
    if reason is None:
        return SegmentOk(segment.path, decoder.records, decoder.closed)
    follows = decoder.last_hash.hex()
    return SegmentBroken(segment.path, decoder.offset, reason, decoder.records, decoder.last_wall_ns, follows)


def _follows(segment: Segment, header: SegmentHeader, last_number: int | None, last_hash: bytes | None) -> bool:
    if (header.process, header.pid, header.number) != (segment.process, segment.pid, segment.number):
        return False
    if segment.number == 0:
        return header.prev == NO_HASH
    if last_hash is None or last_number is None:
        return True  # the one before was deleted as too old, or is damaged and told already
    return segment.number == last_number + 1 and header.prev == last_hash
