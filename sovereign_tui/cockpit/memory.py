"""What a cockpit knows of the last time: screen, layouts and theme, in a file of the data directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from schemas.whole_file import write_whole

FILE: Final = "cockpit.json"
_LONGEST: Final = 64 << 10


def recall(folder: Path) -> dict[str, Any]:
    """What was remembered; nothing where it cannot be read."""
    try:
        with (folder / FILE).open("rb") as file:
            saved = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return saved if isinstance(saved, dict) else {}


def remember(folder: Path, what: dict[str, Any]) -> None:
    """Keeps it for the next time. Raises: OSError."""
    write_whole(folder / FILE, json.dumps(what).encode())
