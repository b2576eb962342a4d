"""Bytes of messages as they are on the wire: a peer of another version reads them by these field numbers."""

from __future__ import annotations

import msgspec
import pytest

from schemas import codec
from schemas.messages import Alert, AuditEntry, AuditTrail, Signal, SignalKind

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
