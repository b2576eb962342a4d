"""OKX's call limits: so many per window of 2 s and key. Pure; monotonic time is given."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

WINDOW_NS: Final = 2_000_000_000


class RateLimiter:
    """Sliding windows. A refused call does not count."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._sums: dict[str, int] = defaultdict(int)

    def admit(self, key: str, limit: int, now_ns: int, *, weight: int = 1, window_ns: int = WINDOW_NS) -> bool:
        """Whether `weight` more calls fit under `limit` within the window that ends now (monotonic ns)."""
        calls = self._calls[key]
        while calls and now_ns - calls[0][0] >= window_ns:
            self._sums[key] -= calls.popleft()[1]
        if self._sums[key] + weight > limit:
            return False
        calls.append((now_ns, weight))
        self._sums[key] += weight
        return True
