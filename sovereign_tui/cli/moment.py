"""A moment as the operator types it: a date, a time of today, or how long ago. UTC. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from schemas.clock import NS_PER_S

_AGO: Final = re.compile(r"-([0-9]+(?:\.[0-9]+)?)([smhd])\Z")
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?\Z")


class BadMoment(ValueError):
    """A text that is no moment."""


def moment_ns(text: str, now_ns: int) -> int:
    """Wall ns of `2026-11-21T13:00:05`, `13:00` (today) or `-10m` (before now). Raises: BadMoment."""
    if match := _AGO.match(text):
        ago_s = float(match[1]) * _UNITS_S[match[2]]
        return now_ns - int(min(ago_s * NS_PER_S, now_ns))
    today = datetime.fromtimestamp(now_ns // NS_PER_S, UTC).date().isoformat()
    try:
        whole = f"{today}T{'0' if text[1] == ':' else ''}{text}" if _TIME.match(text) else text
        found = datetime.fromisoformat(whole)
    except ValueError:
        raise BadMoment(f"{text!r} is no moment; give one like 2026-11-21T13:00:05, 13:00 or -10m") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return int(found.replace(microsecond=0).timestamp()) * NS_PER_S + found.microsecond * 1_000
