"""How many messages a websocket may send: 480 subscribe, unsubscribe and login in an hour (FACTS 3). Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

MESSAGES_MAX: Final = 480
_HOUR_NS: Final = 3_600_000_000_000


class Budget:
    """The messages of one connection. Monotonic times are given."""

    def __init__(self) -> None:
        self._spent: deque[int] = deque()
        self._warned = False

    def spend(self, now_ns: int) -> str:
        """For one more message: "" if it may be served, "refuse" for the first too many, then "close"."""
        while self._spent and now_ns - self._spent[0] >= _HOUR_NS:
            self._spent.popleft()
        if len(self._spent) < MESSAGES_MAX:
            self._warned = False
            self._spent.append(now_ns)
            return ""
        if self._warned:
            return "close"
        self._warned = True
        return "refuse"
