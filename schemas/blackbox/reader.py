"""Reading the blackbox back: merged in time, up to the first damage of each segment, which is told."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from schemas.blackbox.decode import SegmentDecoder
from schemas.blackbox.record import NO_HASH, Record, SegmentHeader
from schemas.blackbox.segments import Segment, TornTail, list_segments

_PIECE: Final = 1 << 18


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
    """The first damage of a segment, at `offset` in bytes. `records` before it are good."""

    path: Path
    offset: int
    reason: str
    records: int


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
        for record in self._merged(process):
            if (
                (since_ns is None or record.wall_ns >= since_ns)
                and (until_ns is None or record.wall_ns < until_ns)
                and (topic is None or record.topic == topic)
                and (channel is None or record.channel == channel)
            ):
                yield record

    def verify(self) -> Iterator[SegmentOk | SegmentBroken]:
        """Each segment in turn: whole, or its first damage. A segment whose predecessor is missing may start a chain.

        A run cut off exactly between two records looks like one that was killed there: not `closed`.
        """
        for _, run in groupby(self.segments(), key=lambda segment: segment.run):
            last_hash: bytes | None = None
            last_number: int | None = None
            for segment in run:
                decoder = SegmentDecoder()
                for piece in _pieces(segment.path):
                    for _ in decoder.receive(piece):
                        pass
                reason = decoder.finish()
                header = decoder.header
                offset = decoder.offset
                if header is not None and not _follows(segment, header, last_number, last_hash):
                    reason, offset = "the segment does not follow the one before it in its run", 0
                if reason is None:
                    yield SegmentOk(segment.path, decoder.records, decoder.closed)
                else:
                    yield SegmentBroken(segment.path, offset, reason, decoder.records)
                last_hash = decoder.last_hash if reason is None else None
                last_number = segment.number

    def _merged(self, process: str | None) -> Iterator[Record]:
        runs: dict[bytes, list[tuple[SegmentHeader, list[Segment]]]] = {}
        for _, group in groupby(self.segments(process), key=lambda segment: segment.run):
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


def _pieces(path: Path, size: int = _PIECE) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except FileNotFoundError:
        return


def _follows(segment: Segment, header: SegmentHeader, last_number: int | None, last_hash: bytes | None) -> bool:
    if (header.process, header.pid, header.number) != (segment.process, segment.pid, segment.number):
        return False
    if segment.number == 0:
        return header.prev == NO_HASH
    if last_hash is None or last_number is None:
        return True  # the one before was deleted as too old, or is damaged and told already
    return segment.number == last_number + 1 and header.prev == last_hash
