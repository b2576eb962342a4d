"""A segment's bytes in, records out, up to the first that is not whole. No file in sight."""

from __future__ import annotations

from collections.abc import Iterator
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
    chain,
    checksum,
    decode_body,
    decode_header_body,
)
from schemas.blackbox.tap import Direction

NOTE_CHANNEL: Final = "blackbox"
CLOSED_TOPIC: Final = "closed"
"""The last record of a run that ended in order."""
DROPPED_TOPIC: Final = "dropped"
"""Payload: how many messages were dropped since the note before, in decimal."""
TORN_TOPIC: Final = "torn"
"""Payload: where the segment of the run before breaks off."""


class SegmentDecoder:
    """Takes a segment in pieces of any size; says at the end what is wrong with it, if anything.

    After a failure nothing more comes out: what follows a damaged record cannot be trusted.
    """

    def __init__(self) -> None:
        self.header: SegmentHeader | None = None
        self.offset = 0
        """Bytes up to the end of the last whole record: where the damage starts, if there is any."""
        self.failure: str | None = None
        self.records = 0
        self.closed = False
        """The last record read says that the run ended in order."""
        self.last_hash = b""
        """What the next record, or the next segment's header, refers to."""
        self.last_wall_ns: int | None = None
        """When the last whole record was made, or the segment begun."""
        self._buffer = b""
        self._at = 0

    def receive(self, data: bytes) -> Iterator[Record]:
        """The records that are whole now, in order."""
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        if self.header is None and self.failure is None:
            self._take_header()
        if self.header is None:
            return
        while self.failure is None:
            record = self._take_record(self.header.process)
            if record is None:
                return
            yield record

    def finish(self) -> str | None:
        """To be called when there is no more. Returns what is wrong from `offset` on, None if the segment is whole."""
        if self.failure is None and (self.header is None or self._at < len(self._buffer)):
            what = "segment header" if self.header is None else "record"
            self.failure = f"the {what} is cut off"
        return self.failure

    def _take_header(self) -> None:
        buffer, start = self._buffer, len(MAGIC) + PREFIX.size
        seen = buffer[: len(MAGIC)]
        if seen != MAGIC[: len(seen)]:
            self.failure = "not a segment of this version"
            return
        if len(buffer) < start:
            return
        size, crc = PREFIX.unpack_from(buffer, len(MAGIC))
        if size > MAX_BODY:
            self.failure = "the segment header's length is damaged"
            return
        if len(buffer) < start + size:
            return
        body = buffer[start : start + size]
        if checksum(LENGTH.pack(size), body) != crc:
            self.failure = "the segment header's checksum does not match"
            return
        try:
            self.header = decode_header_body(body)
        except ValueError as error:
            self.failure = f"the segment header cannot be read: {error}"
            return
        self._at = self.offset = start + size
        self.last_wall_ns = self.header.wall_ns
        self.last_hash = chain(buffer[: self._at])

    def _take_record(self, process: str) -> Record | None:
        buffer, at = self._buffer, self._at
        if len(buffer) - at < RECORD_OVERHEAD:
            return None
        size, crc = PREFIX.unpack_from(buffer, at)
        if size > MAX_BODY:
            self.failure = "the record's length is damaged"
            return None
        end = at + RECORD_OVERHEAD + size
        if len(buffer) < end:
            return None
        checked = buffer[at + PREFIX.size : end]
        if checksum(buffer[at : at + LENGTH.size], checked) != crc:
            self.failure = "the record's checksum does not match"
            return None
        if checked[:HASH_SIZE] != self.last_hash:
            self.failure = "the record does not follow the one before it"
            return None
        try:
            record = decode_body(process, checked[HASH_SIZE:])
        except ValueError as error:
            self.failure = f"the record cannot be read: {error}"
            return None
        self.last_hash = chain(buffer[at:end])
        self.offset += end - at
        self._at = end
        self.records += 1
        self.last_wall_ns = record.wall_ns
        self.closed = (
            record.direction is Direction.NOTE and record.channel == NOTE_CHANNEL and record.topic == CLOSED_TOPIC
        )
        return record
