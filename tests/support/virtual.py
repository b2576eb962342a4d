"""Time that jumps: an event loop whose clock moves to the next timer as soon as there is nothing else to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from schemas.clock import NS_PER_S

WALL_NS = 1_721_347_020 * NS_PER_S


class _Jumping(selectors.SelectSelector):
    """Does not wait: what would have been waited for is added to the clock."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing will ever happen again"
            self._jump(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at 1,000 s; a day of it takes as long as its work."""

    def __init__(self) -> None:
        self._now_s = 1_000.0
        super().__init__(_Jumping(self._jump))

    def _jump(self, seconds: float) -> None:
        self._now_s += seconds

    def time(self) -> float:
        return self._now_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Does it on the loop: time would run away beside a thread."""

        async def work() -> Any:
            return func(*args)

        return self.create_task(work())


class LoopClock:
    """The clock of a virtual loop, as the engine and the exchange want it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def wall_ns(self) -> int:
        return WALL_NS + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(self._loop.time() * NS_PER_S)


def run_virtually(work: Callable[[LoopClock], Any]) -> Any:
    """The result of the coroutine that `work` makes, on a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work(LoopClock(loop)))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
