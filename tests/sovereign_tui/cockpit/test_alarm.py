from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sovereign_tui.cockpit.alarm import Alarm, News
from sovereign_tui.cockpit.frame import Paint
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.view import Kill, KillPhase, View
from tests.sovereign_tui.cockpit import messages as make

MS = make.MS
LATER_NS = 10_000 * MS


def paint(*messages: object, at_ns: int = LATER_NS, **options: Any) -> Paint:
    view = View()
    for message in messages:
        view = reduce(view, message, at_ns)
    return Paint(view=view, now_ns=at_ns, stale_ms=2_000.0, **options)


def test_an_alert_rings_once_and_again_when_it_comes_again() -> None:
    alarm, first, again = Alarm(), make.alert(), make.alert(since_s=60)
    assert alarm.news(paint(first)) == News(alerts=(first,), rings=True)
    assert alarm.news(paint(first)) == News(alerts=(), rings=False)
    assert alarm.news(paint(msgspec.structs.replace(first, active=False))) == News(alerts=(), rings=False)
    assert alarm.news(paint(first, again)) == News(alerts=(again,), rings=True)


def test_what_stood_before_the_screen_was_opened_rings_and_is_no_toast() -> None:
    alarm, old = Alarm(), make.alert()
    assert alarm.news(paint(old, started_ns=LATER_NS - 100 * MS)) == News(alerts=(), rings=True)
    assert alarm.news(paint(old)) == News(alerts=(), rings=False)


@pytest.mark.parametrize("phase", [KillPhase.ASKING, KillPhase.FAILED])
def test_each_press_that_stays_unconfirmed_rings_once(phase: KillPhase) -> None:
    alarm = Alarm()
    for number in (1, 2):
        kill = Kill(number=number, pressed_ns=LATER_NS - 600 * MS, phase=phase)
        assert [alarm.news(paint(kill)).rings for _ in range(3)] == [True, False, False]


def test_a_halt_that_is_acknowledged_in_time_does_not_ring() -> None:
    kill = Kill(number=1, pressed_ns=LATER_NS - 600 * MS, receipt=make.receipt(LATER_NS - 590 * MS, 1))
    assert not Alarm().news(paint(kill)).rings
    assert not Alarm().news(paint(Kill(number=1, pressed_ns=LATER_NS - 400 * MS))).rings


def test_what_rings_at_an_error_is_a_toast_of_an_error() -> None:
    assert News.severity(make.alert()) == "error"
    assert News.severity(msgspec.structs.replace(make.alert(), level="warning")) == "warning"
