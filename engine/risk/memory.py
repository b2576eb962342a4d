"""What the limits must remember over restarts and no fill can tell: opening equity, peak, and the latched throttle."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from schemas.whole_file import write_whole


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """`day`: number of the day (ledger.py) that `opening` belongs to; `latched`: why new risk waits for a re-arm."""

    day: int = 0
    opening: Decimal | None = None
    peak: Decimal | None = None
    latched: str = ""


class RiskMemory:
    """One small file, written anew each time.

    `recalled`: what it said at the start; `problem`: what was wrong with it; `written`: what is on disk now.
    A file that cannot be read is kept aside, and new risk waits for the operator: what is unknown is refused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""
        self.recalled = self._read()
        self.written = Remembered() if self.problem else self.recalled

    def _read(self) -> Remembered:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Remembered)
            for money in (found.opening, found.peak):
                if money is not None and not money.is_finite():
                    raise msgspec.ValidationError(f"an equity of {money}")
            return found
        except FileNotFoundError:
            return Remembered()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.problem = f"{self._path}: {error}; {self._keep_aside()}, new risk waits for `sovereign rearm`"
            return Remembered(latched="what the limits remembered was unreadable")

    def _keep_aside(self) -> str:
        aside = self._path.with_suffix(".broken")
        try:
            if self._path.is_file():
                self._path.replace(aside)
        except OSError as error:
            return f"it cannot be kept aside ({error.strerror})"
        return f"kept as {aside.name}"

    def write(self, value: Remembered) -> None:
        """Remember this; nothing is done when it is the same. Raises: OSError."""
        if value == self.written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, msgspec.json.encode(value), durable=True)
        self.written = value
