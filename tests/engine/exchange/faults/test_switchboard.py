"""When a fault strikes, how often, and that the seed alone decides it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.config import ConfigError
from engine.exchange.faults.catalogue import CATALOGUE
from engine.exchange.faults.switchboard import Fault, Switchboard
from tests.support.clock import ManualClock


def board(*faults: Fault, seed: int = 7) -> tuple[Switchboard, ManualClock]:
    clock = ManualClock()
    faults_of_it = Switchboard(seed, clock)
    faults_of_it.arm_all(faults)
    return faults_of_it, clock


def test_a_fault_strikes_as_often_as_it_was_told_and_is_then_disarmed() -> None:
    faults, _ = board(Fault(name="ack_lost", times=2))
    assert [faults.strikes("ack_lost") is not None for _ in range(4)] == [True, True, False, False]
    assert (faults.armed(), faults.injected()) == ([], {"ack_lost": 2})


def test_what_is_left_of_a_fault_is_shown_and_other_names_do_not_touch_it() -> None:
    faults, _ = board(Fault(name="ack_lost", times=3, call="trade/order"), Fault(name="push_lost"))
    faults.strikes("ack_lost")
    assert faults.strikes("rate_limited") is None
    assert faults.armed() == [Fault(name="ack_lost", times=2, call="trade/order"), Fault(name="push_lost")]


def test_a_fault_waits_until_its_time_after_arming() -> None:
    faults, clock = board(Fault(name="ack_lost", times=1, after_ms=100))
    clock.advance(ms=99)
    assert faults.strikes("ack_lost") is None
    clock.step_wall(s=3600)
    assert faults.strikes("ack_lost") is None
    clock.advance(ms=1)
    assert faults.strikes("ack_lost") == Fault(name="ack_lost", times=1, after_ms=100)


def test_clearing_ends_what_would_strike_until_then_and_keeps_the_count() -> None:
    faults, _ = board(Fault(name="ack_lost"), Fault(name="push_lost"), Fault(name="clock_skew"))
    assert all(faults.strikes("ack_lost") for _ in range(5))
    faults.clear("ack_lost")
    assert (faults.strikes("ack_lost"), faults.is_armed("push_lost")) == (None, True)
    faults.clear(None)
    assert (faults.armed(), faults.injected()) == ([], {"ack_lost": 5})
    with pytest.raises(ConfigError, match="name: 'ack'"):
        faults.clear("ack")


def test_a_fault_that_is_not_meant_for_the_occasion_is_not_consumed() -> None:
    faults, _ = board(Fault(name="ack_lost", times=1, call="trade/cancel-order"), Fault(name="ack_lost", times=1))
    struck = [faults.strikes("ack_lost", lambda f: f.strikes_call("POST", "trade/order")) for _ in range(2)]
    assert struck == [Fault(name="ack_lost", times=1), None]
    assert faults.armed() == [Fault(name="ack_lost", times=1, call="trade/cancel-order")]


def test_a_lasting_fault_strikes_once_and_holds_until_it_is_cleared() -> None:
    faults, clock = board(Fault(name="clock_skew", offset_ms=5), Fault(name="clock_skew", offset_ms=-7, after_ms=10))
    assert [faults.skew_ms() for _ in range(3)] == [5, 5, 5]
    clock.advance(ms=10)
    assert (faults.skew_ms(), faults.injected()) == (-7, {"clock_skew": 2})
    faults.clear("clock_skew")
    assert faults.skew_ms() == 0


def test_a_lasting_fault_throws_its_dice_once() -> None:
    faults, _ = board(*(Fault(name="clock_skew", probability=0.5) for _ in range(200)))
    faults.skew_ms()
    held = {faults.skew_ms() for _ in range(50)}
    assert held == {5000}
    never, _ = board(Fault(name="clock_skew", probability=0))
    assert (never.skew_ms(), never.armed()) == (0, [])


def test_no_more_than_a_thousand_can_be_armed_and_a_list_is_armed_whole_or_not_at_all() -> None:
    faults, _ = board(*(Fault(name="push_lost") for _ in range(999)))
    with pytest.raises(ConfigError, match="at most 1000"):
        faults.arm_all([Fault(name="ack_lost"), Fault(name="ack_lost")])
    assert len(faults.armed()) == 999


OCCASIONS = sorted(set(CATALOGUE) - {"clock_skew"})
armed = st.lists(
    st.builds(
        Fault,
        name=st.sampled_from(OCCASIONS),
        times=st.none() | st.integers(1, 3),
        probability=st.floats(0, 1),
        after_ms=st.integers(0, 50),
    ),
    max_size=6,
)
asked = st.lists(st.tuples(st.sampled_from(OCCASIONS), st.integers(0, 20)), max_size=60)


@given(st.integers(0, 2**63 - 1), armed, asked, st.sets(st.sampled_from(OCCASIONS)))
def test_the_same_seed_gives_the_same_strikes_whatever_else_is_asked(
    seed: int, faults: list[Fault], occasions: list[tuple[str, int]], also: set[str]
) -> None:
    def strikes(noise: set[str]) -> list[Fault | None]:
        (switchboard, clock), struck = board(*faults, seed=seed), []
        names = {name for name, _ in occasions}
        for name, ms in occasions:
            clock.advance(ms=ms)
            struck.append(switchboard.strikes(name))
            for other in noise - names:
                switchboard.strikes(other)
        return struck

    once = strikes(set())
    assert once == strikes(set()) == strikes(also)
    for fault in faults:
        same = [f for f in faults if f.name == fault.name]
        if all(f.times is not None for f in same):
            assert sum(s is not None and s.name == fault.name for s in once) <= sum(f.times or 0 for f in same)


def test_another_seed_gives_other_strikes_near_the_probability() -> None:
    runs: list[list[bool]] = []
    for seed in (1, 2):
        faults, _ = board(Fault(name="ack_lost", probability=0.3), seed=seed)
        runs.append([faults.strikes("ack_lost") is not None for _ in range(1000)])
    assert runs[0] != runs[1]
    assert all(250 < sum(run) < 350 for run in runs)


@pytest.mark.parametrize(
    ("given_fields", "field"),
    [
        ({"name": "acklost"}, "name"),
        ({"name": ["ack_lost"]}, "name"),
        ({"name": "ack_lost", "times": 0}, "times"),
        ({"name": "ack_lost", "times": True}, "times"),
        ({"name": "ack_lost", "times": 1.0}, "times"),
        ({"name": "ack_lost", "probability": 1.01}, "probability"),
        ({"name": "ack_lost", "probability": float("nan")}, "probability"),
        ({"name": "ack_lost", "probability": "1"}, "probability"),
        ({"name": "ack_lost", "after_ms": -1}, "after_ms"),
        ({"name": "ack_lost", "delay_ms": 5}, "delay_ms"),
        ({"name": "ack_lost", "call": 5}, "call"),
        ({"name": "slow_answer", "delay_ms": 600_001}, "delay_ms"),
        ({"name": "order_timeout", "executed": 1}, "executed"),
        ({"name": "partial_fills", "share": 1}, "share"),
        ({"name": "clock_skew", "times": 1}, "times"),
        ({"name": "clock_skew", "offset_ms": 3_600_001}, "offset_ms"),
        ({"name": "not_found", "lookups": 0}, "lookups"),
    ],
)
def test_a_fault_that_cannot_be_names_field_value_and_mend(given_fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Fault(**given_fields)
    assert (caught.value.field, caught.value.value is given_fields[field]) == (field, True)
    assert caught.value.mend
