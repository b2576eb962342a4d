"""Where the fields of a MarketTick lie: read off a template that the generated builder made, never written by hand."""

from __future__ import annotations

import struct
from typing import Any, Final

import flatbuffers

from schemas.generated.market import Level as FbLevel
from schemas.generated.market import MarketTick as Fb

TICK_LEVELS: Final = 20
"""Levels a side on the wire; fewer are padded with NaN."""

_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    # in the order in which they lie in memory: 8-byte fields first, since the builder aligns from the end
    ("Sequence", "Q"),
    ("ExchangeNs", "q"),
    ("ReceivedNs", "q"),
    ("PublishedNs", "q"),
    ("BidPrice", "d"),
    ("BidSize", "d"),
    ("AskPrice", "d"),
    ("AskSize", "d"),
    ("LastPrice", "d"),
    ("LastSize", "d"),
    ("LastId", "q"),
    ("ReceivedMonoNs", "q"),
    ("BookSequence", "q"),
    ("LastSide", "B"),
    ("BidCount", "B"),
    ("AskCount", "B"),
    ("BookValid", "B"),
)
_IN_SCHEMA_ORDER: Final = (
    *("Instrument", "Sequence", "ExchangeNs", "ReceivedNs", "PublishedNs", "BidPrice", "BidSize", "AskPrice"),
    *("AskSize", "LastPrice", "LastSize", "LastId", "ReceivedMonoNs", "BookSequence", "LastSide", "BidCount"),
    *("AskCount", "BookValid", "Bids", "Asks"),
)
_SLOT: Final[dict[str, int]] = {name: index for index, name in enumerate(_IN_SCHEMA_ORDER)}


class LayoutError(RuntimeError):
    """The builder laid the template out in a way that this module does not understand: a bug, caught at start."""


def _template(instrument: str) -> bytes:
    """One tick as the generated builder writes it, every field present."""
    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)
    name = builder.CreateString(instrument)
    sides = []
    for start in (Fb.MarketTickStartAsksVector, Fb.MarketTickStartBidsVector):
        start(builder, TICK_LEVELS)
        for _ in range(TICK_LEVELS):
            FbLevel.CreateLevel(builder, 0.0, 0.0)
        sides.append(builder.EndVector())
    asks, bids = sides
    Fb.MarketTickStart(builder)
    Fb.MarketTickAddInstrument(builder, name)
    Fb.MarketTickAddAsks(builder, asks)
    Fb.MarketTickAddBids(builder, bids)
    for field, _ in reversed(_FIELDS):
        getattr(Fb, f"MarketTickAdd{field}")(builder, 0)
    builder.Finish(Fb.MarketTickEnd(builder))
    return bytes(builder.Output())


class TickLayout:
    """Where the fields of the template lie, as one struct format that starts at `start`."""

    def __init__(self, instrument: str) -> None:
        self.template = _template(instrument)
        tab: Any = Fb.MarketTick.GetRootAs(self.template, 0)._tab
        self.prefix = self.template[: tab.Pos]
        offset = {name: tab.Pos + tab.Offset(4 + 2 * slot) for name, slot in _SLOT.items()}
        places = [(offset[name], code) for name, code in _FIELDS]
        for side in ("Bids", "Asks"):
            vector = tab.Vector(tab.Offset(4 + 2 * _SLOT[side]))
            places.append((vector, f"{2 * TICK_LEVELS}d"))
        if places != sorted(places):
            raise LayoutError(f"fields are not in the expected order: {places}")
        self.start = places[0][0]
        self.sides = places[-2][0], places[-1][0]
        parts, position, self._holes = ["<"], self.start, []
        for place, code in places:
            hole = self.template[position:place]
            if any(hole):
                parts.append(f"{len(hole)}s")
                self._holes.append(hole)
            elif hole:
                parts.append(f"{len(hole)}x")
            parts.append(code)
            position = place + struct.calcsize("<" + code)
        self.struct = struct.Struct("".join(parts))
        first_offsets = next(index for index, part in enumerate(parts) if part.endswith("s"))
        self.scalars = struct.Struct("".join(parts[:first_offsets]))
        if len(self._holes) != 2:
            raise LayoutError(f"{len(self._holes)} runs of offsets between the fields, 2 expected")

    @property
    def prefixed_scalars(self) -> struct.Struct:
        """The prefix as bytes and all scalars, from the beginning of the message."""
        size = len(self.prefix)
        return struct.Struct(f"<{size}s{self.start - size}x{self.scalars.format[1:]}")

    @property
    def holes(self) -> tuple[bytes, bytes]:
        """The bytes before the bids (offsets and a vector's length) and before the asks: constant."""
        return self._holes[0], self._holes[1]
