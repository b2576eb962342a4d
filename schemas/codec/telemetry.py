"""Telemetry <-> JSON, and the JSON Schema of all its kinds."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.codec.errors import Malformed
from schemas.messages.telemetry import DATA, Telemetry, TelemetryKind

_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER = msgspec.json.Decoder(Telemetry)
_REF = "#/$defs/{name}"


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


def telemetry_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a telemetry message, `data` by kind."""
    schemas, components = msgspec.json.schema_components([Telemetry, *DATA.values()], ref_template=_REF)
    kinds = zip(DATA, schemas[1:], strict=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What every process of Sovereign pushes to ops on the telemetry channel",
        "allOf": [schemas[0], {"oneOf": [_of_kind(kind, schema) for kind, schema in kinds]}],
        "$defs": components,
    }


def _of_kind(kind: TelemetryKind, schema: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"kind": {"const": kind.value}, "data": schema}}
