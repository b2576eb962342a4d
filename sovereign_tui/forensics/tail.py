"""The newest records of all processes, and those that follow while they are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import psutil

from schemas.blackbox import BlackboxReader, Record, Segment, SegmentDecoder, span_of

Wanted = Callable[[Record], bool]
Run = tuple[str, int, int]


class _Track:
    """One segment, read as far as it is written."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._decoder = SegmentDecoder()
        self._at = 0

    @property
    def boot(self) -> bytes:
        """Of the machine; b"" before there is a header."""
        return b"" if self._decoder.header is None else self._decoder.header.boot

    def read(self) -> list[Record]:
        """What has come since the last time. Raises: OSError."""
        try:
            with self.segment.path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        return list(self._decoder.receive(data))


class Tail:
    """Reads the newest records, then those that come, in order of monotonic time; boots one after another."""

    def __init__(self, directory: Path, *, process: str | None, wanted: Wanted) -> None:
        self._reader, self._process, self._wanted = BlackboxReader(directory), process, wanted
        self._tracks: dict[Run, _Track] = {}
        self._known: set[Run] = set()

    def newest(self, count: int) -> list[Record]:
        """The last `count` that are wanted. Segments that cannot hold one of them are not opened. Raises: OSError."""
        segments = self._reader.segments(self._process)
        self._known = {segment.run for segment in segments}
        found: list[tuple[bytes, Record]] = []
        for _, each in groupby(segments, key=lambda segment: segment.process):
            kept: deque[tuple[bytes, Record]] = deque()
            seen: set[Run] = set()
            for segment in reversed(list(each)):
                live = segment.run not in seen and psutil.pid_exists(segment.pid)
                if len(kept) >= count and not live:
                    break
                track = _Track(segment)
                kept.extendleft((track.boot, record) for record in reversed(track.read()) if self._wanted(record))
                if live:
                    self._tracks[segment.run] = track
                seen.add(segment.run)
            found += kept
        boots = self._boots(segments)
        found.sort(key=lambda one: (boots.get(one[0], 0), one[1].monotonic_ns))
        return [record for _, record in found[len(found) - min(count, len(found)) :]]

    def poll(self) -> list[Record]:
        """What was written since. Raises: OSError."""
        found: list[Record] = []
        for run, group in groupby(self._reader.segments(self._process), key=lambda segment: segment.run):
            each = list(group)
            track = self._tracks.get(run)
            if track is None:
                if run in self._known:
                    continue
                track = self._tracks[run] = _Track(each[0])
            found += track.read()
            for segment in each:
                if segment.number > track.segment.number:
                    track = self._tracks[run] = _Track(segment)
                    found += track.read()
        self._known |= set(self._tracks)
        return sorted(filter(self._wanted, found), key=lambda record: record.monotonic_ns)

    @staticmethod
    def _boots(segments: list[Segment]) -> dict[bytes, int]:
        """Boots by age."""
        spans = sorted(filter(None, map(span_of, segments)), key=lambda span: span.since_ns)
        return {boot: number for number, boot in enumerate(dict.fromkeys(span.boot for span in spans))}
