"""The one clock protocol: wall time for people and venues, monotonic time for durations."""

from __future__ import annotations

import time
from typing import Final, Protocol

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""macOS's CLOCK_MONOTONIC goes on in sleep, Python's time.monotonic does not."""


class Clock(Protocol):
    """Where a part reads the time. Injected, so that a test can hold it still."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970 UTC. May step; never subtract two of them to get a duration."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start, shared by all processes of this machine, never going back."""
        ...


def boot_ns() -> int:
    """Nanoseconds since the boot of this machine, the time that it slept included (on Linux and macOS)."""
    return time.clock_gettime_ns(_BOOT)


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    wall_ns = staticmethod(time.time_ns)
    """Nanoseconds since 1970 UTC."""
    monotonic_ns = staticmethod(time.monotonic_ns)
    """Nanoseconds of the machine's monotonic clock. Both without a frame of Python around them: the hot path asks."""
