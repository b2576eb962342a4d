"""Asking a venue about the operator's keys, in a process of its own that changes nothing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.process import EXIT_FAILED
from sovereign_tui.ops import plan
from sovereign_tui.ops.keyset import Keys

_PATIENCE_S: Final = 90.0
"""More than a request's longest time-out."""


class _Said(msgspec.Struct):
    taken: bool
    problems: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """`taken`: the venue knows the keys. `problems`: what keeps them from trading, one line each with the mend."""

    taken: bool
    problems: tuple[str, ...]
    code: int


def ask_venue(venue: str, keys: Keys) -> KeyCheck:
    """What the venue says to the keys."""
    command = plan.check(venue, keys.variables())
    try:
        done = subprocess.run(
            command.argv, env=command.environment, capture_output=True, timeout=_PATIENCE_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = msgspec.json.decode(done.stdout, type=_Said)
    except (subprocess.TimeoutExpired, OSError, msgspec.DecodeError):
        return KeyCheck(taken=False, problems=("the check of the keys has not answered; try again",), code=EXIT_FAILED)
    return KeyCheck(taken=said.taken, problems=tuple(said.problems), code=done.returncode)
