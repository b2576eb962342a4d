"""Telemetry <-> JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.codec.errors import Malformed
from schemas.messages.telemetry import DATA, Telemetry

_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER = msgspec.json.Decoder(Telemetry)


def encode_telemetry(value: Telemetry) -> bytes:
    """One JSON object."""
    return _ENCODER.encode(value)


def decode_telemetry(payload: bytes | memoryview) -> Telemetry:
    """The telemetry in `payload`; its `data` is not looked at. Raises Malformed."""
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("Telemetry", str(error)) from None


def read_telemetry(message: Telemetry) -> Any:
    """`data` as the type that DATA names for its kind; fields that it does not know are ignored. Raises Malformed."""
    try:
        return msgspec.convert(message.data, DATA[message.kind])
    except msgspec.ValidationError as error:
        raise Malformed("Telemetry", f"data not as {message.kind} demands ({error})") from None
