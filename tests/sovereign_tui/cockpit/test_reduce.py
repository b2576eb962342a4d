from __future__ import annotations

from dataclasses import replace
from functools import reduce as fold

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_S
from schemas.messages import Signal, SignalKind
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.series import Point, Series, kept, merged
from sovereign_tui.cockpit.view import CANDLES, LOG_LINES, Counts, Heard, Kill, KillPhase, TickRate, View
from tests.sovereign_tui.cockpit import messages as make

Heards = list[tuple[object, int]]


def _stamped(message: object, n: int) -> object:
    return msgspec.structs.replace(message, timestamp_ns=make.WALL_NS + n)  # type: ignore[type-var]


_MAKERS = (
    make.engine, make.halted, make.positions, make.orders, make.account, make.decision, make.system, make.pulse,
    make.metrics, make.flow, make.heatmap,
)  # fmt: skip
_STATES = st.builds(lambda maker, n: (_stamped(maker(), n), n), st.sampled_from(_MAKERS), st.integers(0, 40))
_TICKS = st.builds(lambda n: (make.tick(n, received_mono_ns=n), n), st.integers(1, 40))
_LOGS = st.builds(lambda n, text: (make.log(text, n), n), st.integers(0, 40), st.sampled_from("abc"))
_RECEIPTS = st.builds(lambda at, steps: (make.receipt(at * 1_000, steps), at), st.integers(0, 5), st.integers(0, 4))
_CANDLES = st.builds(
    lambda number, at, confirmed: (make.candle(number, confirmed=confirmed, sequence=at), at),
    st.integers(-3, 3), st.integers(0, 40), st.booleans(),
)  # fmt: skip
_HISTORIES = st.builds(lambda bars: (make.history(bars), 20), st.integers(1, 4))
_ALERTS = st.builds(
    lambda since, active, at: (make.alert(since_s=since, active=active), at), st.integers(0, 2), st.booleans(),
    st.integers(0, 40),
)  # fmt: skip
_OTHERS = st.sampled_from(
    [(None, 1), ("text", 2), (b"", 3), (object(), 4), (TickRate(per_s=5.0), 5), (Counts(received=2, gaps=1), 6)]
)
_MESSAGES = st.lists(st.one_of(_STATES, _TICKS, _LOGS, _RECEIPTS, _CANDLES, _HISTORIES, _ALERTS, _OTHERS), max_size=30)


def _folded(heard: Heards, view: View | None = None) -> View:
    return fold(lambda known, arrived: reduce(known, *arrived), heard, view or View())


@given(_MESSAGES, st.randoms(use_true_random=False))
def test_the_view_does_not_depend_on_the_order_of_arrival(heard: Heards, random: object) -> None:
    shuffled = list(heard)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    # two different messages of one stream never share a stamp; the strategies may make such, and they are left out
    unique = {(type(message), at, getattr(message, "timestamp_ns", 0)): (message, at) for message, at in heard}
    kept = [arrived for arrived in shuffled if arrived in unique.values()]
    assert _folded(kept) == _folded([arrived for arrived in heard if arrived in unique.values()])


@given(_MESSAGES)
def test_hearing_everything_twice_changes_nothing(heard: Heards) -> None:
    once = _folded(heard)
    assert _folded(heard, once) == once
    assert _folded([each for each in heard for _ in range(2)]) == once


@given(st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.dictionaries(st.text(), st.integers())))
def test_what_is_no_message_leaves_the_view_as_it_is(message: object) -> None:
    view = _folded([(make.engine(), 1)])
    assert reduce(view, message, 2) is view


def test_an_older_tick_never_replaces_a_newer_one() -> None:
    view = _folded([(make.tick(8), 80), (make.tick(7), 70)])
    assert view.tick == Heard(make.tick(8), 80)


def test_the_log_keeps_the_newest_lines_and_each_once() -> None:
    lines = [(make.log(f"event {number}", number), number) for number in range(LOG_LINES + 5)]
    view = _folded([*lines, *lines[-3:]])
    assert [line.text for line in view.log] == [f"event {number}" for number in range(5, LOG_LINES + 5)]


def test_a_signal_that_is_no_heartbeat_is_not_the_pulse_of_ops() -> None:
    halt = Signal(kind=SignalKind.SYSTEM_HALT, id="8f3c", issuer="op", reason="", timestamp_ns=make.WALL_NS)
    assert reduce(View(), halt, 5).pulse == Heard()


def test_a_published_receipt_completes_our_own_kill_and_only_if_it_is_not_older() -> None:
    view = reduce(View(), Kill(number=1, pressed_ns=1_000), 1_000)
    older = reduce(view, make.receipt(500, 4), 2_000)
    assert older.kill == Kill(number=1, pressed_ns=1_000)
    newer = reduce(view, make.receipt(1_500, 4), 2_000)
    assert newer.kill == Kill(number=1, pressed_ns=1_000, receipt=make.receipt(1_500, 4))


def test_the_news_of_one_press_only_gain() -> None:
    first = Kill(number=1, pressed_ns=1_000)
    latched = replace(first, receipt=make.receipt(1_500, 3))
    failed = replace(first, phase=KillPhase.FAILED, problem="ops broke off")
    view = _folded([(kill, 0) for kill in (latched, failed, first)])
    assert view.kill == replace(failed, receipt=make.receipt(1_500, 3))


def test_a_second_press_begins_anew() -> None:
    proven = Kill(number=1, pressed_ns=1_000, receipt=make.receipt(1_500, 4), phase=KillPhase.ANSWERED)
    again = Kill(number=2, pressed_ns=9_000)
    assert _folded([(again, 0), (proven, 0)]).kill == again


def test_a_bar_that_is_over_stays_as_it_was_confirmed() -> None:
    running, over = make.candle(0, sequence=9), make.candle(0, confirmed=True, sequence=5)
    view = _folded([(make.history(3), 1), (running, 9), (over, 5)])
    assert [point.value for point in view.candles["5m"]] == [*make.history(3).candles, over]


def test_the_last_bars_are_kept_and_no_more() -> None:
    view = _folded([(make.history(CANDLES + 7), 1), (make.candle(0), 2)])
    assert [point.value.open_ns for point in view.candles["5m"]] == [
        make.candle(number).open_ns for number in range(1 - CANDLES, 1)
    ]


def test_an_alert_that_is_over_stands_no_more_and_does_not_come_back() -> None:
    view = _folded([(make.alert(), 1), (make.alert("halt", since_s=5), 1)])
    assert [alert.kind for alert in view.standing] == ["brain_death", "halt"]
    over = _folded([(make.alert(active=False), 2), (make.alert(), 3)], view)
    assert [alert.kind for alert in over.standing] == ["halt"]


def test_of_decisions_one_a_second_and_reason_is_remembered_the_newest() -> None:
    many = [make.decision(sequence=n, timestamp_ns=make.WALL_NS + n * 100 * make.MS) for n in range(10)]
    other = make.decision(sequence=11, timestamp_ns=make.WALL_NS + 350 * make.MS, why_not="NO_DIRECTION")
    view = _folded([(each, 1) for each in (*many, other)])
    assert {(point.value.why_not, point.value.sequence) for point in view.decisions} == {
        ("COOLDOWN", 9), ("NO_DIRECTION", 11),
    }  # fmt: skip


_POINTS = st.lists(
    st.builds(lambda key, stamp: Point(key, (stamp,), (key, stamp)), st.integers(0, 9), st.integers(0, 5))
)


@given(_POINTS, st.integers(1, 8))
def test_a_series_holds_the_newest_keys_with_their_latest_stamps_in_whatever_order_they_came(
    points: list[Point[tuple[int, int]]], most: int
) -> None:
    latest = {point.key: max(each.stamp for each in points if each.key == point.key) for point in points}
    one_by_one: Series[tuple[int, int]] = ()
    for point in points:
        one_by_one = kept(one_by_one, point, 10)
    assert merged((), points, 10) == one_by_one
    assert [(point.key, point.stamp) for point in one_by_one] == sorted(latest.items())
    assert merged((), points, most) == one_by_one[-most:]


def test_after_the_clock_was_set_back_what_is_new_is_still_seen() -> None:
    hours_s, view = 3 * 3_600, View()
    for second in range(1_200):
        view = reduce(view, make.log(f"line {second}", second), 1)
        view = reduce(view, make.decision(timestamp_ns=make.WALL_NS + second * NS_PER_S), 1)
        view = reduce(view, msgspec.structs.replace(make.metrics(), timestamp_ns=make.WALL_NS + second * NS_PER_S), 1)
        view = reduce(view, msgspec.structs.replace(make.account(), timestamp_ns=make.WALL_NS + second * NS_PER_S), 1)
    late = reduce(view, make.log("a little late", 1_100), 2)
    assert (len(late.log), late.log[-1].text) == (1_000, "line 1199"), "what is only late finds its place"
    back_ns = make.WALL_NS - hours_s * NS_PER_S
    view = reduce(view, make.log("after the step", -hours_s), 2)
    view = reduce(view, make.decision(timestamp_ns=back_ns), 2)
    view = reduce(view, msgspec.structs.replace(make.metrics(), timestamp_ns=back_ns), 2)
    view = reduce(view, msgspec.structs.replace(make.account(), timestamp_ns=back_ns), 2)
    assert [line.text for line in view.log] == ["after the step"]
    assert [point.value.timestamp_ns for point in view.decisions] == [back_ns]
    assert [len(view.metrics_past), len(view.equity)] == [1, 1]
