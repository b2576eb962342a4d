"""What a sequence number says about the message that carries it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of one topic that never arrived: `expected` up to, not including, `received`."""

    topic: str
    expected: int
    received: int

    @property
    def lost(self) -> int:
        """How many messages are missing."""
        return self.received - self.expected

    def __str__(self) -> str:
        return f"{self.topic}: {self.received} received, {self.expected} expected; {self.lost} lost"


class Arrival(Enum):
    """How a message stands to the one before it on its topic."""

    NEXT = auto()
    DUPLICATE = auto()
    GAP = auto()
    RESTART = auto()


class Track:
    """The last message of one topic.

    The first message ever is NEXT whatever its number: a late joiner has lost nothing that it asked for.
    A number seen last is a DUPLICATE only with the timestamp seen last: a publisher that restarted and
    published as often as before has new values, and dropping them as duplicates would lose its state.
    """

    __slots__ = ("resume", "sequence", "timestamp_ns", "topic")

    def __init__(self, topic: str, *, resume: bool) -> None:
        self.topic = topic
        self.resume = resume
        """A gap asks for the last value again."""
        self.sequence = 0
        self.timestamp_ns = 0

    def judge(self, sequence: int, timestamp_ns: int) -> Arrival:
        """Takes the message into account and says what it is. A GAP's first missing number is the old one plus 1."""
        last, self.sequence = self.sequence, sequence
        stamp, self.timestamp_ns = self.timestamp_ns, timestamp_ns
        if sequence == last + 1 or last == 0:
            return Arrival.NEXT
        if sequence > last:
            return Arrival.GAP
        if sequence == last and timestamp_ns == stamp:
            return Arrival.DUPLICATE
        return Arrival.RESTART
