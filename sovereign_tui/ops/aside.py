"""Work beside the loop: writing in a thread that may hang, and telling no more often than somebody can look."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

_T = TypeVar("_T")


async def aside(work: Callable[[], None], name: str) -> None:
    """Has it done in a daemon thread: one that a disk holds up must not keep the process from its end.

    Raises: OSError, if `work` does.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def end(error: OSError | None) -> None:
        if done.done():  # whoever waited has gone
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failed: OSError | None = None
        try:
            work()
        except OSError as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end, failed)

    Thread(target=run, name=name, daemon=True).start()
    await done


class Spaced(Generic[_T]):
    """Hands on what it is called with: at once, but after that nothing for `every_s`, and then the newest alone."""

    def __init__(self, hand_on: Callable[[_T], None], every_s: float) -> None:
        self._hand_on, self._every_s = hand_on, every_s
        self._waiting: list[_T] = []
        self._pause: asyncio.TimerHandle | None = None

    def __call__(self, value: _T) -> None:
        """Only on the loop."""
        if self._pause is not None:
            self._waiting[:] = [value]
            return
        self._pause = asyncio.get_running_loop().call_later(self._every_s, self._go_on)
        self._hand_on(value)

    def _go_on(self) -> None:
        self._pause = None
        if self._waiting:
            self(self._waiting.pop())
