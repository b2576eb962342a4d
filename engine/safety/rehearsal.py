"""A halt that is only rehearsed: could it be latched now? Looks, answers, and changes nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from engine.safety.halt import LATCH_WITHIN_S
from engine.safety.latch import HaltLatch
from schemas.messages import Signal

_REMEMBERED: Final = 64
"""Ids that were answered: ops says each again until it has heard the answer."""

Answer = Callable[[Signal, bool, str], None]


class Rehearsal:
    """`halt_id` says what stands, `port_open` whether the brain can be heard, `answer` takes the verdict."""

    def __init__(
        self, *, latch: HaltLatch, halt_id: Callable[[], str | None], port_open: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._latch, self._halt_id, self._port_open = latch, halt_id, port_open
        self._answered: deque[str] = deque(maxlen=_REMEMBERED)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="rehearsal")
        self._looking: set[asyncio.Task[None]] = set()

    def on_signal(self, signal: Signal, answer: Answer) -> None:
        """REHEARSE; the same id again is not answered again."""
        if signal.id in self._answered:
            return
        self._answered.append(signal.id)
        task = asyncio.get_running_loop().create_task(self._look(signal, answer))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, signal: Signal, answer: Answer) -> None:
        """In a thread of its own, and in one at most: a disk that stands still must keep neither the latch waiting nor,
        however often it is rehearsed, the journal."""
        try:
            looked = asyncio.get_running_loop().run_in_executor(self._disk, self._latch.problem)
            problem = await asyncio.wait_for(looked, LATCH_WITHIN_S)
        except TimeoutError:
            problem = f"its disk has not answered within {LATCH_WITHIN_S * 1_000:g} ms"
        halt_id = self._halt_id()
        latch = f"the latch could not be written: {problem}" if problem else "the latch can be written"
        stands = f"halt {halt_id} stands" if halt_id is not None else "no halt stands"
        port = "open" if self._port_open() else "closed"
        answer(signal, not problem, f"{latch}; {stands}; the command port is {port}; nothing was changed")
