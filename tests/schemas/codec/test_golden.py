"""Bytes of messages as they are on the wire: a peer of another version reads them by these field numbers."""

from __future__ import annotations

import msgspec
import pytest

from schemas import codec
from schemas.messages import (
    Alert,
    AuditEntry,
    AuditTrail,
    FrameStructure,
    LiquidityPool,
    PriceLevel,
    PriceZone,
    SessionRange,
    Signal,
    SignalKind,
    Structure,
    StructureBreak,
    StructureMark,
    SwingPoint,
)

AUDIT = AuditTrail(
    timestamp_ns=1,
    entries=(
        AuditEntry(
            number=2, timestamp_ns=3, issuer="me", action="halt", detail="why", outcome="VERIFIED", ok=True, took_ms=1.5
        ),
        AuditEntry(number=3, timestamp_ns=4, issuer="me", action="down", detail=""),
    ),
)


def test_audit_trail() -> None:
    wire = bytes.fromhex(
        "08011228080210031a026d65220468616c742a037768793208564552494649454438014100"
        "0000000000f83f120e080310041a026d652204646f776e"
    )  # fmt: skip
    assert codec.encode_audit(AUDIT) == wire
    assert codec.decode_audit(wire) == AUDIT


@pytest.mark.parametrize("junk", [b"\xff", b"\x12\x05\x08", b"\x12\x02\x1a\x05"])
def test_a_trail_that_cannot_be_read_is_malformed(junk: bytes) -> None:
    with pytest.raises(codec.Malformed):
        codec.decode_audit(junk)


def test_an_alert_and_who_acknowledged_it() -> None:
    alert = Alert(kind="halt", text="x", since_ns=1, level="warning", active=True)
    before = bytes.fromhex("0a0468616c74120178180122077761726e696e672801")
    assert codec.encode_alert(alert) == before, "as it was before it could be acknowledged"
    assert codec.decode_alert(before + bytes.fromhex("32026d65")) == msgspec.structs.replace(
        alert, acknowledged_by="me"
    )


def test_a_rehearsal() -> None:
    signal = Signal(kind=SignalKind.REHEARSE, id="r1", issuer="me", reason="why", timestamp_ns=1, sequence=2, mono_ns=3)
    wire = bytes.fromhex("0808120272311a026d652203776879280130024803")  # fmt: skip
    assert codec.encode_signal(signal) == wire
    assert codec.decode_signal(wire) == signal


def test_structure() -> None:
    zone = PriceZone(direction=-1, top=2.0, bottom=1.0, open_ns=3, confirmed_ns=4)
    frame = FrameStructure(
        frame="1m", unknown="", bars=7, open_ns=60, close=2.0, structure=-1,
        swing_low=SwingPoint(price=0.0, open_ns=0, confirmed_ns=0),
        last_break=StructureBreak(kind="bos", direction=-1, level=2.0, open_ns=1, confirmed_ns=2), blocks=(zone,),
        levels=(PriceLevel(top=2.0, bottom=1.0, touches=2, open_ns=1, confirmed_ns=2),),
        pools=(LiquidityPool(direction=1, top=2.0, bottom=1.0, swings=2, open_ns=1, confirmed_ns=2),),
        sessions=(SessionRange(name="asia", active=True, high=2.0, low=None),),
        marks=(StructureMark(kind="swing", direction=1, price=2.0, open_ns=1, confirmed_ns=2),),
    )  # fmt: skip
    value = Structure(timestamp_ns=1, instrument="X", frames=(frame,))
    wire = bytes.fromhex(
        "08011201581aa9010a02316d1807203c290000000000000040380152005a140a03626f731001190000000000000040200128"
        "026218080111000000000000004019000000000000f03f200328047a1809000000000000004011000000000000f03f180220"
        "01280282011a080211000000000000004019000000000000f03f200228013002aa01110a0461736961100119000000000000"
        "0040b201160a057377696e67100219000000000000004020012802"
    )
    assert codec.encode_structure(value) == wire
    back = codec.decode_structure(wire)
    assert back == value, "a swing at the price 0 is not a swing that nobody knows"
