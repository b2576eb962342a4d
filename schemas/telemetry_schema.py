"""The JSON Schema of the telemetry, made of its types. Imports nothing that is generated: it is used to generate."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.messages.telemetry import DATA, Telemetry, TelemetryKind

_REF: Final = "#/$defs/{name}"


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
