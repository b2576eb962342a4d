"""What a signal asks for is done between two frames of a flood, and by the loop where nothing comes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from engine.urgent import Urgent
from engine.venue.link import Link, LinkPlan
from schemas.clock import SystemClock


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """The signal means afterwards what it meant before."""
    before = signal.getsignal(signal.SIGUSR2)
    yield
    signal.signal(signal.SIGUSR2, before)


def test_a_signal_wakes_the_loop_that_does_the_work_once() -> None:
    async def scene() -> None:
        urgent, done = Urgent(), asyncio.Event()
        calls: list[str] = []

        def work() -> None:
            calls.append("work")
            done.set()

        urgent.on_signal(signal.SIGUSR2, work)
        os.kill(os.getpid(), signal.SIGUSR2)
        async with asyncio.timeout(10):
            await done.wait()
        await asyncio.sleep(0)
        assert (calls, urgent.due) == (["work"], [])

    asyncio.run(scene())


def test_it_is_done_between_two_frames_and_not_again_by_the_loop() -> None:
    async def scene() -> None:
        urgent, done = Urgent(), list[str]()

        def on_frame(payload: bytes) -> None:
            done.append(payload.decode())
            if payload == b"2":
                signal.raise_signal(signal.SIGUSR2)
                done.append("end of 2")

        link = Link(
            LinkPlan(name="public", url="ws://nowhere", subscriptions=()), on_frame=on_frame,
            on_state=lambda up, why: None, clock=SystemClock(), venue_wall_ns=lambda: 0, urgent=urgent,
        )  # fmt: skip
        urgent.on_signal(signal.SIGUSR2, lambda: done.append("work"))
        connection = link._connection()
        for payload in (b"1", b"2", b"3"):
            connection._take(payload)
        assert done == ["1", "2", "end of 2", "work", "3"]
        for _ in range(3):
            await asyncio.sleep(0)
        assert done.count("work") == 1

    asyncio.run(scene())


def test_work_that_fails_keeps_no_other_from_being_done() -> None:
    async def scene() -> None:
        urgent, done = Urgent(), list[str]()

        def fail() -> None:
            raise ArithmeticError

        urgent.due += [fail, lambda: done.append("work")]
        with pytest.raises(ArithmeticError):
            urgent.serve()
        urgent.serve()
        assert (done, urgent.due) == (["work"], [])

    asyncio.run(scene())
