"""Receipts of halts, one JSON file each: `<id>.json` for what began the halt, `<id>.<asked>.json` for what came later.

Imports nothing heavy: the kill switch loads it. Signatures are in schemas.signing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.messages import Receipt
from schemas.whole_file import write_whole

_encode = msgspec.json.Encoder(decimal_format="string").encode
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]")


def fields_of(receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON has it."""
    found: dict[str, Any] = json.loads(_encode(receipt))
    return found


def file_of(directory: Path, receipt: Receipt) -> Path:
    """Where it is kept; an id that somebody wrote by hand leads nowhere else."""
    names = [receipt.id, *([receipt.asked] if receipt.asked not in {"", receipt.id} else [])]
    return directory / (".".join(_UNFIT.sub("_", name)[:64] for name in names) + ".json")


def keep(directory: Path, receipt: Receipt) -> None:
    """Write it, whole. Raises: OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(file_of(directory, receipt), _encode(receipt))


def kept(path: Path) -> dict[str, Any] | None:
    """The fields of a kept receipt; None: there is none, or it is damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
