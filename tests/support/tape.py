"""A tap that keeps what it is given."""

from __future__ import annotations

from typing import NamedTuple

from schemas.blackbox import Direction


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
