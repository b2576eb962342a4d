"""From what layer 1 knows to the message that charts read. Pure: it looks, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from brain.memory import FrameMemory, Memory
from brain.price_action.view import Break, Mark, MarkKind, PriceActionView, Swing, Zone
from schemas.messages import (
    FrameStructure,
    LiquidityPool,
    PriceLevel,
    PriceZone,
    SessionRange,
    Structure,
    StructureBreak,
    StructureMark,
    SwingPoint,
)

_NAMES: Final = {MarkKind.SWING: "swing", MarkKind.BOS: "bos", MarkKind.CHOCH: "choch"}


def structure_message(memory: Memory, instrument: str, now_ns: int) -> Structure:
    """What ops.structure says at `now_ns`, the venue's time."""
    frames = tuple(frame_structure(name, frame) for name, frame in memory.frames.items())
    return Structure(timestamp_ns=now_ns, instrument=instrument, frames=frames)


def why_unknown(frame: FrameMemory) -> str:
    """Why the newest of a frame is not known; "" if it is."""
    unread = len(frame.candles.fresh)
    return frame.view.unknown or frame.candles.hole or (f"{unread} candles are still to be read" if unread else "")


Known = Sequence[tuple[PriceActionView, str]]


def same_structure(now: Known, then: Known) -> bool:
    """Has no bar come in between, and is the same known? A view is made anew with each bar."""
    return len(now) == len(then) and all(
        view is earlier and unknown == before for (view, unknown), (earlier, before) in zip(now, then, strict=True)
    )


def frame_structure(name: str, frame: FrameMemory) -> FrameStructure:
    """One frame after its newest confirmed bar."""
    view = frame.view
    return FrameStructure(
        frame=name, unknown=why_unknown(frame), bars=view.bars, open_ns=view.open_ns, close=view.close,
        trend_pct=view.trend_pct, structure=view.structure, premium_discount=view.premium_discount,
        swing_high=_swing(view.swing_high), swing_low=_swing(view.swing_low), last_break=_break(view.last_break),
        blocks=_zones(view.blocks), gaps=_zones(view.gaps), joined_gaps=_zones(view.joined_gaps),
        levels=tuple(PriceLevel(**level._asdict()) for level in view.levels),
        pools=tuple(LiquidityPool(**pool._asdict()) for pool in view.pools),
        previous_day_high=view.previous_day_high, previous_day_low=view.previous_day_low,
        previous_week_high=view.previous_week_high, previous_week_low=view.previous_week_low,
        sessions=tuple(SessionRange(**session._asdict()) for session in view.sessions),
        marks=tuple(map(_mark, frame.layer.recent)),
    )  # fmt: skip


def _swing(swing: Swing | None) -> SwingPoint | None:
    return None if swing is None else SwingPoint(**swing._asdict())


def _break(found: Break | None) -> StructureBreak | None:
    return None if found is None else StructureBreak(**{**found._asdict(), "kind": _NAMES[found.kind]})


def _zones(zones: Iterable[Zone]) -> tuple[PriceZone, ...]:
    return tuple(PriceZone(**zone._asdict()) for zone in zones)


def _mark(mark: Mark) -> StructureMark:
    return StructureMark(
        kind=_NAMES[mark.kind], direction=mark.direction, price=mark.top, open_ns=mark.open_ns,
        confirmed_ns=mark.confirmed_ns,
    )  # fmt: skip
