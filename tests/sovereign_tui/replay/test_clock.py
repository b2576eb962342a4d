from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovereign_tui.replay.clock import SPEEDS, ReplayClock
from tests.support.clock import ManualClock

FIRST, LAST, WALL = 1_000, 90_000_000_000, 7_000_000_000_000


def _clock() -> tuple[ReplayClock, ManualClock]:
    real = ManualClock()
    return ReplayClock(real, first_ns=FIRST, last_ns=LAST, wall_of=lambda at_ns: at_ns + WALL), real


def test_it_stands_until_it_is_played_and_at_the_end() -> None:
    clock, real = _clock()
    real.advance(s=3)
    assert (clock.monotonic_ns(), clock.wall_ns(), clock.playing) == (FIRST, FIRST + WALL, False)
    clock.play()
    real.advance(ns=500)
    assert clock.monotonic_ns() == FIRST + 500
    clock.pause()
    real.advance(s=3)
    assert clock.monotonic_ns() == FIRST + 500
    clock.move(LAST + 5)
    clock.play()
    real.advance(s=3)
    assert clock.monotonic_ns() == LAST


def test_where_the_end_moves_on_it_goes_with_it_from_where_it_stood() -> None:
    clock, real = _clock()
    clock.move(LAST)
    clock.play()
    real.advance(s=100)
    clock.last_ns = LAST + 500
    assert clock.monotonic_ns() == LAST
    real.advance(ns=200)
    assert clock.monotonic_ns() == LAST + 200
    clock.last_ns = LAST  # an end never comes nearer
    assert clock.last_ns == LAST + 500


def test_a_speed_that_there_is_not_is_refused_by_name() -> None:
    clock, _ = _clock()
    with pytest.raises(ValueError, match=r"speed 3: give one of 0.25, 0.5, 1, 2, 5, 10, 30, 60"):
        clock.speed = 3
    clock.speed = 60
    clock.faster()
    assert clock.speed == 60.0
    for _ in SPEEDS:
        clock.slower()
    assert clock.speed == 0.25


_ACTS = st.one_of(
    st.tuples(st.just("advance"), st.integers(0, 10_000_000_000)),
    st.tuples(st.just("speed"), st.sampled_from(SPEEDS)),
    st.tuples(st.sampled_from(("play", "pause")), st.none()),
)


@given(st.lists(_ACTS, max_size=30))
def test_it_moves_by_the_real_time_times_the_speed_and_by_nothing_else(acts: list[tuple[str, float]]) -> None:
    clock, real = _clock()
    expected, speed, playing = float(FIRST), 1.0, False
    for act, value in acts:
        before = clock.monotonic_ns()
        if act == "advance":
            real.advance(ns=int(value))
            expected = min(expected + value * speed * playing, LAST)
        elif act == "speed":
            clock.speed = speed = value
        else:
            getattr(clock, act)()
            playing = act == "play"
        assert FIRST <= before <= clock.monotonic_ns() <= LAST
        assert act == "advance" or clock.monotonic_ns() == before
        assert abs(clock.monotonic_ns() - expected) <= len(acts)
