"""The frames of our channels, without a socket. Each message is one zmq frame, since every further one costs time.

Published: topic (32 bytes, ASCII, NUL padded) | sequence u64 LE | timestamp_ns i64 LE | payload.
Asked, and answered: 0x01 | correlation u64 LE | payload. (A plain REQ peer has frames of its own: reply.py.)
"""

from __future__ import annotations

import struct
from typing import Final

from schemas.channels.errors import BadTopic

HEADER_SIZE: Final = 48
TOPIC_SIZE: Final = 32
STAMP: Final = struct.Struct("<Qq")
"""Sequence and timestamp_ns, at offset TOPIC_SIZE."""

ASK_SIZE: Final = 9
"""Bytes before the payload of an ask and of its answer."""
_ASK: Final = b"\x01"

MAX_PAYLOAD: Final = 1 << 20
"""Bytes. A larger payload is refused by the sender and dropped by the receiver."""


def pad_topic(topic: str) -> bytes:
    """The 32 bytes of a topic.

    At least one NUL is kept, so that a whole topic and a prefix of topics are different subscriptions.

    Raises: BadTopic.
    """
    if not topic or len(topic) >= TOPIC_SIZE or not topic.isascii() or not topic.isprintable():
        raise BadTopic(topic)
    return topic.encode("ascii").ljust(TOPIC_SIZE, b"\0")


def prefix(topic: str) -> bytes:
    """The bytes that select every topic that starts so; the empty string selects all.

    Raises: BadTopic.
    """
    if not topic:
        return b""
    return pad_topic(topic).rstrip(b"\0")


def topic_of(padded: bytes) -> str | None:
    """The topic back from its 32 bytes, None if no publisher of ours wrote them."""
    name = padded.rstrip(b"\0")
    if not name or len(name) >= TOPIC_SIZE or not name.isascii():
        return None
    topic = name.decode("ascii")
    return topic if topic.isprintable() else None


def encode(topic: str, sequence: int, timestamp_ns: int, payload: bytes | memoryview) -> bytes:
    """The whole frame. Publishers do the same with a header made once; this is for tools and tests."""
    return b"".join((pad_topic(topic), STAMP.pack(sequence, timestamp_ns), payload))


def ask(correlation: int) -> bytes:
    """What stands before the payload of an ask; its answer begins with the same bytes."""
    return _ASK + correlation.to_bytes(8, "little")


def is_ask(frame: bytes) -> bool:
    """Could a Requester, or a Replier that answers one, have written this?"""
    return ASK_SIZE <= len(frame) <= ASK_SIZE + MAX_PAYLOAD and frame.startswith(_ASK)
