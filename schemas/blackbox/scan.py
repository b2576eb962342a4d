"""Finding records by what their bytes hold, without reading the others: millions of ticks are stepped over.

The bytes are searched first, then the records are walked by their lengths; what is found is checked by its CRC. Whether
the chain holds is `verify`'s affair. A damaged length ends a segment here: what follows it cannot be framed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.blackbox.record import (
    HASH_SIZE,
    LENGTH,
    MAGIC,
    MAX_BODY,
    PREFIX,
    RECORD_OVERHEAD,
    Record,
    SegmentHeader,
    checksum,
    decode_body,
    decode_header_body,
)
from schemas.blackbox.segments import Segment

_NAMES_AT: Final = 16 + 1
"""Behind the two times and the direction stand the lengths of channel and topic."""
_HEAD: Final = 4096
_PIECE: Final = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A segment, and between which wall times (ns) its records lie. `boot`: monotonic times compare only within one."""

    segment: Segment
    boot: bytes
    since_ns: int
    until_ns: int
    size: int


def span_of(segment: Segment) -> Span | None:
    """When a segment was written: from its header to its last change. None, if it is gone or has no whole header."""
    try:
        with segment.path.open("rb") as file:
            header = read_header(file.read(_HEAD))
        status = segment.path.stat()
    except FileNotFoundError:
        return None
    if header is None:
        return None
    return Span(
        segment=segment, boot=header.boot, since_ns=header.wall_ns, until_ns=status.st_mtime_ns, size=status.st_size
    )  # fmt: skip


def read_header(data: bytes) -> SegmentHeader | None:
    """The header that a segment begins with; None, if it is not whole."""
    start = len(MAGIC) + PREFIX.size
    if len(data) < start or not data.startswith(MAGIC):
        return None
    size, crc = PREFIX.unpack_from(data, len(MAGIC))
    body = data[start : start + size]
    if len(body) < size or checksum(LENGTH.pack(size), body) != crc:
        return None
    try:
        return decode_header_body(body)
    except ValueError:
        return None


def scan(segment: Segment, needles: Sequence[bytes], *, passed_over: tuple[bytes, ...] = ()) -> Iterator[Record]:
    """The records whose bytes hold one of `needles`, in order; topics that begin with `passed_over` are not looked at.

    A segment that is deleted meanwhile counts as never there. Raises: OSError.
    """
    try:
        file = segment.path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if not file.seek(0, 2):
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield from _walk(segment.process, data, _hits(data, needles), passed_over)


def _hits(data: mmap.mmap, needles: Sequence[bytes]) -> list[int]:
    """Where the needles are. In pieces copied out of the map, whose own `find` compares byte by byte."""
    found: set[int] = set()
    overlap = max(map(len, needles), default=1) - 1
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE + overlap]
        for needle in needles:
            at = piece.find(needle)
            while at >= 0:
                found.add(start + at)
                at = piece.find(needle, at + 1)
    return sorted(found)


def _walk(process: str, data: mmap.mmap, hits: list[int], passed_over: tuple[bytes, ...]) -> Iterator[Record]:
    header = read_header(data[:_HEAD])
    if header is None or not hits:
        return
    at, unpack, overhead, size_of_file = len(MAGIC), PREFIX.unpack_from, RECORD_OVERHEAD, len(data)
    at += PREFIX.size + unpack(data, at)[0]
    for hit in hits:
        if hit < at:
            continue  # in the record before, or in the header
        while at + overhead <= size_of_file:
            size = unpack(data, at)[0]
            end = at + overhead + size
            if size > MAX_BODY or end > size_of_file:
                return
            if hit < end:
                record = _record(process, data[at:end], passed_over)
                if record is not None:
                    yield record
                at = end
                break
            at = end


def _record(process: str, encoded: bytes, passed_over: tuple[bytes, ...]) -> Record | None:
    body = encoded[PREFIX.size + HASH_SIZE :]
    if len(body) <= _NAMES_AT:
        return None  # damaged
    topic_at = _NAMES_AT + 2 + body[_NAMES_AT]
    if passed_over and body.startswith(passed_over, topic_at):
        return None
    _, crc = PREFIX.unpack_from(encoded)
    if checksum(encoded[: LENGTH.size], encoded[PREFIX.size :]) != crc:
        return None
    try:
        return decode_body(process, body)
    except ValueError:
        return None
