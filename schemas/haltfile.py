"""`<runtime>/HALT`: a HALT that outlives every process. A running engine finds it within milliseconds.

Written by ops before it publishes a HALT, and by `sovereign halt` when no ops answers; removed when a resume succeeds.
Engine and ops read it with the same eyes. Imports nothing heavy: the kill switch loads it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.printable import printable
from schemas.whole_file import write_whole

HAND: Final = "haltfile"
"""The id of a HALT that somebody made by hand, and of one whose id is none."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_REASON: Final = 500
_LONGEST_ISSUER: Final = 100
"""Characters: the engine reads 4 KiB."""
UNREADABLE: Final = "unreadable"
"""The id of a HALT whose file is there, and cannot be read."""
_SIZE: Final = 65_536
_LATEST_NS: Final = 2**63
"""No time is as late as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingHalt:
    """What the file says. `wall_ns` since 1970 UTC, `mono_ns` the machine's monotonic clock; 0: it does not say."""

    id: str
    issuer: str
    reason: str
    wall_ns: int = field(default=0, compare=False)
    mono_ns: int = field(default=0, compare=False)


def new_id() -> str:
    """A halt's id: short enough to be typed for a resume."""
    return secrets.token_hex(4)


def path_in(runtime: Path) -> Path:
    """Where the file lies."""
    return runtime / "HALT"


def read(runtime: Path) -> StandingHalt | None:
    """The standing HALT of a runtime directory; None if there is no file."""
    return read_at(path_in(runtime))


def read_at(path: Path) -> StandingHalt | None:
    """The HALT of this file, whatever is in it: its being there is enough. None if there is none.

    What cannot be read is a HALT too, of the id "unreadable"; what says no id, or none that is one, is of "haltfile".
    """
    try:
        content = beginning(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return StandingHalt(id=UNREADABLE, issuer="", reason=f"the HALT file cannot be read ({error})")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    said = found if isinstance(found, dict) else {}
    return StandingHalt(
        id=fit_id(said.get("id")),
        issuer=printable(str(said.get("issuer") or "")[:_LONGEST_ISSUER]),
        reason=printable(str(said.get("reason") or "a HALT file that somebody made by hand")[:_LONGEST_REASON]),
        wall_ns=fit_time(said.get("wall_ns")),
        mono_ns=fit_time(said.get("mono_ns")),
    )


def beginning(path: Path, size: int = _SIZE) -> bytes:
    """Not more than what may be meant for us, and of a pipe without waiting for its writer. Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def fit_id(said: object) -> str:
    """An id as it was said; "haltfile" for what is none: it names files, and is typed."""
    return said if isinstance(said, str) and _ID.fullmatch(said) else HAND


def known_id(said: object) -> str:
    """An id as it was said; "" for what is none."""
    found = fit_id(said)
    return "" if found == HAND else found


def fit_time(said: object) -> int:
    """A time in ns as it was said; 0 for what is none."""
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 < said < _LATEST_NS else 0


def write(runtime: Path, halt: StandingHalt, mono_ns: int = 0) -> None:
    """Whole or not at all, private. `mono_ns`: when it was asked for, 0: now. Raises: OSError."""
    path = path_in(runtime)
    content = {
        "id": halt.id, "issuer": halt.issuer[:_LONGEST_ISSUER], "reason": halt.reason[:_LONGEST_REASON],
        "wall_ns": time.time_ns(), "mono_ns": mono_ns or time.monotonic_ns(),
    }  # fmt: skip
    write_whole(path, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def remove(runtime: Path) -> None:
    """Idempotent. Raises: OSError."""
    path_in(runtime).unlink(missing_ok=True)
