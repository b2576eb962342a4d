"""cancel-all-after: one countdown per tag; monotonic time is given. Pure.

Source: FACTS 9. A countdown cancels resting orders only; whether OKX also drops algo orders is unconfirmed.
"""

from __future__ import annotations

from typing import Final

MAX_TAGS: Final = 20


class DeadMan:
    """Armed countdowns: tag -> deadline (monotonic ns). The tag "" stands for all orders of the account."""

    def __init__(self) -> None:
        self._deadlines: dict[str, int] = {}

    def arm(self, tag: str, deadline_ns: int) -> bool:
        """Starts a tag's countdown anew. False if that would be one tag too many."""
        if tag not in self._deadlines and len(self._deadlines) >= MAX_TAGS:
            return False
        self._deadlines[tag] = deadline_ns
        return True

    def disarm(self, tag: str) -> None:
        """Stops a tag's countdown, if it runs."""
        self._deadlines.pop(tag, None)

    def expired(self, now_ns: int) -> list[str]:
        """Tags whose countdown has ended; each is told once."""
        over = [tag for tag, deadline in self._deadlines.items() if now_ns >= deadline]
        for tag in over:
            del self._deadlines[tag]
        return over
