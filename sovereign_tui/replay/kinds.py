"""Which records a cockpit would have received, and what each topic means after a jump. Pure.

A cockpit hears what the engine sent on the market channel and what ops sent on the signal channel. Of a topic that is
published whole (`NEWEST`) the last message before a moment says all; of one that tells what happened (`EACH`) every
message counts. Requests and replies of the engine are looked at for the events alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from schemas import codec, topology
from schemas.blackbox import Direction
from schemas.topology import ENGINE, OPS

Decode = Callable[[memoryview], object]

VIEW_TICK: Final = "view.tick."
_TICK: Final = "tick."
_TRADE: Final = "tick.trade."


class Role(Enum):
    """How a topic is read."""

    NEWEST = auto()  # published whole: the last one says all
    SERIES = auto()  # published whole, and a screen remembers those before it: a line, a list
    EACH = auto()  # what happened: every one counts
    TICK = auto()  # the full stream of ticks: counted, and shown where there is no stream for screens
    VIEW_TICK = auto()  # the newest tick, as often as a screen needs it
    CANDLE = auto()  # the last of each bar counts
    ALERT = auto()  # the last of each alert counts
    SIGNAL = auto()  # of heartbeats the last, of others each
    ASKED = auto()  # a request or a reply: never shown, told as an event


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One topic. `repeats`: the same bytes again may be a message; elsewhere they are the answer to a late joiner."""

    topic: str
    role: Role
    decode: Decode
    repeats: bool = False

    @property
    def each(self) -> bool:
        """Whether a screen gets every message; else it gets the newest of a frame."""
        return self.role in {Role.SERIES, Role.EACH, Role.SIGNAL, Role.CANDLE, Role.ALERT}


_EXACT: Final[dict[str, dict[str, tuple[Role, Decode]]]] = {
    ENGINE: {
        topology.STATE_ENGINE: (Role.NEWEST, codec.decode_engine_state),
        topology.STATE_ORDERS: (Role.NEWEST, codec.decode_orders),
        topology.STATE_POSITIONS: (Role.NEWEST, codec.decode_positions),
        topology.STATE_ACCOUNT: (Role.SERIES, codec.decode_account),
    },
    OPS: {
        topology.STATE_DECISION: (Role.SERIES, codec.decode_decision),
        topology.OPS_SYSTEM: (Role.NEWEST, codec.decode_system),
        topology.OPS_METRICS: (Role.SERIES, codec.decode_metrics),
        topology.OPS_HEATMAP: (Role.NEWEST, codec.decode_heatmap),
        topology.OPS_FLOW: (Role.NEWEST, codec.decode_flow),
        topology.OPS_STRUCTURE: (Role.NEWEST, codec.decode_structure),
        topology.OPS_AUDIT: (Role.NEWEST, codec.decode_audit),
        topology.OPS_LOG: (Role.EACH, codec.decode_log),
        topology.OPS_RECEIPT: (Role.EACH, codec.decode_receipt),
        topology.OPS_ALERT: (Role.ALERT, codec.decode_alert),
        topology.SIGNAL: (Role.SIGNAL, codec.decode_signal),
    },
}
_ASKED: Final[dict[tuple[Direction, str], Decode]] = {
    (Direction.RECEIVED, "request"): codec.decode_request,
    (Direction.SENT, "reply"): codec.decode_reply,
}


@lru_cache(maxsize=1_024)
def kind_of(process: str, direction: int, topic: str) -> Kind | None:
    """What a record is, always the same object; None, if no cockpit hears of it."""
    if process == ENGINE and (asked := _ASKED.get((Direction(direction), topic))) is not None:
        return Kind(topic, Role.ASKED, asked)
    if direction != Direction.SENT or process not in _EXACT:
        return None
    found = _EXACT[process].get(topic)
    if found is not None:
        return Kind(topic, *found, repeats=found[0] is Role.ALERT)
    return _of_market(topic) if process == ENGINE else None


def _of_market(topic: str) -> Kind | None:
    if topic.startswith(VIEW_TICK):
        return Kind(topic, Role.VIEW_TICK, codec.TickDecoder(topic.removeprefix(VIEW_TICK)).decode, repeats=True)
    if topic.startswith(_TICK) and not topic.startswith(_TRADE):
        return Kind(topic, Role.TICK, codec.TickDecoder(topic.removeprefix(_TICK)).decode, repeats=True)
    if topic.startswith("candle."):
        return Kind(topic, Role.CANDLE, codec.decode_candle)
    if topic.startswith("history."):
        return Kind(topic, Role.NEWEST, codec.decode_history)
    return None


def classifier(process: str) -> Callable[[bytes], Kind | None]:
    """From direction, sizes of the names and names, as they lie in a record, to what it is."""
    if process not in _EXACT:
        return lambda lane: None

    def classify(lane: bytes) -> Kind | None:
        direction, channel_size = lane[0], lane[1]
        if direction > Direction.NOTE:
            return None
        if direction != Direction.SENT and not lane.endswith(b"request"):
            return None
        if len(lane) > _LONGEST:
            return None
        return kind_of(process, direction, lane[3 + channel_size :].decode(errors="replace"))

    return classify


_LONGEST: Final = 3 + 255 + 64
"""Bytes of a lane: no topic of a publisher has more than 31."""
