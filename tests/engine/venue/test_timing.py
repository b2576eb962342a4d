"""The venue's clock beside ours: how far it is, how certain that is, and what is still done while they differ."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.faults.switchboard import Fault
from engine.risk.trading_state import CauseName
from engine.venue.answers import VenueError, VenueRefused, VenueUnknown
from engine.venue.rest import Rest
from engine.venue.timing import ClockWatch
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import OrderAck, OrderReject, RejectCode, Side
from tests.support.clock import ManualClock
from tests.support.trader import Trader, in_laboratory
from tests.support.virtual import LoopClock, run_virtually


class FakeRest:
    """A venue whose clock is `ahead_ms` of ours, and whose question and answer take their time."""

    def __init__(self, clock: ManualClock, *, ahead_ms: int = 0, there_ms: float = 0, back_ms: float = 0) -> None:
        self._clock, self.ahead_ms, self.there_ms, self.back_ms = clock, ahead_ms, there_ms, back_ms
        self.skew_ns = 0
        self.fails = False

    async def server_time_ms(self) -> int:
        self._clock.advance(ms=self.there_ms)
        if self.fails:
            raise VenueUnknown("/public/time", "", "no answer")
        told = self._clock.wall_ns() // NS_PER_MS + self.ahead_ms
        self._clock.advance(ms=self.back_ms)
        return told


def watch(clock: ManualClock, rest: FakeRest) -> ClockWatch:
    return ClockWatch(rest=cast(Rest, rest), clock=clock, on_change=lambda: None)


def test_nothing_is_known_before_the_first_answer_nor_after_a_minute_without_one() -> None:
    clock = ManualClock()
    rest = FakeRest(clock, ahead_ms=250)
    watched = watch(clock, rest)
    assert watched.offset_ns() is None
    asyncio.run(watched.measure())
    assert watched.offset_ns() == rest.skew_ns == 250 * NS_PER_MS
    clock.advance(s=60)
    assert watched.offset_ns() == 250 * NS_PER_MS
    clock.advance(ms=1)
    assert watched.offset_ns() is None
    assert rest.skew_ns == 250 * NS_PER_MS  # the best guess for what is signed
    asyncio.run(watched.measure())
    assert watched.offset_ns() == 250 * NS_PER_MS


@given(st.integers(-3_600_000, 3_600_000), st.floats(0, 1_000), st.floats(0, 1_000))
def test_the_error_is_at_most_half_the_round_trip(ahead_ms: int, there_ms: float, back_ms: float) -> None:
    clock = ManualClock()
    watched = watch(clock, FakeRest(clock, ahead_ms=ahead_ms, there_ms=there_ms, back_ms=back_ms))
    asyncio.run(watched.measure())
    offset_ns = watched.offset_ns()
    assert offset_ns is not None
    assert abs(offset_ns - ahead_ms * NS_PER_MS) <= (there_ms + back_ms) / 2 * NS_PER_MS + NS_PER_MS


def test_an_answer_that_took_too_long_tells_nothing() -> None:
    clock = ManualClock()
    rest = FakeRest(clock, ahead_ms=100)
    watched = watch(clock, rest)
    asyncio.run(watched.measure())
    rest.ahead_ms, rest.back_ms = 9_000, 2_001
    asyncio.run(watched.measure())
    assert (watched.offset_ns(), rest.skew_ns) == (100 * NS_PER_MS, 100 * NS_PER_MS)
    rest.fails = True
    with pytest.raises(VenueError):
        asyncio.run(watched.measure())
    assert watched.offset_ns() == 100 * NS_PER_MS


def test_a_venue_that_does_not_answer_is_asked_each_second_and_else_every_ten() -> None:
    async def scene(clock: LoopClock) -> None:
        asked: list[float] = []

        class Failing:
            skew_ns = 0

            async def server_time_ms(self) -> int:
                asked.append(clock.monotonic_ns() / NS_PER_S - 1_000)
                if len(asked) < 4:
                    raise VenueUnknown("/public/time", "", "no answer")
                return clock.wall_ns() // NS_PER_MS

        watched = ClockWatch(rest=cast(Any, Failing()), clock=clock, on_change=lambda: None)
        task = asyncio.ensure_future(watched.run())
        await asyncio.sleep(25)
        task.cancel()
        assert [round(at) for at in asked] == [0, 1, 2, 3, 13, 23]

    run_virtually(scene)


class DriftingVenue:
    """A venue whose clock drifts to `ahead_ms` of ours, or that does not answer (None)."""

    def __init__(self, clock: LoopClock, ahead_ms: int | None) -> None:
        self._clock, self.ahead_ms = clock, ahead_ms
        self.skew_ns = 0
        self.asked: list[float] = []

    async def server_time_ms(self) -> int:
        self.asked.append(self._clock.monotonic_ns() / NS_PER_S)
        if self.ahead_ms is None:
            raise VenueUnknown("/public/time", "", "no answer")
        return self._clock.wall_ns() // NS_PER_MS + self.ahead_ms

    def gaps(self) -> list[float]:
        return [round(after - before, 3) for before, after in pairwise(self.asked)]


def test_a_clock_that_is_right_is_asked_for_every_10_s_and_one_that_is_off_every_second() -> None:
    async def life(clock: LoopClock) -> None:
        venue = DriftingVenue(clock, 20)
        watched = ClockWatch(rest=cast(Any, venue), clock=clock, on_change=lambda: None)
        running = asyncio.ensure_future(watched.run())
        await asyncio.sleep(25)
        assert venue.gaps() == [10, 10]
        venue.ahead_ms = 5_000
        await asyncio.sleep(8.5)
        assert watched.offset_ns() == venue.skew_ns == 5_000 * NS_PER_MS
        assert venue.gaps() == [10, 10, 10, 1, 1, 1]
        venue.ahead_ms = -20
        await asyncio.sleep(12)
        assert watched.offset_ns() == -20 * NS_PER_MS
        assert venue.gaps()[-2:] == [1, 10]
        running.cancel()

    run_virtually(life)


@pytest.mark.parametrize("offset_ms", [5_000, -5_000])
def test_while_the_clocks_differ_new_risk_is_refused_and_the_rest_goes_on(tmp_path: Path, offset_ms: int) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        life = lab.life
        assert life is not None
        await trader.told(Side.BUY, "2")
        await trader.told(Side.BUY, "1", away=50)
        lab.faults.arm(Fault(name="clock_skew", offset_ms=offset_ms))
        watched = life.trading.clock_watch
        await lab.until(lambda: abs(watched.offset_ns() or 0) > NS_PER_S, within_s=12)
        assert abs((watched.offset_ns() or 0) - offset_ms * NS_PER_MS) <= 2 * NS_PER_MS
        canceled = await trader.cancel_last()
        said = await trader.told(Side.BUY)
        assert isinstance(said, OrderReject)
        assert (said.code, said.rule, said.limit) == (RejectCode.CLOCK_SKEW, "clock_offset", "1000 ms")
        assert canceled == (True, "cancel sent")
        assert isinstance(await trader.told(Side.SELL, "1", reduce_only=True), OrderAck)
        life.trading.ask_anew()
        await lab.until(life.trading.reconciled.is_set, within_s=5)
        assert not life.causes.stands(CauseName.RECONCILING)
        assert (lab.held, life.trading.account.contracts) == (100, Decimal(1))
        assert life.trading.orders.working() == []
        lab.faults.clear(None)
        await lab.until(lambda: abs(watched.offset_ns() or 0) < NS_PER_S, within_s=12)
        assert isinstance(await trader.told(Side.BUY), OrderAck)
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act)


def test_an_engine_that_starts_beside_a_skewed_venue_reconciles_and_waits(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, "2")
        await lab.crash()
        lab.faults.arm(Fault(name="clock_skew", offset_ms=20_000))
        life = await lab.armed()
        await asyncio.sleep(2)
        said = await trader.told(Side.BUY)
        assert isinstance(said, OrderReject)
        assert said.code is RejectCode.CLOCK_SKEW
        assert (life.trading.account.contracts, lab.uncovered()) == (Decimal(2), 0)

    in_laboratory(tmp_path, act)


@pytest.mark.parametrize("offset_ms", [45_000, -45_000])
def test_a_venue_that_refuses_our_time_is_asked_for_its_own_at_once(tmp_path: Path, offset_ms: int) -> None:
    """A laptop that wakes up: until its clock is known anew no signed call passes, and none of a halt either."""

    async def act(trader: Trader) -> None:
        lab = trader.lab
        life = lab.life
        assert life is not None
        await asyncio.sleep(3)
        lab.faults.arm(Fault(name="clock_skew", offset_ms=offset_ms))
        with pytest.raises(VenueRefused, match="50102"):
            await life.rest.pending("BTC-USDT-SWAP")
        await asyncio.sleep(0.5)
        assert await life.rest.pending("BTC-USDT-SWAP") == []
        assert life.trading.clock_watch.offset_ns() is not None

    in_laboratory(tmp_path, act)
