from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from schemas.latency import LatencyWindow, LegReport, sparse

DURATIONS = st.lists(st.integers(0, 2**40), max_size=200)


def test_a_window_gives_what_came_since_and_says_what_was_overwritten() -> None:
    window = LatencyWindow(4)
    for value in (1, 2, 3):
        window.add(value)
    assert window.since(1) == (array("q", [2, 3]), 0)
    for value in (4, 5, 6):
        window.add(value)
    assert window.since(3) == (array("q", [4, 5, 6]), 0)
    assert window.since(0) == (array("q", [3, 4, 5, 6]), 2)
    assert window.since(6) == (array("q"), 0)


def test_short_durations_are_counted_exactly_and_negative_ones_as_nothing() -> None:
    assert sparse([-7, -1, 0, 5, 5, 127]) == [(0, 2), (0, 1), (5, 2), (127, 1)]


def test_a_report_counts_each_duration_once_and_says_what_it_missed() -> None:
    window = LatencyWindow(4)
    leg = LegReport(window)
    for value in (10, 20):
        window.add(value)
    leg.fold()
    window.add(10)
    assert leg.take() == ([(10, 2), (20, 1)], 0)
    for value in range(1, 8):
        window.add(value)
    assert leg.take() == ([(4, 1), (5, 1), (6, 1), (7, 1)], 3)
    assert leg.take() == ([], 0)


@given(DURATIONS)
def test_every_duration_is_in_a_count_within_one_percent_of_it(durations: list[int]) -> None:
    ordered = sorted(durations)
    told = [value for value, count in sparse(ordered) for _ in range(count)]
    assert len(told) == len(ordered)
    assert all(abs(said - true) <= 0.008 * true for said, true in zip(told, ordered, strict=True))


@given(st.lists(st.lists(st.integers(0, 2**40), max_size=20), max_size=12), st.integers(1, 8))
def test_whatever_the_pace_of_reports_counts_and_missed_are_all_that_was_added(
    batches: list[list[int]], size: int
) -> None:
    window = LatencyWindow(size)
    leg = LegReport(window)
    counted = missed = 0
    for number, batch in enumerate(batches):
        for value in batch:
            window.add(value)
        if number % 2:
            leg.fold()
        else:
            counts, lost = leg.take()
            counted, missed = counted + sum(count for _, count in counts), missed + lost
    counts, lost = leg.take()
    assert counted + sum(count for _, count in counts) + missed + lost == window.count
