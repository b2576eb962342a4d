"""What is done beside the loop: its errors come back, and what is told too often is told as the newest."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sovereign_tui.ops.aside import Spaced, aside


def test_the_work_is_done_in_another_thread_and_its_error_comes_back() -> None:
    where: list[str] = []

    def work() -> None:
        where.append(threading.current_thread().name)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(aside(work, "beside"))
    assert where == ["beside"]


def test_the_first_is_told_at_once_and_of_many_the_newest() -> None:
    async def scenario() -> list[int]:
        told: list[int] = []
        tell = Spaced(told.append, 0.02)
        for number in range(1_000):
            tell(number)
        assert told == [0]
        while len(told) < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        tell(7)
        return told

    assert asyncio.run(scenario()) == [0, 999, 7]
