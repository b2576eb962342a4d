from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.safety.watches import BrainWatch, Burst, PauseWatch, SilenceWatch
from schemas.messages import Heartbeat

S = 1_000_000_000


def beat(tick: int, decision: int | None = None) -> Heartbeat:
    """As many decisions as ticks, unless said otherwise."""
    decided = tick if decision is None else decision
    return Heartbeat(process="brain", last_tick_sequence=tick, last_decision_sequence=decided, created_ns=0)


def test_a_brain_that_was_never_heard_is_dead() -> None:
    assert BrainWatch(3).dead(10 * S, tick_sequence=1, tick_age_ns=0) == "no heartbeat yet"


def test_a_brain_is_dead_after_three_seconds_of_silence_and_not_before() -> None:
    watch = BrainWatch(3)
    watch.on_heartbeat(beat(5), 10 * S)
    assert watch.dead(13 * S, tick_sequence=5, tick_age_ns=0) == ""
    assert watch.dead(13 * S + 1, tick_sequence=5, tick_age_ns=0) == "no heartbeat for 3.0 s"
    watch.on_heartbeat(beat(6), 14 * S)
    assert watch.dead(14 * S, tick_sequence=6, tick_age_ns=0) == ""


def test_a_brain_that_beats_but_does_not_get_on_while_ticks_flow_is_dead() -> None:
    watch = BrainWatch(3)
    for second in range(4):
        watch.on_heartbeat(beat(7), second * S)
        assert watch.dead(second * S, tick_sequence=100 + second, tick_age_ns=0) == ""
    watch.on_heartbeat(beat(7), 4 * S)
    assert watch.dead(4 * S, tick_sequence=900, tick_age_ns=0) == "alive but stuck at tick 7 for 4.0 s"
    watch.on_heartbeat(beat(8), 5 * S)
    assert watch.dead(5 * S, tick_sequence=950, tick_age_ns=0) == ""


def test_a_brain_is_not_stuck_because_the_feed_was_silent() -> None:
    """It has seen all that there was; of the first tick afterwards it tells with its next heartbeat."""
    watch = BrainWatch(3)
    for second in range(20):
        watch.on_heartbeat(beat(7), second * S)
        assert watch.dead(second * S, tick_sequence=7, tick_age_ns=second * S) == ""
    assert watch.dead(20 * S, tick_sequence=8, tick_age_ns=0) == ""
    watch.on_heartbeat(beat(9), 20 * S + S // 2)
    assert watch.dead(21 * S, tick_sequence=12, tick_age_ns=0) == ""


def test_a_brain_that_stands_still_with_the_market_lives() -> None:
    watch = BrainWatch(3)
    for second in range(5):
        watch.on_heartbeat(beat(7), second * S)
    assert watch.dead(4 * S, tick_sequence=7, tick_age_ns=0) == ""
    assert watch.dead(4 * S, tick_sequence=8, tick_age_ns=4 * S) == ""


def test_silence_of_ops_is_measured_from_its_last_word() -> None:
    watch = SilenceWatch(3)
    assert (watch.silent(S), watch.age_ms(S)) == ("not heard yet", None)
    watch.heard(S)
    assert (watch.silent(4 * S), watch.age_ms(2 * S)) == ("", 1000.0)
    assert watch.silent(4 * S + 1) == "silent for 3.0 s"


def test_a_brain_that_takes_ticks_and_decides_nothing_is_dead() -> None:
    watch = BrainWatch(3)
    for second in range(5):
        watch.on_heartbeat(beat(10 * second, 7), second * S, newest=10 * second)
        why = watch.dead(second * S, tick_sequence=10 * second + 5, tick_age_ns=0)
    assert why == "alive but stuck at tick 40 for 4.0 s"


def test_a_brain_that_stays_at_a_tick_of_an_engine_before_this_one_is_dead() -> None:
    watch = BrainWatch(3)
    for second in range(6):  # the first ticks come after 1 s
        newest = 10 * max(0, second - 1)
        watch.on_heartbeat(beat(900_000, 7), second * S, newest=newest)
        assert watch.dead(second * S, tick_sequence=newest, tick_age_ns=0) == ""
    assert watch.dead(6 * S, tick_sequence=50, tick_age_ns=0) == "alive but stuck at tick 0 for 4.0 s"


def test_a_brain_that_was_dead_owes_good_heartbeats_in_a_row() -> None:
    watch = BrainWatch(3, 3)
    watch.on_heartbeat(beat(1), 0, newest=1)
    assert (watch.dead(4 * S, tick_sequence=9, tick_age_ns=0), watch.owes) == ("no heartbeat for 4.0 s", 3)
    watch.on_heartbeat(beat(5), 5 * S, newest=9)
    watch.on_heartbeat(beat(9), 6 * S, newest=20)
    assert watch.owes == 1
    watch.on_heartbeat(beat(15), 7 * S, newest=30)  # it lags behind what there was
    assert watch.owes == 3
    for second, tick in ((8, 30), (9, 40), (10, 50)):
        assert watch.dead(second * S, tick_sequence=tick, tick_age_ns=0) == ""
        watch.on_heartbeat(beat(tick), second * S, newest=tick)
    assert watch.owes == 0


def test_a_brain_that_begins_anew_has_to_prove_itself_however_fast_it_came_back() -> None:
    watch = BrainWatch(3, 2)
    watch.on_heartbeat(beat(100), S, newest=100)
    assert watch.owes == 0
    watch.on_heartbeat(beat(101, 1), S + S // 2, newest=101)
    assert watch.owes == 2
    watch.on_heartbeat(beat(102, 2), 2 * S, newest=102)
    watch.on_heartbeat(beat(103, 3), 3 * S, newest=103)
    assert watch.owes == 0


def test_a_port_that_opens_again_gives_the_brain_its_time_and_asks_for_proof() -> None:
    watch = BrainWatch(3, 3)
    watch.reopened(S)
    assert (watch.dead(2 * S, tick_sequence=1, tick_age_ns=0), watch.owes) == ("no heartbeat yet", 0)
    watch.on_heartbeat(beat(1), 2 * S)
    watch.reopened(60 * S)
    assert (watch.dead(62 * S, tick_sequence=1, tick_age_ns=0), watch.owes) == ("", 3)
    assert watch.dead(63 * S + 1, tick_sequence=1, tick_age_ns=0) == "no heartbeat for 3.0 s"


@given(
    st.lists(st.tuples(st.integers(1, 2 * S), st.integers(0, 5), st.integers(0, 5)), max_size=40),
    st.integers(1, 5),
)
def test_no_brain_is_proven_with_fewer_good_heartbeats_than_it_owes(
    beats: list[tuple[int, int, int]], owed: int
) -> None:
    watch, now, tick, decision, newest, row = BrainWatch(3, owed), 0, 1, 1, 1, 0
    watch.on_heartbeat(beat(1), 0, newest=1)
    watch.doubt()
    for wait, ticks, decisions in beats:
        now, tick, decision = now + wait, tick + ticks, decision + decisions
        good = tick >= newest and (decisions > 0 or ticks == 0)
        newest = max(newest, tick) + wait % 3
        watch.on_heartbeat(beat(tick, decision), now, newest=newest)
        row = row + 1 if good else 0
        assert watch.owes == owed - row
        if watch.owes == 0:
            return


def test_a_sleep_of_the_machine_and_a_standstill_of_the_process_are_told_apart() -> None:
    watch = PauseWatch(pause_s=1)
    assert watch.look(monotonic_ns=0, boot_ns=500 * S, due_ns=50) == ""
    assert (watch.look(monotonic_ns=50, boot_ns=500 * S + 50, due_ns=50), watch.lag_ns) == ("", 0)
    assert watch.look(monotonic_ns=100, boot_ns=530 * S + 100, due_ns=50) == "the machine slept for 30.0 s"
    later = 100 + 2 * S + 50
    told = watch.look(monotonic_ns=later, boot_ns=530 * S + later, due_ns=50)
    assert (told, watch.lag_ns) == ("this process stood still for 2.0 s", 2 * S)
    assert watch.look(monotonic_ns=later + 50, boot_ns=530 * S + later + 50, due_ns=50) == ""


def test_too_much_goes_wrong_when_the_limit_is_reached_within_the_window() -> None:
    burst = Burst(3, 10)
    assert [burst.add(second * S) for second in (0, 6, 11, 16)] == ["", "", "", "3 within 10 s"]
    burst.forget()
    assert burst.add(17 * S) == ""
