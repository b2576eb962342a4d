from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.pressure import TradeWindow, VolumeWindow
from tests.brain.order_flow.support import Print, S, numbered

PRINTS = st.lists(
    st.builds(
        Print, trade_id=st.just(0), exchange_ns=st.integers(1, 60).map(lambda s: s * S), price=st.just(1.0),
        size=st.integers(1, 500).map(lambda n: n / 4), bought=st.booleans(),
    ),
    max_size=25,
).map(numbered)  # fmt: skip
SHUFFLED = PRINTS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows)))


def by_time(rows: list[Print], window_ns: int) -> float | None:
    """From the definition, in exact fractions."""
    now = max((row.exchange_ns for row in rows), default=0)
    inside = [row for row in rows if row.exchange_ns > now - window_ns]
    total = sum(Fraction(row.size) for row in inside)
    return float(sum(Fraction(row.size) for row in inside if row.bought) / total) if total else None


def by_volume(rows: list[Print], contracts: float) -> float | None:
    """From the definition, in exact fractions: walk back from the newest until the window is full."""
    left, bought = Fraction(contracts), Fraction(0)
    for row in sorted(rows, key=lambda r: (r.exchange_ns, r.trade_id), reverse=True):
        taken = min(left, Fraction(row.size))
        left -= taken
        bought += taken * row.bought
    return float(bought / Fraction(contracts)) if left == 0 else None


def feed(window: TradeWindow | VolumeWindow, rows: list[Print]) -> None:
    for row in rows:
        window.add(row.exchange_ns, row.size, bought=row.bought, trade_id=row.trade_id)


@given(SHUFFLED)
def test_the_window_of_time_is_the_same_in_any_order_of_arrival(case: tuple[list[Print], list[Print]]) -> None:
    rows, arrived = case
    window = TradeWindow(10 * S)
    feed(window, arrived)
    assert window.pressure() == by_time(rows, 10 * S)


@given(SHUFFLED, st.integers(1, 4_000).map(lambda n: n / 4))
def test_the_window_of_volume_is_the_same_in_any_order_of_arrival(
    case: tuple[list[Print], list[Print]], contracts: float
) -> None:
    rows, arrived = case
    window = VolumeWindow(contracts)
    feed(window, arrived)
    assert window.pressure() == by_volume(rows, contracts)


def test_a_late_trade_inside_counts_until_its_own_time_has_left() -> None:
    window = TradeWindow(10 * S)
    feed(window, [Print(2, 20 * S, 1.0, 1.0, True), Print(1, 11 * S, 1.0, 3.0, False)])
    assert window.pressure() == 0.25
    window.advance(21 * S)
    assert window.pressure() == 1.0
    feed(window, [Print(1, 11 * S, 1.0, 3.0, False)])
    assert (window.pressure(), window.dropped) == (1.0, 1)


def test_of_the_trade_at_the_edge_of_the_volume_the_later_part_counts() -> None:
    window = VolumeWindow(10.0)
    feed(window, [Print(1, 1, 1.0, 8.0, True), Print(2, 2, 1.0, 5.0, False)])
    assert (window.pressure(), window.begins_ns) == (0.5, 1)
    feed(window, [Print(3, 3, 1.0, 25.0, True)])
    assert (window.pressure(), window.begins_ns) == (1.0, 3)
    feed(window, [Print(1, 1, 1.0, 8.0, False)])
    assert (window.pressure(), window.dropped) == (1.0, 1)


def test_a_volume_that_was_not_traded_yet_is_unknown_and_says_how_much_is_there() -> None:
    window = VolumeWindow(10.0)
    assert (window.pressure(), window.why_unknown(), window.begins_ns) == (None, "0 of 10 contracts traded so far", 0)
    feed(window, [Print(1, 1, 1.0, 9.5, True)])
    window.advance(10**18)
    assert (window.pressure(), window.why_unknown()) == (None, "9.5 of 10 contracts traded so far")
    assert TradeWindow(30 * S).why_unknown() == "no trade in 30 s"


@pytest.mark.parametrize("size", [math.nan, math.inf, 0.0, -1.0, 1e-9, 1e300])
def test_what_is_no_size_changes_nothing(size: float) -> None:
    windows = (TradeWindow(10 * S), VolumeWindow(1.0))
    for window in windows:
        window.add(S, size, bought=True)
        assert window.pressure() is None
        window.add(S, 1.0, bought=False)
        assert (window.pressure(), window.dropped) == (0.0, 0)


def test_no_error_of_rounding_grows_with_the_day() -> None:
    window = TradeWindow(S)
    for number in range(20_000):
        window.add(number * S // 10, 0.1, bought=number % 2 == 0)
    assert window.pressure() == 0.5
    window.advance(10**15)
    assert window.pressure() is None


@pytest.mark.parametrize("contracts", [0.0, -1.0, math.nan, math.inf])
def test_a_window_of_nothing_is_refused(contracts: float) -> None:
    with pytest.raises(ValueError, match="contracts"):
        VolumeWindow(contracts)
    with pytest.raises(ValueError, match="window"):
        TradeWindow(0)
