"""Faults from TOML (`--faults FILE`) and from JSON (the control route). What is wrong is refused whole.

seed = 7

[[fault]]
name = "ack_lost"
times = 1
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson

from engine.exchange.config import ConfigError
from engine.exchange.faults.switchboard import Fault

_FIELDS: Final = tuple(field.name for field in fields(Fault))
_SEED_MOST: Final = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A faults file: what is armed at the start. `seed` None: the exchange's own."""

    seed: int | None
    faults: tuple[Fault, ...]


def read(path: Path) -> Plan:
    """A TOML file. Raises: ConfigError, whose field says where in the file."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError("faults", str(path), f"{error.strerror or error}; give a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("faults", str(path), f"{error}; give a TOML file") from error
    for key, value in table.items():
        if key not in ("seed", "fault"):
            raise ConfigError(key, value, "leave it out: a faults file has a seed and [[fault]] tables")
    seed = table.get("seed")
    if seed is not None and (type(seed) is not int or not 0 <= seed < _SEED_MOST):
        raise ConfigError("seed", seed, f"give a whole number from 0 to {_SEED_MOST - 1}")
    return Plan(seed=seed, faults=_faults(table.get("fault", []), "fault"))


def of_json(body: bytes | str) -> tuple[Fault, ...]:
    """One fault object or a list of them. Raises: ConfigError."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        shown = body[:100] if isinstance(body, str) else body[:100].decode("utf-8", "replace")
        raise ConfigError("body", shown, f"{error}; give a fault as JSON, or a list of them") from error
    return (_fault(parsed, ""),) if isinstance(parsed, dict) else _faults(parsed, "")


def _faults(listed: object, where: str) -> tuple[Fault, ...]:
    if not isinstance(listed, list):
        raise ConfigError(where or "body", listed, "give a list of faults")
    return tuple(_fault(raw, f"{where}[{number}].") for number, raw in enumerate(listed))


def _fault(raw: object, where: str) -> Fault:
    if not isinstance(raw, Mapping):
        raise ConfigError(where.rstrip(".") or "body", raw, "give a fault with a name")
    given: dict[str, Any] = dict(raw)
    for key, value in given.items():
        if key not in _FIELDS:
            raise ConfigError(where + key, value, f"leave it out, or give one of {', '.join(_FIELDS)}")
    if "name" not in given:
        raise ConfigError(where + "name", None, "name the fault")
    try:
        return Fault(**given)
    except ConfigError as error:
        raise ConfigError(where + error.field, error.value, error.mend) from None
