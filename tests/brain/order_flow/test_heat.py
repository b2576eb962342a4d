from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.heat import Heat
from brain.order_flow.units import PRICE_UNITS
from tests.brain.order_flow.support import T0, S


def heat(**changes: int) -> Heat:
    fields = {"rows": 8, "columns": 3, "column_ns": S, "half_life_ns": 2 * S} | changes
    return Heat(bucket_bps=100.0, **fields)  # buckets of 1 at 100


def look(made: Heat, when_s: float, bids: dict[float, float], asks: dict[float, float]) -> None:
    made.look(T0 + round(when_s * S), tuple(bids), tuple(bids.values()), tuple(asks), tuple(asks.values()))


def picture(made: Heat) -> dict[tuple[float, float], float]:
    """(seconds, lower edge of the bucket) -> contracts, where there are any."""
    first, times, values = made.picture()
    return {
        ((times[column] - T0) / S, (first + row) * made.width / PRICE_UNITS): values[row * len(times) + column]
        for row in range(len(values) // len(times)) for column in range(len(times))
        if values[row * len(times) + column]
    }  # fmt: skip


def test_the_first_look_shows_what_rests_bucket_by_bucket() -> None:
    made = heat()
    look(made, 0, {100.9: 3.0, 100.2: 4.0, 99.0: 5.0}, {101.0: 1.0, 103.5: 2.0})
    assert picture(made) == {(0, 100.0): 7.0, (0, 99.0): 5.0, (0, 101.0): 1.0, (0, 103.0): 2.0}


def test_what_is_gone_halves_in_its_half_life_and_what_stays_stays() -> None:
    made = heat()
    look(made, 0, {100.0: 8.0}, {101.0: 6.0})
    look(made, 2, {100.0: 8.0}, {102.0: 6.0})
    look(made, 4, {100.0: 8.0}, {102.0: 6.0})
    assert picture(made) == pytest.approx({
        (0, 100.0): 8.0, (0, 101.0): 6.0,
        (2, 100.0): 8.0, (2, 101.0): 3.0, (2, 102.0): 3.0,
        (4, 100.0): 8.0, (4, 101.0): 1.5, (4, 102.0): 4.5,
    })  # fmt: skip


def test_a_size_however_small_is_seen_when_it_stays() -> None:
    made = heat(columns=2)
    look(made, 0, {100.0: 8.0}, {101.0: 6.0})
    for quarter in range(1, 100):
        look(made, quarter / 4, {100.0: 8.0, 99.0: 1e-4}, {101.0: 6.0})
    assert picture(made)[24.75, 99.0] == pytest.approx(1e-4, rel=0.001)


def test_a_column_is_of_its_last_look_and_only_so_many_are_kept() -> None:
    made = heat()
    for when in (0, 0.25, 0.5, 1.0):
        look(made, when, {100.0: 8.0}, {101.0: 6.0})
    assert [(when - T0) / S for when in made.picture()[1]] == [0.5, 1.0]
    for when in (2.0, 3.75):
        look(made, when, {100.0: 8.0}, {101.0: 6.0})
    assert [(when - T0) / S for when in made.picture()[1]] == [1.0, 2.0, 3.75]


def test_the_rows_follow_the_price_and_the_columns_before_keep_their_place() -> None:
    made = heat()
    look(made, 0, {100.0: 8.0}, {101.0: 6.0})
    first = made.picture()[0]
    look(made, 1, {101.0: 4.0}, {102.0: 6.0})
    assert made.picture()[0] == first  # still in the middle half
    look(made, 2, {103.0: 4.0}, {104.0: 6.0})
    assert made.picture()[0] == first + 3
    shown = picture(made)
    assert (shown[0, 100.0], shown[0, 101.0]) == (8.0, 6.0)
    look(made, 3, {150.0: 4.0}, {151.0: 6.0})
    assert {price for _, price in picture(made)} == {150.0, 151.0}


def test_a_price_that_has_doubled_gets_a_bucket_of_its_own() -> None:
    made = heat()
    look(made, 0, {100.0: 8.0}, {101.0: 6.0})
    look(made, 1, {1_000.0: 4.0}, {1_001.0: 6.0})
    assert (made.width, picture(made)) == (10 * PRICE_UNITS, {(1, 1_000.0): 10.0})


def test_a_look_that_is_not_later_changes_nothing() -> None:
    made = heat()
    look(made, 1, {100.0: 8.0}, {101.0: 6.0})
    before = picture(made)
    look(made, 1, {100.0: 1.0}, {101.0: 1.0})
    look(made, 0, {100.0: 1.0}, {101.0: 1.0})
    assert picture(made) == before


LOOKS = st.lists(
    st.tuples(st.integers(1, 5_000), st.integers(1, 400), st.lists(st.integers(0, 50), min_size=2, max_size=8)),
    max_size=30,
)


@given(LOOKS)
def test_whatever_the_price_does_the_picture_is_bounded_and_no_size_is_more_than_ever_rested(
    looks: list[tuple[int, int, list[int]]],
) -> None:
    made, now, most = heat(), 0.0, 0.0
    for past_ms, mid, sizes in looks:
        now += past_ms / 1_000
        bids = {mid - 0.5 - level: float(size) for level, size in enumerate(sizes) if mid - 0.5 - level > 0}
        asks = {mid + 0.5 + level: float(size) for level, size in enumerate(sizes)}
        look(made, now, bids, asks)
        most = max(most, sum(bids.values()) + sum(asks.values()))
        _, times, values = made.picture()
        assert len(times) <= 3
        assert len(values) == 8 * len(times)
        assert all(0 <= value <= most * 1.000001 for value in values)
