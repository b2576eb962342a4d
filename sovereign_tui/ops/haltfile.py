"""`<runtime>/HALT`: a HALT that outlives every process. A running engine finds it within milliseconds.

Written by ops before it publishes a HALT, and by `sovereign halt` when no ops answers; removed when a resume succeeds.
Imports nothing heavy: the kill switch loads it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.printable import printable
from schemas.whole_file import write_whole

HAND: Final = "haltfile"
"""The id of a HALT that somebody made by hand, and of one whose id is none: the engine calls it so, too."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_REASON: Final = 500
_LONGEST_ISSUER: Final = 100
"""Characters: the engine reads 4 KiB."""
UNREADABLE: Final = "unreadable"
"""The id of a HALT whose file is there, and cannot be read."""
_SIZE: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingHalt:
    """What the file says."""

    id: str
    issuer: str
    reason: str


def new_id() -> str:
    """A halt's id: short enough to be typed for a resume."""
    return secrets.token_hex(4)


def path_in(runtime: Path) -> Path:
    """Where the file lies."""
    return runtime / "HALT"


def read(runtime: Path) -> StandingHalt | None:
    """The standing HALT; None if there is no file. A file that cannot be read is a HALT too, of the id "unreadable"."""
    try:
        content = _content(path_in(runtime))
    except FileNotFoundError:
        return None
    except OSError as error:
        return StandingHalt(id=UNREADABLE, issuer="", reason=f"the HALT file cannot be read ({error})")
    try:
        found = json.loads(content)
        id_, issuer, reason = (str(found[name]) for name in ("id", "issuer", "reason"))
    except (ValueError, KeyError, TypeError, RecursionError):  # written by hand: `touch HALT` halts
        return StandingHalt(id=HAND, issuer="", reason="a HALT file that somebody made by hand")
    return StandingHalt(
        id=id_ if _ID.fullmatch(id_) else HAND, issuer=printable(issuer[:_LONGEST_ISSUER]),
        reason=printable(reason[:_LONGEST_REASON]),
    )  # fmt: skip


def _content(path: Path) -> bytes:
    """Not more than what may be meant for us, and of a pipe without waiting for its writer. Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SIZE)
    finally:
        os.close(descriptor)


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
