"""The record format, pure: values to bytes and back.

Segment:  magic 8 | length u32 | crc32c u32 | header body
  header body:  pid u32 | number u32 | wall_ns i64 | monotonic_ns i64 | boot 16 | prev 16 | process (UTF-8)
Record:   length u32 | crc32c u32 | prev 16 | body
  body:   monotonic_ns i64 | wall_ns i64 | direction u8 | channel length u8 | topic length u8
          | channel | topic | payload

Little endian. `length` counts the body; the CRC covers length, prev and body. `prev` is the blake2b (16 bytes) of the
whole record before, of the segment header's whole bytes for the first record of a segment. A header's own `prev` is
the hash of the last record of the segment before in the same run, zeros for the first: so the chain runs through
a rotation, and each run begins one of its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import google_crc32c

from schemas.blackbox.tap import Direction

MAGIC: Final = b"SOVBBX\r\x01"
"""The last byte is the version of the format."""
HASH_SIZE: Final = 16
NO_HASH: Final = bytes(HASH_SIZE)
MAX_BODY: Final = (1 << 20) + 1024
"""Bytes: the largest payload of a channel, and the fields around it. A longer length is damage."""

LENGTH: Final = struct.Struct("<I")
PREFIX: Final = struct.Struct("<II")
_FIELDS: Final = struct.Struct("<qqBBB")
_HEADER: Final = struct.Struct("<IIqq16s16s")
RECORD_OVERHEAD: Final = PREFIX.size + HASH_SIZE
_NAME_LIMIT: Final = 255
_PAYLOAD_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentHeader:
    """Who wrote a segment, when its run began on both clocks, and what it follows.

    `boot` tells the boots of the machine apart: monotonic times compare only within one.
    """

    process: str
    pid: int
    number: int
    wall_ns: int
    monotonic_ns: int
    boot: bytes
    prev: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One message, as a process sent or received it; or a NOTE of the blackbox about itself.

    Times in ns, `wall_ns` since 1970 UTC.
    """

    process: str
    monotonic_ns: int
    wall_ns: int
    direction: Direction
    channel: str
    topic: str
    payload: bytes


class Lane:
    """Where a message belongs: all of its record but the times and the payload, encoded once for all of them.

    Names longer than 255 bytes are cut, and what is no UTF-8 becomes a question mark.
    `vital`: see Tap.
    """

    __slots__ = ("direction", "names", "sizes", "vital")

    def __init__(self, direction: int, channel: str, topic: str, *, vital: bool = False) -> None:
        name, stream = (text.encode(errors="replace")[:_NAME_LIMIT] for text in (channel, topic))
        self.direction = direction
        self.names = name + stream
        self.sizes = len(name), len(stream)
        self.vital = vital


def chain(encoded: bytes | memoryview) -> bytes:
    """The hash by which the next record refers to this one."""
    return blake2b(encoded, digest_size=HASH_SIZE).digest()


def checksum(*parts: bytes) -> int:
    """CRC-32C over the parts joined."""
    return int(google_crc32c.value(b"".join(parts)))


def encode_header(header: SegmentHeader) -> bytes:
    """The bytes that a segment starts with."""
    fixed = _HEADER.pack(header.pid, header.number, header.wall_ns, header.monotonic_ns, header.boot, header.prev)
    body = fixed + header.process.encode()
    length = LENGTH.pack(len(body))
    return b"".join((MAGIC, length, LENGTH.pack(checksum(length, body)), body))


def decode_header_body(body: bytes) -> SegmentHeader:
    """The header from its checked body. Raises: ValueError, if it is too short or not UTF-8."""
    if len(body) < _HEADER.size:
        raise ValueError("the segment header is too short")
    pid, number, wall_ns, monotonic_ns, boot, prev = _HEADER.unpack_from(body)
    return SegmentHeader(
        process=body[_HEADER.size :].decode(),
        pid=pid,
        number=number,
        wall_ns=wall_ns,
        monotonic_ns=monotonic_ns,
        boot=boot,
        prev=prev,
    )


def encode_record(prev: bytes, monotonic_ns: int, wall_ns: int, lane: Lane, payload: bytes | memoryview) -> bytes:
    """The bytes of one record. A payload is cut at 1 MiB: a record is never refused."""
    if len(payload) > _PAYLOAD_LIMIT:
        payload = payload[:_PAYLOAD_LIMIT]
    length = LENGTH.pack(_FIELDS.size + len(lane.names) + len(payload))
    fields = _FIELDS.pack(monotonic_ns, wall_ns, lane.direction, *lane.sizes)
    checked = b"".join((length, prev, fields, lane.names, payload))
    return b"".join((length, LENGTH.pack(google_crc32c.value(checked)), checked[LENGTH.size :]))


def decode_body(process: str, body: bytes) -> Record:
    """One record from its checked body. Raises: ValueError, if the fields do not fit
    (after a good CRC: a forgery, or another version).
    """
    if len(body) < _FIELDS.size:
        raise ValueError("the record is too short")
    monotonic_ns, wall_ns, direction, channel_size, topic_size = _FIELDS.unpack_from(body)
    topic_at = _FIELDS.size + channel_size
    payload_at = topic_at + topic_size
    if payload_at > len(body):
        raise ValueError("the names are longer than the record")
    return Record(
        process=process,
        monotonic_ns=monotonic_ns,
        wall_ns=wall_ns,
        direction=Direction(direction),
        channel=body[_FIELDS.size : topic_at].decode(errors="replace"),
        topic=body[topic_at:payload_at].decode(errors="replace"),
        payload=body[payload_at:],
    )
