"""Every reason for not trading, under a stable name."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """First things first: the earlier ones make the later ones moot."""

    BOOK_INVALID = "BOOK_INVALID"
    WARMING_UP = "WARMING_UP"
    LAYER_UNKNOWN = "LAYER_UNKNOWN"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    NO_DIRECTION = "NO_DIRECTION"
    FRAMES_DISAGREE = "FRAMES_DISAGREE"
    PRIMARY_DISAGREES = "PRIMARY_DISAGREES"
    MODEL_DISAGREES = "MODEL_DISAGREES"
    FILTERED = "FILTERED"
    ENGINE_NOT_ACTIVE = "ENGINE_NOT_ACTIVE"
    ENGINE_UNREACHABLE = "ENGINE_UNREACHABLE"
    IN_POSITION = "IN_POSITION"
    ORDER_WORKING = "ORDER_WORKING"
    WAITING_FOR_REPLY = "WAITING_FOR_REPLY"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    DAILY_LOSS = "DAILY_LOSS"
    TRADES_A_DAY = "TRADES_A_DAY"
    LOSSES_IN_A_ROW = "LOSSES_IN_A_ROW"
    LOSS_COOLDOWN = "LOSS_COOLDOWN"
    REJECT_PAUSE = "REJECT_PAUSE"
    COOLDOWN = "COOLDOWN"
    UNDER_MINIMUM = "UNDER_MINIMUM"


class WhyNot(NamedTuple):
    """A reason, and the numbers behind it in words."""

    reason: Reason
    text: str
