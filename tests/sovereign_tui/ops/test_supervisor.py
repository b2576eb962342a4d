from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.settings import Settings
from sovereign_tui.ops.policies import policies
from sovereign_tui.ops.supervisor import (
    ALIVE,
    TABLE,
    Action,
    Event,
    Life,
    Occurrence,
    Policy,
    State,
    UnknownTransition,
    step,
)

POLICY = Policy(
    backoff_min_ns=100 * NS_PER_MS,
    backoff_max_ns=400 * NS_PER_MS,
    crash_limit=5,
    crash_window_ns=60 * NS_PER_S,
    start_timeout_ns=10 * NS_PER_S,
    stop_timeout_ns=2 * NS_PER_S,
    hang_timeout_ns=15 * NS_PER_S,
)
START, READY, STOP = (Occurrence(event=event) for event in (Event.START, Event.READY, Event.STOP))
HANG = Occurrence(event=Event.HANG, reason="gave no heartbeat for 15 s")
DEADLINE = Occurrence(event=Event.DEADLINE)


def crash(code: int = 1, reason: str = "boom") -> Occurrence:
    return Occurrence(event=Event.EXIT, exit_code=code, reason=reason)


def run(*occurrences: Occurrence, life: Life | None = None, now_ns: int = 0) -> Life:
    life = life or Life()
    for what in occurrences:
        if what is DEADLINE and life.deadline_ns is not None:
            now_ns = life.deadline_ns
        life, _ = step(life, what, now_ns, POLICY)
    return life


def test_a_start_spawns_and_the_first_sign_of_life_means_running() -> None:
    life, actions = step(Life(), START, 5, POLICY)
    assert (life.state, actions) == (State.STARTING, (Action.SPAWN,))
    assert life.deadline_ns == 5 + POLICY.start_timeout_ns
    life, actions = step(life, READY, 6, POLICY)
    assert (life.state, life.deadline_ns, actions) == (State.RUNNING, None, ())


def test_the_wait_before_a_restart_doubles_up_to_its_limit() -> None:
    life, waits = Life(), []
    life = run(START)
    for _ in range(4):
        life, _ = step(life, crash(), 0, POLICY)
        assert life.deadline_ns is not None
        waits.append(life.deadline_ns // NS_PER_MS)
        life, actions = step(life, DEADLINE, life.deadline_ns, POLICY)
        assert actions == (Action.SPAWN,)
    assert waits == [100, 200, 400, 400]
    assert life.restarts == 4


def test_a_crash_loop_ends_in_fatal_and_says_what_the_last_crash_was() -> None:
    life = run(START, *[crash(), DEADLINE] * 4, crash(3, "exit code 3: no such table"))
    assert life.state is State.FATAL
    assert life.reason == "5 crashes within 60 s; the last: exit code 3: no such table"


def test_old_crashes_are_forgotten() -> None:
    life = run(START, *[crash(), DEADLINE] * 4, READY)
    life, _ = step(life, crash(), 1000 * NS_PER_S, POLICY)
    assert (life.state, len(life.crashes)) == (State.BACKOFF, 1)


@pytest.mark.parametrize("before", [(START,), (START, READY)])
def test_bad_configuration_is_fatal_at_once(before: tuple[Occurrence, ...]) -> None:
    life, actions = step(run(*before), crash(78, "exit code 78: port taken"), 1, POLICY)
    assert (life.state, life.exit_code, life.reason, actions) == (State.FATAL, 78, "exit code 78: port taken", ())


def test_a_process_that_does_not_come_up_is_ended_then_killed_and_that_is_one_crash() -> None:
    life = run(START)
    assert life.deadline_ns is not None
    life, actions = step(life, DEADLINE, life.deadline_ns, POLICY)
    assert actions == (Action.TERMINATE,)
    assert life.deadline_ns is not None
    life, ready_actions = step(life, READY, life.deadline_ns - 1, POLICY)
    assert (life.state, ready_actions) == (State.STARTING, ())  # too late
    assert life.deadline_ns is not None
    life, actions = step(life, DEADLINE, life.deadline_ns, POLICY)
    assert actions == (Action.KILL,)
    life, _ = step(life, crash(-9, "killed by SIGKILL"), 99 * NS_PER_S, POLICY)
    assert (life.state, len(life.crashes)) == (State.BACKOFF, 1)
    assert life.reason == "gave no sign of life within 10 s; killed by SIGKILL"


def test_a_hung_process_is_ended_then_killed_and_that_is_one_crash() -> None:
    life, actions = step(run(START, READY), HANG, 0, POLICY)
    assert (life.state, life.deadline_ns, actions) == (State.HUNG, POLICY.stop_timeout_ns, (Action.TERMINATE,))
    assert step(life, READY, 1, POLICY) == (life, ())  # a last message changes nothing
    for kill in (1, 2):
        assert life.deadline_ns == kill * POLICY.stop_timeout_ns
        life, actions = step(life, DEADLINE, life.deadline_ns, POLICY)
        assert (life.state, actions) == (State.HUNG, (Action.KILL,))
    life, actions = step(life, crash(-9, "killed by SIGKILL"), 9 * NS_PER_S, POLICY)
    why = "gave no heartbeat for 15 s; killed by SIGKILL"
    assert (life.state, len(life.crashes), life.reason, life.last_exit, actions) == (State.BACKOFF, 1, why, why, ())


def test_processes_that_hang_again_and_again_are_given_up() -> None:
    life = run(START, *[READY, HANG, crash(-15, "killed by SIGTERM"), DEADLINE] * 5)
    assert life.state is State.FATAL
    assert life.reason == "5 crashes within 60 s; the last: gave no heartbeat for 15 s; killed by SIGTERM"


def test_why_the_last_run_ended_is_still_known_when_the_next_is_well() -> None:
    life = run(START, READY, crash(1, "exit code 1: boom"), DEADLINE, READY)
    assert (life.state, life.reason, life.last_exit) == (State.RUNNING, "", "exit code 1: boom")


@pytest.mark.parametrize("reached", [(), (START,), (START, crash()), (START, crash(78)), (START, READY, STOP)])
def test_only_what_runs_can_hang(reached: tuple[Occurrence, ...]) -> None:
    with pytest.raises(UnknownTransition):
        step(run(*reached), HANG, 0, POLICY)


def test_a_stop_terminates_then_kills() -> None:
    life, actions = step(run(START, READY), STOP, 0, POLICY)
    assert (life.state, actions) == (State.STOPPING, (Action.TERMINATE,))
    life, actions = step(life, DEADLINE, POLICY.stop_timeout_ns, POLICY)
    assert actions == (Action.KILL,)
    life, actions = step(life, crash(-9), 9 * NS_PER_S, POLICY)
    assert (life.state, actions) == (State.STOPPED, ())


@pytest.mark.parametrize("reached", [(), (START, crash()), (START, crash(78))])
def test_a_stop_without_a_process_needs_no_signal(reached: tuple[Occurrence, ...]) -> None:
    life, actions = step(run(*reached), STOP, 0, POLICY)
    assert (life.state, life.deadline_ns, actions) == (State.STOPPED, None, ())


def test_an_operator_may_start_what_was_given_up() -> None:
    life, actions = step(run(START, crash(78)), START, 7, POLICY)
    assert (life.state, life.crashes, life.reason, actions) == (State.STARTING, (), "", (Action.SPAWN,))


def test_an_adopted_process_is_not_spawned_again() -> None:
    life, actions = step(Life(), Occurrence(event=Event.ADOPT), 0, POLICY)
    assert (life.state, actions) == (State.STARTING, ())


def test_an_exit_without_a_process_is_a_bug() -> None:
    with pytest.raises(UnknownTransition):
        step(Life(), crash(), 0, POLICY)


def test_the_policy_takes_the_settings_and_their_units() -> None:
    policy = Policy.of(Settings())
    assert policy.backoff_min_ns == 250_000_000
    assert policy.stop_timeout_ns == 5_000_000_000
    assert policy.fatal_codes == {78}
    assert policy.hang_timeout_ns == 15_000_000_000


def test_a_process_whose_heartbeats_are_set_to_be_rare_may_miss_three() -> None:
    slow = Settings.model_validate({"brain": {"heartbeat_ms": 20_000}})
    assert {name: policy.hang_timeout_ns // NS_PER_S for name, policy in policies(slow).items()} == {
        "exchange": 15, "engine": 15, "brain": 60,
    }  # fmt: skip
    never = Settings.model_validate({"brain": {"heartbeat_ms": 20_000}, "ops": {"hang_timeout_s": 0}})
    assert {policy.hang_timeout_ns for policy in policies(never).values()} == {0}


EVENTS = st.lists(
    st.tuples(st.sampled_from(list(Event)), st.sampled_from([0, 1, 78, -9]), st.integers(0, 20 * NS_PER_S)),
    max_size=80,
)


@given(EVENTS)
def test_whatever_happens_there_is_never_a_second_process_and_no_restart_storm(
    events: list[tuple[Event, int, int]],
) -> None:
    """A world that obeys: SPAWN makes a process, EXIT and ADOPT can only happen when there is, or is not, one."""
    life, now, alive, spawns = Life(), 0, False, []
    for event, code, passed in events:
        now += passed
        if (event is Event.EXIT and not alive) or (event is Event.ADOPT and (alive or life.state is not State.STOPPED)):
            continue
        if event is Event.HANG and life.state is not State.RUNNING:
            continue
        before = life
        life, actions = step(life, Occurrence(event=event, exit_code=code), now, POLICY)
        alive = (alive and event is not Event.EXIT) or event is Event.ADOPT
        for action in actions:
            if action is Action.SPAWN:
                assert not alive
                alive = True
                spawns.append((now, event))
            else:
                assert alive
        assert alive == (life.state in ALIVE)
        if event is Event.EXIT and code == 78 and before.state in {State.STARTING, State.RUNNING}:
            assert life.state is State.FATAL
        if event is Event.HANG:
            assert (life.state, actions) == (State.HUNG, (Action.TERMINATE,))
        if before.state is State.HUNG and life.state is not State.HUNG:
            assert event in {Event.EXIT, Event.STOP}
            assert event is Event.STOP or len(life.crashes) >= 1
        if life.state in {State.BACKOFF, State.STOPPING, State.HUNG}:
            assert life.deadline_ns is not None
        if life.state is State.BACKOFF:
            assert len(life.crashes) < POLICY.crash_limit
        if life.state in {State.STOPPED, State.FATAL, State.RUNNING}:
            assert life.deadline_ns is None


@given(st.integers(0, 3 * NS_PER_S))
def test_a_deadline_that_is_not_due_changes_nothing(now: int) -> None:
    life = run(START, READY, STOP)
    if now < POLICY.stop_timeout_ns:
        assert step(life, DEADLINE, now, POLICY) == (life, ())


def test_every_state_answers_start_ready_and_stop() -> None:
    for state in State:
        for event in (Event.START, Event.READY, Event.STOP):
            assert (state, event) in TABLE
    for state in ALIVE:
        assert (state, Event.EXIT) in TABLE
