"""A flood of messages: in order, all of them, a millisecond a turn, and not more in memory than is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.venue.turns import MOST_WAITING, SHARE_NS, Turns
from schemas.clock import Clock

COST_NS = SHARE_NS // 4


class SteppedClock(Clock):
    """Moves only when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 10**12

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return self.now_ns


class Scene:
    """Messages cost `COST_NS` each; `turns` is what was handled in each turn of the loop."""

    def __init__(self, breaks_at: bytes = b"") -> None:
        self.clock = SteppedClock()
        self.turns: list[list[bytes]] = [[]]
        self.reading: list[bool] = []
        self.failed = 0
        self.breaks_at = breaks_at
        self.subject = Turns(self._handle, reading=self.reading.append, failed=self._fail, clock=self.clock)

    def _handle(self, message: bytes) -> None:
        if message == self.breaks_at:
            raise ArithmeticError(message)
        self.turns[-1].append(message)
        self.clock.now_ns += COST_NS

    def _fail(self) -> None:
        self.failed += 1

    def take(self, *messages: bytes) -> None:
        for message in messages:
            self.subject.take(message, self.clock.now_ns)

    async def turn(self) -> None:
        self.turns.append([])
        await asyncio.sleep(0)

    @property
    def handled(self) -> list[bytes]:
        return [message for turn in self.turns for message in turn]


def played(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def numbers(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_a_message_that_comes_alone_is_handled_where_it_came() -> None:
    async def story() -> None:
        here = Scene()
        for message in numbers(50):
            here.take(message)
            assert here.handled[-1] == message
            here.clock.now_ns += 50_000

    played(story)


def test_a_flood_has_a_millisecond_a_turn_and_stays_in_order() -> None:
    async def story() -> None:
        here = Scene()
        sent = numbers(40)
        here.take(*sent)
        assert here.handled == sent[:5]
        while here.handled != sent:
            await here.turn()
        assert max(map(len, here.turns)) <= 5
        here.clock.now_ns += 50_000
        here.take(b"alone")
        assert here.handled[-1] == b"alone"

    played(story)


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 50_000)), max_size=20))
def test_whatever_comes_when_nothing_is_lost_or_overtaken(bursts: list[tuple[int, bool, int]]) -> None:
    async def story() -> None:
        here = Scene()
        sent: list[bytes] = []
        for count, turns, pause_ns in bursts:
            some = [b"%d" % (len(sent) + number) for number in range(count)]
            sent += some
            here.take(*some)
            if turns:
                await here.turn()
            here.clock.now_ns += pause_ns
        while len(here.handled) < len(sent):
            await here.turn()
        assert here.handled == sent

    played(story)


def test_what_waits_is_bounded_by_not_reading_on_and_reading_goes_on_when_it_is_done() -> None:
    async def story() -> None:
        here = Scene()
        sent = numbers(5 + MOST_WAITING - 1)
        here.take(*sent)
        assert here.reading == []
        here.take(b"one more", b"and one")
        assert here.reading == [False]
        while len(here.handled) < len(sent) + 2:
            assert here.reading == [False]
            await here.turn()
        assert here.reading == [False, True]

    played(story)


def test_at_the_end_of_the_connection_all_that_waits_is_told_at_once_and_once() -> None:
    async def story() -> None:
        here = Scene()
        sent = numbers(30)
        here.take(*sent)
        here.subject.flush()
        assert here.handled == sent
        await here.turn()
        assert here.handled == sent

    played(story)


def test_a_message_that_nobody_can_handle_ends_the_connection_in_a_later_turn_as_it_does_in_the_first() -> None:
    async def story() -> None:
        here = Scene(breaks_at=b"20")
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
        here.take(*numbers(30))
        for _ in range(20):
            await here.turn()
        assert here.handled == numbers(20)
        assert (here.failed, [type(error) for error in told]) == (1, [ArithmeticError])
        with pytest.raises(ArithmeticError):
            here.take(b"20")

    played(story)
