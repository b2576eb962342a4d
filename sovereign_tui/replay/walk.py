"""One file of the blackbox, record by record, by their lengths: of a record that nobody shows only its head is read.

What is kept is checked by its CRC. A damaged record is left out and told; a damaged length ends the file, since what
follows it cannot be framed. Whether the chain holds is the affair of `sovereign blackbox verify`.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import google_crc32c

from schemas.blackbox.record import MAGIC, MAX_BODY, PREFIX, RECORD_OVERHEAD
from schemas.blackbox.scan import read_header
from sovereign_tui.replay.kinds import Kind

PIECE: Final = 1 << 17
"""Bytes read at a time: some 150 ticks, half a millisecond."""
_HEAD: Final = struct.Struct("<I20xqqBBB")
"""Of a record: its length, and behind its CRC and chain the two times, direction and sizes of the names."""
_NAMES_AT: Final = 40
"""Direction, the two sizes and the names: what tells one lane from another."""
_LEAST: Final = _HEAD.size - RECORD_OVERHEAD
_SEGMENT_HEAD: Final = 4096

Classify = Callable[[bytes], Kind | None]
"""From a record's direction, sizes and names to what it is; None: nobody shows it."""


class Found(NamedTuple):
    """A record that is whole. `time_ns` never goes back within a process, whatever thread was first to the queue."""

    time_ns: int
    wall_ns: int
    kind: Kind
    offset: int
    payload: memoryview


class Walker:
    """Walks one file, as far as it is written; `step` goes on where the last one ended."""

    def __init__(
        self, path: Path, classify: Classify, *, offset: int = 0, high_ns: int = 0, latest_ns: int = sys.maxsize
    ) -> None:
        """`latest_ns`: a record that says to be later is damaged, too: all after it would seem as late."""
        self.path = path
        self.offset = offset
        """Of the next record that was not walked over."""
        self.high_ns = high_ns
        """The latest time so far."""
        self.problem = ""
        """Why nothing more comes out of this file; "" while something may."""
        self.damaged = 0
        """Records that were left out, since their checksum or their time cannot be right."""
        self.starved = False
        """The last step found no whole record: this is the end, or as far as it is written."""
        self._classify = classify
        self._latest_ns = latest_ns
        self._known: dict[bytes, Kind | None] = {}

    def step(self) -> Iterator[Found]:
        """The records of one piece that somebody shows. Never raises; see `problem`, `starved`."""
        self.starved = False
        data = self._read()
        if data is None:
            self.starved = True
            return
        start = self.offset
        yield from self._records(data)
        self.starved = self.offset == start and not self.problem

    def _read(self) -> bytes | None:
        """The next piece, with one whole record in it if there is one."""
        if self.problem:
            return None
        try:
            with self.path.open("rb") as file:
                if not self.offset and not self._begin(file.read(_SEGMENT_HEAD)):
                    return None
                descriptor = file.fileno()
                data = os.pread(descriptor, PIECE, self.offset)
                if len(data) >= PREFIX.size:
                    whole = PREFIX.unpack_from(data)[0] + RECORD_OVERHEAD
                    if len(data) < whole <= MAX_BODY + RECORD_OVERHEAD:
                        data = os.pread(descriptor, whole, self.offset)
        except FileNotFoundError:
            self.problem = "the file was deleted; what was in it is missing here"
            return None
        except OSError as error:
            self.problem = error.strerror or str(error)
            return None
        return data

    def _begin(self, head: bytes) -> bool:
        """Steps over the segment's header; False while it is not whole."""
        header = read_header(head)
        if header is None:
            if len(head) >= _SEGMENT_HEAD:
                self.problem = "no segment header that can be read"
            return False
        self.offset = len(MAGIC) + PREFIX.size + PREFIX.unpack_from(head, len(MAGIC))[0]
        return True

    def _records(self, data: bytes) -> Iterator[Found]:
        at, limit, base = 0, len(data), self.offset
        unpack, known, value = _HEAD.unpack_from, self._known, google_crc32c.value
        view = memoryview(data)
        while limit - at >= _HEAD.size:
            size, time_ns, wall_ns, _, channel, topic = unpack(data, at)
            if not _LEAST <= size <= MAX_BODY:
                self.problem = f"the record's length is damaged at byte {self.offset}; the rest of the file is left out"
                return
            stop = at + RECORD_OVERHEAD + size
            if stop > limit:
                return
            payload_at = at + _HEAD.size + channel + topic
            lane = data[at + _NAMES_AT : payload_at]
            try:
                kind = known[lane]
            except KeyError:
                kind = self._classified(lane)
            if kind is not None:
                checked = data[at : at + 4] + data[at + PREFIX.size : stop]
                whole = PREFIX.unpack_from(data, at)[1] == value(checked) and payload_at <= stop
                if not whole or time_ns > self._latest_ns:
                    self.damaged += 1
                else:
                    if time_ns > self.high_ns:
                        self.high_ns = time_ns
                    yield Found(self.high_ns, wall_ns, kind, base + at, view[payload_at:stop])
            at = stop
            self.offset = base + at

    def _classified(self, lane: bytes) -> Kind | None:
        kind = self._classify(lane)
        if kind is not None or len(self._known) < 1_000:  # topics of some channels are ids: they are many
            self._known[lane] = kind
        return kind


def read_at(path: Path, offset: int) -> bytes | None:
    """The payload of the record at `offset`, once found whole there; None, if it is not there any more."""
    try:
        with path.open("rb") as file:
            data = os.pread(file.fileno(), 4096, offset)
            if len(data) < _HEAD.size:
                return None
            size, _, _, _, channel, topic = _HEAD.unpack_from(data)
            if size > MAX_BODY:
                return None
            whole = RECORD_OVERHEAD + size
            if whole > len(data):
                data = os.pread(file.fileno(), whole, offset)
    except OSError:
        return None
    if len(data) < whole or google_crc32c.value(data[:4] + data[PREFIX.size : whole]) != PREFIX.unpack_from(data)[1]:
        return None
    return data[_HEAD.size + channel + topic : whole]
