"""What a channel tells the blackbox: every message, as it leaves or arrives."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

Keep = Callable[[bytes | memoryview], None]
"""Keeps one message of a lane. The bytes are kept as they are, not copied: they must not change any more."""


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

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        """What records the messages of one stream: all but the message is settled beforehand, at a third of the cost.

        The first `skip` bytes of each, the channel's own header, are left out.
        """
        ...


class NullTap:
    """Keeps nothing. Channels notice it and skip the call."""

    __slots__ = ()

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        """Nothing."""

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        """Nothing."""
        return _forget


def _forget(message: bytes | memoryview) -> None:
    """Keeps nothing."""
