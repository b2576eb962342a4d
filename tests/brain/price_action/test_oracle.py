"""Against the outputs of smart-money-concepts: equal, or the difference is in differences.md with its checked cause."""

from __future__ import annotations

from brain.price_action import layout
from tests.brain.price_action import oracle
from tests.brain.price_action.bars import eurusd
from tests.brain.price_action.differences import TABLE, UNEXPLAINED, table


def test_the_table_of_differences_is_what_a_new_comparison_finds() -> None:
    found = table()
    assert found == TABLE.read_text(), "run python -m tests.brain.price_action.differences and read what changed"
    assert UNEXPLAINED not in found


def test_every_gap_is_equal_in_direction_top_bottom_and_mitigation_and_known_a_bar_after_its_own() -> None:
    single = oracle.our_gaps(layout.GAP, layout.GAP_MITIGATED)
    joined = oracle.our_gaps(layout.JOINED, layout.JOINED_MITIGATED)
    assert single == oracle.their_gaps("fvg_result_data.csv")
    assert joined == oracle.their_gaps("fvg_consecutive_result_data.csv")
    assert all(at == bar + 1 for _, _, bar, at, *_ in oracle.our_marks(layout.GAP, layout.JOINED))


def test_every_swing_is_equal_but_for_those_that_they_force_on_the_first_and_the_last_bar() -> None:
    theirs, last = oracle.their_swings(), len(eurusd().close) - 1
    assert oracle.our_swings() == {bar: swing for bar, swing in theirs.items() if bar not in {0, last}}
    assert all(at == bar + 5 for _, _, bar, at, *_ in oracle.our_marks(layout.SWING))


def test_nineteen_breaks_of_twenty_are_equal_and_known_at_the_very_bar_that_breaks() -> None:
    ours, (theirs, _) = oracle.our_breaks(), oracle.their_breaks()
    equal = sum(ours.get(bar) == each for bar, each in theirs.items())
    assert equal / len(theirs) > 0.95
