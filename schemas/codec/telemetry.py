"""Telemetry <-> JSON."""

from __future__ import annotations

import msgspec

from schemas.codec.errors import Malformed
from schemas.messages import Telemetry

_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER = msgspec.json.Decoder(Telemetry)


def encode_telemetry(value: Telemetry) -> bytes:
    """One JSON object."""
    return _ENCODER.encode(value)


def decode_telemetry(payload: bytes | memoryview) -> Telemetry:
    """The telemetry in `payload`. Raises Malformed."""
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("Telemetry", str(error)) from None
