from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.trade_chain import Hole, SeenIds, TradeChain
from tests.brain.order_flow.support import S, okx

Step = tuple[str, int, int, int]
"""("tell", id, count, ns) or ("filled", from, to, 0)."""


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Groups of trades as a venue numbers them, some of them lost, some of those filled."""
    steps: list[Step] = []
    number = draw(st.integers(0, 1_000))
    for group, count in enumerate(draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))):
        number += count
        if draw(st.booleans()):
            steps.append(("tell", number, count, (group + 1) * 100))
    for _ in range(draw(st.integers(0, 3))):
        low = draw(st.integers(1, number))
        steps.append(("filled", low, draw(st.integers(low, number)), 0))
    return steps


def apply(chain: TradeChain, steps: list[Step]) -> list[bool]:
    new = []
    for kind, first, second, when in steps:
        if kind == "tell":
            new.append(chain.tell(first, second, when))
        else:
            chain.filled(first, second)
    return new


def expected(steps: list[Step]) -> tuple[Hole, ...]:
    """From the definition: number by number."""
    times: dict[int, int] = {}
    filled: set[int] = set()
    for kind, first, second, when in steps:
        if kind == "tell":
            times.update(dict.fromkeys(range(first - second + 1, first + 1), when))
        else:
            filled.update(range(first, second + 1))
    if not times:
        return ()
    missing = [n for n in range(min(times), max(times)) if n not in times and n not in filled]
    holes: list[Hole] = []
    for number in missing:
        before = next(times[n] for n in range(number, max(times) + 1) if n in times)
        if holes and holes[-1].to_id == number - 1:
            holes[-1] = Hole(holes[-1].from_id, number, before)
        else:
            holes.append(Hole(number, number, before))
    return tuple(holes)


@given(st.data(), histories())
def test_any_order_of_the_same_trades_and_fills_ends_in_the_same_holes(data: st.DataObject, steps: list[Step]) -> None:
    chain = TradeChain()
    doubled = [step for step in steps if data.draw(st.booleans())]
    apply(chain, data.draw(st.permutations(steps + doubled)))
    assert chain.holes == expected(steps)
    assert chain.restarts == 0


@given(st.data(), histories())
def test_each_trade_is_new_once(data: st.DataObject, steps: list[Step]) -> None:
    told = [step for step in steps if step[0] == "tell"]
    new = apply(TradeChain(), data.draw(st.permutations(told + told)))
    assert sum(new) == len(told)


def test_a_hole_opens_is_filled_in_part_and_closes() -> None:
    chain = TradeChain()
    apply(chain, [("tell", 10, 1, 100), ("tell", 15, 2, 200)])
    assert chain.holes == (Hole(11, 13, 200),)
    chain.filled(12, 12)
    assert chain.holes == (Hole(11, 11, 200), Hole(13, 13, 200))
    assert chain.tell(13, 1, 190)
    assert chain.holes == (Hole(11, 11, 190),)
    chain.filled(11, 11)
    assert chain.holes == ()


def test_a_hole_lies_in_a_window_until_all_that_can_be_missing_has_left_it() -> None:
    chain = TradeChain()
    apply(chain, [("tell", 10, 1, 100), ("tell", 12, 1, 200), ("tell", 13, 1, 900)])
    assert chain.hole_after(199) == Hole(11, 11, 200)
    assert chain.hole_after(200) is None


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_groups_that_begin_alike_the_later_time_bounds_the_hole(order: int) -> None:
    chain = TradeChain()
    chain.tell(10, 1, 100)
    for trade_id, count, when in [(12, 1, 200), (13, 2, 300)][::order]:
        chain.tell(trade_id, count, when)
    assert chain.holes == (Hole(11, 11, 300),)


@pytest.mark.parametrize(("trade_id", "count"), [(5, 0), (0, 1), (-3, 1), (5, -1)])
def test_a_venue_that_does_not_say_has_no_holes_and_no_doubles(trade_id: int, count: int) -> None:
    chain = TradeChain()
    assert [chain.tell(trade_id, count, when) for when in (1, 1)] == [True, True]
    assert chain.tell(100, 1, 3)
    assert chain.holes == ()


def test_a_venue_that_counts_anew_is_followed() -> None:
    chain = TradeChain()
    apply(chain, [("tell", 1_000, 1, 10 * S), ("tell", 1_005, 1, 11 * S)])
    assert not chain.tell(1_000, 1, 10 * S)
    assert chain.tell(1, 1, 12 * S + 1)
    assert (chain.holes, chain.restarts) == ((), 1)
    assert chain.tell(2, 1, 12 * S + 2)
    assert not chain.tell(1, 1, 12 * S + 1)


def test_of_too_many_pieces_the_oldest_are_forgotten_and_their_trades_are_not_new() -> None:
    chain = TradeChain(keep=3)
    for number in range(10, 60, 10):
        chain.tell(number, 1, number)
        chain.filled(number + 5, number + 5)
    assert [hole.from_id for hole in chain.holes] == [31, 36, 41, 46]
    assert not chain.tell(15, 1, 15)
    assert not chain.tell(20, 1, 20)
    assert chain.tell(35, 1, 35)


@pytest.mark.parametrize("span", [(0, 5), (5, 4), (-1, -1)])
def test_a_fill_of_nothing_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no span"):
        TradeChain().filled(*span)


def test_recorded_trades_of_okx_have_no_hole_and_a_lost_one_is_found() -> None:
    rows = okx()
    whole, torn = TradeChain(), TradeChain()
    assert all(whole.tell(row.trade_id, 1, row.exchange_ns) for row in rows)
    assert whole.holes == ()
    lost = rows[len(rows) // 2]
    for row in rows:
        assert row is lost or torn.tell(row.trade_id, 1, row.exchange_ns)
    after = rows[rows.index(lost) + 1]
    assert torn.holes == (Hole(lost.trade_id, lost.trade_id, after.exchange_ns),)


def test_ids_without_numbering_are_told_apart_by_themselves_in_bounded_memory() -> None:
    seen = SeenIds(keep=2)
    answers: list[Any] = [seen.tell(number, 1) for number in (7, 7, 3, 7, 9, 7, 0, 0)]
    assert answers == [True, False, True, False, True, True, True, True]
    assert seen.tell(9, 2 * S)  # the venue counts anew
    assert not seen.tell(9, 2 * S)
