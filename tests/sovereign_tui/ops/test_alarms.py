from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_S
from schemas.messages import Alert, Cause, TradingState
from sovereign_tui.ops.alarms import Alarms, Facts

HOUR_S = 3_600


def cause(name: str, detail: str = "why") -> Cause:
    return Cause(name=name, since_ns=5, detail=detail, forces=TradingState.REDUCING)


def facts(*causes: str, **known: Any) -> Facts:
    fields: dict[str, Any] = {"halt_id": None, "causes": tuple(cause(name) for name in causes), "fatal": {}}
    return Facts(**(fields | known))


class Desk:
    """Alarms, and a clock that both readings come from."""

    def __init__(self, repeat_s: float = 0) -> None:
        self.alarms = Alarms(repeat_s)
        self.now_s = 100.0

    def look(self, found: Facts, after_s: float = 1.0) -> list[Alert]:
        self.now_s += after_s
        now_ns = round(self.now_s * NS_PER_S)
        return self.alarms.look(found, wall_ns=now_ns, mono_ns=now_ns)


@pytest.mark.parametrize(
    ("found", "kind", "level", "text"),
    [
        (facts(halt_id="a1"), "halt", "warning", "halt a1 stands; `sovereign resume` lifts it"),
        (facts("brain_dead"), "brain_death", "error", "brain_dead: why"),
        (facts("feed_stale", "unprotected"), "unprotected_position", "error", "unprotected: why"),
        (
            facts(loss_pct=2.4, loss_limit_pct=3.0),
            "loss_80",
            "warning",
            "the day has lost 2.40 %, 80% of its limit 3 %",
        ),
        (
            facts(fatal={"brain": "exit code 78"}),
            "process_fatal",
            "error",
            "brain is not started any more: exit code 78",
        ),
    ],
)
def test_an_alert_is_told_when_it_is_raised_and_when_it_is_over_and_not_between(
    found: Facts, kind: str, level: str, text: str
) -> None:
    desk = Desk()
    raised = Alert(kind=kind, text=text, since_ns=101 * NS_PER_S, level=level, active=True)
    well = facts(loss_pct=0.0, loss_limit_pct=3.0)
    assert desk.look(found) == [raised]
    assert [desk.look(found) for _ in range(3)] == [[]] * 3
    assert desk.alarms.standing() == (raised,)
    over = Alert(kind=kind, text=f"over: {text}", since_ns=101 * NS_PER_S, level=level, active=False)
    assert desk.look(well) == [over]
    assert (desk.look(well), desk.alarms.standing()) == ([], ())


def test_all_is_well_says_nothing() -> None:
    assert Desk().look(facts("feed_stale", "book_invalid", loss_pct=2.39, loss_limit_pct=3.0)) == []


def test_what_stands_is_told_again_at_its_interval_and_as_it_was() -> None:
    desk = Desk(repeat_s=60)
    (raised,) = desk.look(facts(halt_id="a1"))
    told = [desk.look(facts(halt_id="a1"), after_s=20) for _ in range(7)]
    assert told == [[], [], [raised], [], [], [raised], []]


def test_a_silent_engine_lifts_no_alert_and_raises_none() -> None:
    desk = Desk()
    desk.look(facts("brain_dead", "unprotected", halt_id="a1", loss_pct=3.0, loss_limit_pct=3.0))
    before = desk.alarms.standing()
    assert len(before) == 4
    assert desk.look(facts(causes=None)) == []
    assert desk.alarms.standing() == before
    assert len(desk.look(facts(loss_pct=0.0, loss_limit_pct=3.0))) == 4


def test_a_brain_that_has_not_been_alive_yet_is_not_dead() -> None:
    desk = Desk()
    assert desk.look(facts("brain_dead", starting=True)) == []
    assert [alert.kind for alert in desk.look(facts("brain_dead"))] == ["brain_death"]


def test_a_loss_that_swings_around_its_mark_is_told_once() -> None:
    desk = Desk()
    told = [desk.look(facts(loss_pct=pct, loss_limit_pct=10.0)) for pct in (7.9, 8.0, 7.9, 8.1, 7.6, 7.4, 7.9, 8.0)]
    assert [[alert.active for alert in each] for each in told] == [[], [True], [], [], [], [False], [], [True]]


def test_another_halt_and_another_process_are_other_alerts() -> None:
    desk = Desk()
    desk.look(facts(halt_id="a1", fatal={"brain": "x"}))
    told = desk.look(facts(halt_id="b2", fatal={"brain": "y", "engine": "z"}))
    assert [(alert.active, alert.text.split(" is not")[0]) for alert in told] == [
        (False, "over: halt a1 stands; `sovereign resume` lifts it"),
        (True, "engine"),
        (True, "halt b2 stands; `sovereign resume` lifts it"),
    ]


KNOWN = st.builds(
    lambda halt_id, names, pct, fatal: facts(
        *names, halt_id=halt_id, loss_pct=pct, loss_limit_pct=3.0, fatal=dict.fromkeys(fatal, "x")
    ),
    st.sampled_from([None, "a", "b"]), st.sets(st.sampled_from(["brain_dead", "unprotected", "feed_stale"])),
    st.sampled_from([None, 0.0, 2.3, 2.4, 5.0]), st.sets(st.sampled_from(["engine", "brain"])),
)  # fmt: skip


@given(st.lists(KNOWN, max_size=30))
def test_what_was_told_adds_up_to_what_stands(seen: list[Facts]) -> None:
    desk, open_alerts = Desk(), set[tuple[str, int, str]]()
    for found in seen:
        for alert in desk.look(found):
            name = (alert.kind, alert.since_ns, alert.text.removeprefix("over: "))
            assert (name in open_alerts) is not alert.active
            (open_alerts.add if alert.active else open_alerts.remove)(name)
        assert {(each.kind, each.since_ns, each.text) for each in desk.alarms.standing()} == open_alerts


FEED = ("feed_stale", "book_invalid", "venue_down")


@pytest.mark.parametrize("name", FEED)
def test_a_feed_that_stays_away_for_more_than_three_seconds_is_an_alert(name: str) -> None:
    desk = Desk()
    assert [desk.look(facts(name)) for _ in range(4)] == [[]] * 4, "three seconds and no more"
    raised = Alert(kind="stale_feed", text=f"{name}: why", since_ns=105 * NS_PER_S, level="error", active=True)
    assert desk.look(facts(name)) == [raised]
    assert [alert.active for alert in desk.look(facts())] == [False]


def test_causes_that_follow_upon_each_other_are_one_stale_feed_and_one_that_was_over_begins_anew() -> None:
    desk = Desk()
    for names in (("feed_stale",), ("feed_stale", "venue_down"), ("venue_down",), ("venue_down", "book_invalid")):
        assert desk.look(facts(*names)) == []
    assert [alert.text for alert in desk.look(facts("book_invalid"))] == ["book_invalid: why"]
    desk = Desk()
    for since_ns in range(10):  # raised anew between any two looks
        again = Cause(name="feed_stale", since_ns=since_ns, detail="why", forces=TradingState.REDUCING)
        assert desk.look(facts(causes=(again,))) == []


def test_a_feed_is_not_stale_before_the_engine_has_once_reconciled_and_unknown_when_it_is_silent() -> None:
    desk = Desk()
    assert [desk.look(facts("feed_stale", reconciling=True)) for _ in range(9)] == [[]] * 9
    assert [desk.look(facts("feed_stale")) for _ in range(4)] == [[]] * 4
    assert len(desk.look(facts("feed_stale"))) == 1
    assert desk.look(facts(causes=None)) == []
    assert desk.look(facts("feed_stale", reconciling=True)) == []
    assert [alert.kind for alert in desk.alarms.standing()] == ["stale_feed"]


def test_an_acknowledged_alert_stands_on_says_by_whom_and_comes_again_unacknowledged() -> None:
    desk = Desk(repeat_s=60)
    (raised,) = desk.look(facts("brain_dead"))
    (seen,) = desk.alarms.acknowledge("brain_death", raised.since_ns, "me")
    assert (seen.acknowledged_by, seen.active) == ("me", True)
    assert desk.alarms.standing() == (seen,)
    assert desk.alarms.acknowledge("brain_death", 0, "you") == [seen], "who was first remains"
    assert desk.look(facts("brain_dead"), after_s=61) == [seen]
    (over,) = desk.look(facts())
    assert (over.active, over.acknowledged_by) == (False, "me")
    assert [alert.acknowledged_by for alert in desk.look(facts("brain_dead"))] == [""]


def test_what_is_acknowledged_is_named_by_kind_and_beginning_or_is_all() -> None:
    desk = Desk()
    first, second = desk.look(facts("brain_dead", "unprotected"))
    assert desk.alarms.acknowledge("halt", 0, "me") == []
    assert desk.alarms.acknowledge("brain_death", first.since_ns + 1, "me") == []
    assert [alert.kind for alert in desk.alarms.acknowledge(second.kind, 0, "me")] == ["unprotected_position"]
    assert [alert.acknowledged_by for alert in desk.alarms.acknowledge("", 0, "you")] == ["you", "me"]
