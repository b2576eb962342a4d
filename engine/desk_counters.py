"""What the command port has seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class DeskCounters:
    """What came in on the command channel since the start."""

    requests: int = 0
    heartbeats: int = 0
    orders: int = 0
    acks: int = 0
    rejects: int = 0
    malformed: int = 0
