"""Every reason for not trading, under a stable name."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """First things first: the earlier ones make the later ones moot."""

    BOOK_INVALID = "BOOK_INVALID"
    WARMING_UP = "WARMING_UP"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    NO_DIRECTION = "NO_DIRECTION"
    FRAMES_DISAGREE = "FRAMES_DISAGREE"
    PRIMARY_DISAGREES = "PRIMARY_DISAGREES"
    ENGINE_NOT_ACTIVE = "ENGINE_NOT_ACTIVE"
    ENGINE_UNREACHABLE = "ENGINE_UNREACHABLE"
    WAITING_FOR_REPLY = "WAITING_FOR_REPLY"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    IN_POSITION = "IN_POSITION"
    ORDER_WORKING = "ORDER_WORKING"
    COOLDOWN = "COOLDOWN"
    REJECT_PAUSE = "REJECT_PAUSE"
    UNDER_MINIMUM = "UNDER_MINIMUM"


class WhyNot(NamedTuple):
    """A reason, and the numbers behind it in words."""

    reason: Reason
    text: str
