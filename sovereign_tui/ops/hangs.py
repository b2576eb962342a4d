"""Which process hangs: it runs, and has given no heartbeat for longer than its policy allows.

Only what ops was there to hear counts. When ops itself did not run for a while, or the machine slept, nobody could be
heard: all ages begin anew, before anybody is judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from schemas.clock import NS_PER_S, Clock
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.supervisor import State

FROZEN_NS: Final = 2 * NS_PER_S
"""A turn that comes so much later than the one before, or a sleep of the machine so long, was a freeze."""


def slept_ns() -> int:
    """How long the machine has slept since its start, ns: how far the clock that goes on meanwhile is ahead.

    0 where the system has no two such clocks.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_UPTIME_RAW"):  # macOS: there the other one stands still
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - time.clock_gettime_ns(time.CLOCK_UPTIME_RAW)
    return 0


class HangWatch:
    """Judges all processes at each `look`, several times a second. `pulse_ns(name, pid)`: the last heartbeat."""

    def __init__(
        self,
        *,
        children: Mapping[str, Child],
        pulse_ns: Callable[[str, int], int | None],
        clock: Clock,
        log: Callable[[str, str], None],
        slept: Callable[[], int] = slept_ns,
    ) -> None:
        self._children = children
        self._pulse_ns = pulse_ns
        self._clock = clock
        self._log = log
        self._slept = slept
        self._looked: tuple[int, int] | None = None
        self._anew_ns = 0
        self._since: dict[str, tuple[int, int]] = {}

    def look(self) -> None:
        """Ends what hangs."""
        now_ns = self._clock.monotonic_ns()
        self._notice_freeze(now_ns)
        for child in self._children.values():
            self._judge(child, now_ns)

    def _notice_freeze(self, now_ns: int) -> None:
        slept = self._slept()
        if self._looked is not None:
            frozen_ns = max(now_ns - self._looked[0], slept - self._looked[1])
            if frozen_ns > FROZEN_NS:
                self._anew_ns = now_ns
                self._log("warning", f"ops did not run for {frozen_ns / NS_PER_S:.1f} s; all ages begin anew")
        self._looked = now_ns, slept

    def _judge(self, child: Child, now_ns: int) -> None:
        if child.state is not State.RUNNING:
            self._since.pop(child.name, None)
            return
        limit_ns = child.policy.hang_timeout_ns
        pid, since_ns = self._since.get(child.name, (0, 0))
        if pid != child.pid:
            since_ns = now_ns
            self._since[child.name] = child.pid, now_ns
        heard_ns = max(self._pulse_ns(child.name, child.pid) or 0, since_ns, self._anew_ns)
        if limit_ns and now_ns - heard_ns > limit_ns:
            child.hang(f"gave no heartbeat for {limit_ns / NS_PER_S:g} s")
