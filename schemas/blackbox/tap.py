"""What a channel tells the blackbox: every message, as it leaves or arrives."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class Direction(IntEnum):
    """Which way a recorded message went, seen from the process that recorded it."""

    RECEIVED = 0
    SENT = 1
    NOTE = 2
    """No message: the blackbox about itself (drops, torn tails, a clean end), or a process about what it did."""


class Tap(Protocol):
    """Takes every message of every channel. Called on the hot path: it never blocks and never raises."""

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        """Keep one message.

        Args: channel, the endpoint (or the name given to the channel); topic, the stream, or "request" | "reply" |
              "push" where the pattern has none; payload, without the channel's own header.
              vital: commands and acknowledgements, never dropped; the rest may be, and is counted.
        """
        ...


class NullTap:
    """Keeps nothing. Channels notice it and skip the call."""

    __slots__ = ()

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        """Nothing."""
