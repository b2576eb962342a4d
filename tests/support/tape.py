"""A tap that keeps what it is given."""

from __future__ import annotations

from typing import NamedTuple

from schemas.blackbox import Direction, Keep


class Taken(NamedTuple):
    direction: Direction
    channel: str
    topic: str
    payload: bytes
    vital: bool


class Tape:
    def __init__(self) -> None:
        self.taken: list[Taken] = []

    def record(
        self, direction: Direction, channel: str, topic: str, payload: bytes | memoryview, *, vital: bool
    ) -> None:
        self.taken.append(Taken(direction, channel, topic, bytes(payload), vital))

    def lane(self, direction: Direction, channel: str, topic: str, *, vital: bool, skip: int = 0) -> Keep:
        return lambda message: self.record(direction, channel, topic, message[skip:], vital=vital)
