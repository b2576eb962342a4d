"""The brain's authority: halved at each violation, doubled after each clean stretch. Pure; times are monotonic ns.

Source: SPEC.md 5, "the greedy brain".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.clock import NS_PER_S

WHOLE: Final = Decimal(100)
SMALLEST: Final = WHOLE / 64
"""A floor, so that clean time can bring it back; the minimum of the instrument refuses less anyway."""


class Authority:
    """Share of the largest order that the brain may use, percent: 100, 50, 25, ..."""

    def __init__(self, recovery_s: float) -> None:
        self._recovery_ns = int(recovery_s * NS_PER_S)
        self._pct = WHOLE
        self._since_ns = 0

    def violated(self, now_ns: int) -> Decimal:
        """An order broke a limit of size. Returns what is left."""
        self._pct, self._since_ns = max(SMALLEST, self.pct(now_ns) / 2), now_ns
        return self._pct

    def pct(self, now_ns: int) -> Decimal:
        """What the brain has now, percent."""
        while self._pct < WHOLE and now_ns - self._since_ns >= self._recovery_ns:
            self._pct, self._since_ns = min(WHOLE, self._pct * 2), self._since_ns + self._recovery_ns
        return self._pct

    def recovery(self, seconds: float) -> None:
        """Another length of the clean stretch."""
        self._recovery_ns = int(seconds * NS_PER_S)
