"""The book of days: daily loss, trades a day, losing trades; and what of it outlives a restart."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.reasons import Reason, WhyNot
from brain.sizing.day import DayBook
from schemas.settings.sizing import Sizing
from tests.brain.sizing.support import DAY, S, account, positions

NOON = 20_000 * DAY + 12 * 3_600 * S
OWNER = "sim X"
FREE = {"max_daily_loss_pct": 0, "loss_cooldown_s": 0, "losses_in_a_row": 0}


def settings(**changes: Any) -> Sizing:
    return Sizing.model_validate({**FREE, **changes})


def book(rules: Sizing, hour: int = 0) -> DayBook:
    return DayBook(rules, day_starts_utc_hour=hour, owner=OWNER)


def flat(rules: Sizing, at_ns: int = NOON, **numbers: Any) -> DayBook:
    """A book that has heard that nothing is held."""
    made = book(rules)
    made.on_positions(positions(at_ns), 0)
    made.on_account(account(at_ns, **numbers))
    return made


def trade(made: DayBook, at_s: float, *, before: str, after: str | None, ours: bool = True) -> None:
    """An entry at `at_s` after noon, flat a second later; the account says `before` and then `after`."""
    at_ns = NOON + int(at_s * S)
    made.on_account(account(at_ns, realised=before))
    if ours:
        made.sending()
        made.entered()
    made.on_positions(positions(at_ns, "1"), at_ns - NOON)
    made.on_positions(positions(at_ns + S), at_ns - NOON + S)
    made.on_account(account(at_ns + S, realised=after))


def why(made: DayBook, at_s: float) -> WhyNot | None:
    return made.why_not(int(at_s * S))


# the day's loss


def test_the_day_ends_when_realised_fees_and_unrealised_reach_the_limit_of_the_opening_equity() -> None:
    made = book(settings(max_daily_loss_pct=2.0))
    made.on_positions(positions(NOON, "1", "-300"), 0)
    # opening: 98,010 - (-1,600 - 89 - 300) = 99,999; lost: 1,989 = 1.98901989 %
    made.on_account(account(NOON, equity="98010", realised="-1600", fees="-89"))
    assert made.lost_pct() == pytest.approx(Decimal("1.98901989"), abs=Decimal("1e-8"))
    assert why(made, 0) is None
    made.on_account(account(NOON, equity="98000", realised="-1600", fees="-100"))
    assert why(made, 0) == WhyNot(
        Reason.DAILY_LOSS, "2.000 % of the day's opening equity, the limit is 2 %"
    )  # fmt: skip
    made.on_positions(positions(NOON, "1", "300"), 0)  # the position turned: the day goes on
    assert why(made, 0) is None


def test_the_day_s_loss_needs_no_memory() -> None:
    for _ in range(2):  # a restart
        made = flat(settings(max_daily_loss_pct=2.0), equity="97000", realised="-3000")
        assert why(made, 0) == WhyNot(Reason.DAILY_LOSS, "3.000 % of the day's opening equity, the limit is 2 %")


@pytest.mark.parametrize("numbers", [{"equity": None}, {"realised": None}, {"fees": None}, {"equity": "-5"}])
def test_a_day_whose_result_is_not_known_allows_no_entry(numbers: dict[str, Any]) -> None:
    made = flat(settings(max_daily_loss_pct=2.0), **numbers)
    assert why(made, 0) == WhyNot(
        Reason.STATE_UNKNOWN, "the day's result is not known, and the daily loss is limited"
    )  # fmt: skip
    assert why(flat(settings(), **numbers), 0) is None


def test_before_anything_was_heard_and_with_an_unknown_unrealised_the_day_is_not_known() -> None:
    made = book(settings(max_daily_loss_pct=2.0))
    assert made.why_not(0) is not None
    made.on_account(account(NOON))
    assert made.lost_pct() is None
    made.on_positions(positions(NOON, "1", None), 0)
    assert made.lost_pct() is None
    made.on_positions(positions(NOON), 0)
    assert made.lost_pct() == 0


def test_a_new_day_begins_at_its_hour_and_its_account_is_not_known_until_it_is_heard() -> None:
    made = DayBook(settings(max_daily_loss_pct=2.0), day_starts_utc_hour=13, owner=OWNER)
    made.on_positions(positions(NOON), 0)
    made.on_account(account(NOON, equity="97000", realised="-3000"))
    assert why(made, 0) is not None
    made.on_positions(positions(NOON + 3_600 * S), 0)
    said = why(made, 0)
    assert said is not None
    assert said.reason is Reason.STATE_UNKNOWN
    made.on_account(account(NOON + 3_600 * S, equity="97000"))
    assert why(made, 0) is None


def test_an_account_of_a_day_that_was_over_leaves_the_day_unknown() -> None:
    made = flat(settings(max_daily_loss_pct=2.0))
    made.on_account(account(NOON - DAY))
    said = why(made, 0)
    assert said is not None
    assert said.reason is Reason.STATE_UNKNOWN


# trades a day


def test_entries_are_counted_once_whichever_is_heard_first() -> None:
    made = flat(settings(max_trades_per_day=3))
    trade(made, 1, before="0", after="1")  # the answer first
    made.sending()
    made.on_positions(positions(NOON + 3 * S, "-1"), 3 * S)  # the position first
    made.entered()
    made.on_positions(positions(NOON + 4 * S), 4 * S)
    assert why(made, 5) is None
    trade(made, 6, before="1", after="2", ours=False)  # nobody's entry: it counts as well
    assert why(made, 8) == WhyNot(Reason.TRADES_A_DAY, "3 today, the limit is 3")
    made.on_account(account(NOON + DAY))
    assert why(made, 8) is None


def test_an_entry_that_was_refused_is_no_trade() -> None:
    made = flat(settings(max_trades_per_day=1))
    made.sending()
    made.refused()
    assert why(made, 1) is None
    made.sending()
    made.entered()
    assert why(made, 1) == WhyNot(Reason.TRADES_A_DAY, "1 today, the limit is 1")


# losses


def test_a_loss_pauses_and_a_gain_does_not() -> None:
    made = flat(settings(loss_cooldown_s=60))
    trade(made, 0, before="0", after="5")
    assert why(made, 1) is None
    trade(made, 10, before="5", after="4.5")
    assert why(made, 11) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: -0.5 USDT")
    assert why(made, 70.9) is not None
    assert why(made, 71) is None


def test_losses_in_a_row_pause_longer_until_one_is_won() -> None:
    made = flat(settings(losses_in_a_row=2, losses_pause_s=100))
    trade(made, 0, before="0", after="-1")
    assert why(made, 1) is None
    trade(made, 10, before="-1", after="-3")
    assert why(made, 11) == WhyNot(Reason.LOSSES_IN_A_ROW, "2 in a row, 100 s left; the last: -2 USDT")
    assert why(made, 111) is None
    trade(made, 200, before="-3", after="-4")  # a third one pauses again
    assert why(made, 201) == WhyNot(Reason.LOSSES_IN_A_ROW, "3 in a row, 100 s left; the last: -1 USDT")
    trade(made, 400, before="-4", after="0")
    trade(made, 410, before="0", after="-1")
    assert why(made, 411) is None


def test_partial_closes_are_one_trade_with_one_result() -> None:
    made = flat(settings(loss_cooldown_s=60))
    made.sending()
    made.entered()
    for second, contracts, realised in ((1, "3", "-1"), (2, "2", "-4"), (3, "1", "2"), (4, "0", "3")):
        made.on_positions(positions(NOON + second * S, contracts), second * S)
        made.on_account(account(NOON + second * S, realised=realised))
        if contracts != "0":
            assert why(made, second) is None
    assert why(made, 5) is None


def test_a_result_that_is_not_known_is_a_loss_until_it_is_known_to_be_none() -> None:
    made = flat(settings(loss_cooldown_s=60))
    made.sending()
    made.entered()
    made.on_positions(positions(NOON + S, "1"), S)
    made.on_positions(positions(NOON + 2 * S), 2 * S)
    unknown = WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: result not known yet")
    assert why(made, 2) == unknown
    made.on_account(account(NOON + S, realised="9"))  # older than the end: it says nothing
    assert why(made, 2) == unknown
    made.on_account(account(NOON + 2 * S, realised=None))
    assert why(made, 2) == unknown
    made.on_account(account(NOON + 2 * S))  # nothing booked yet
    assert why(made, 2) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: 0 USDT")
    made.on_account(account(NOON + 3 * S, realised="3", fees="-1"))
    assert why(made, 3) is None
    made.on_account(account(NOON + 4 * S, realised="3", fees="-4"))  # a fee that came late
    assert why(made, 4) == WhyNot(Reason.LOSS_COOLDOWN, "58 s left; the last trade: -1 USDT")


def test_what_is_booked_after_an_entry_went_out_is_the_entry_s_and_not_the_last_trade_s() -> None:
    made = flat(settings(loss_cooldown_s=60))
    trade(made, 0, before="0", after="1")
    made.sending()
    made.on_account(account(NOON + 5 * S, realised="1", fees="-2"))  # the fee before the position
    assert why(made, 5) is None
    made.entered()
    made.on_positions(positions(NOON + 6 * S, "1"), 6 * S)
    made.on_positions(positions(NOON + 7 * S), 7 * S)
    made.on_account(account(NOON + 7 * S, realised="2.5", fees="-2"))  # won 1.5, paid 2
    assert why(made, 7) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: -0.5 USDT")


def test_a_trade_over_the_turn_of_the_day_has_the_result_of_both() -> None:
    made = flat(settings(loss_cooldown_s=60), at_ns=NOON + DAY // 2 - 10 * S, realised="100")
    made.on_positions(positions(NOON + DAY // 2 - 9 * S, "1"), S)
    made.on_account(account(NOON + DAY // 2 - S, realised="97"))
    made.on_account(account(NOON + DAY // 2 + S, realised="0"))
    made.on_positions(positions(NOON + DAY // 2 + 2 * S), 12 * S)
    made.on_account(account(NOON + DAY // 2 + 2 * S, realised="2.5"))
    assert why(made, 12) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: -0.5 USDT")
    made.on_account(account(NOON + DAY // 2 + 3 * S, realised="3.5"))
    assert why(made, 13) is None


def test_a_position_that_is_turned_around_ends_one_trade_and_begins_another() -> None:
    made = flat(settings(losses_in_a_row=2, losses_pause_s=100, max_trades_per_day=9))
    made.on_positions(positions(NOON + S, "1"), S)
    made.on_account(account(NOON + 2 * S, realised="-1"))
    made.on_positions(positions(NOON + 3 * S, "-1"), 3 * S)
    made.on_positions(positions(NOON + 4 * S), 4 * S)
    made.on_account(account(NOON + 4 * S, realised="-3"))
    assert why(made, 4) == WhyNot(Reason.LOSSES_IN_A_ROW, "2 in a row, 100 s left; the last: -2 USDT")
    assert made.state()["entries"] == 2


# restarts


def restarted(made: DayBook, rules: Sizing, at_s: float, mono_s: float = 0.0) -> DayBook:
    again = book(rules)
    saved = json.loads(json.dumps(made.state()))
    assert again.restore(saved, now_wall_ns=NOON + int(at_s * S), now_mono_ns=int(mono_s * S)) == ""
    return again


def test_pauses_and_counts_outlive_a_restart() -> None:
    rules = settings(loss_cooldown_s=60, losses_in_a_row=2, losses_pause_s=100, max_trades_per_day=3)
    made = flat(rules)
    trade(made, 0, before="0", after="-1")
    made = restarted(made, rules, 21)
    made.on_positions(positions(NOON + 21 * S), 0)
    made.on_account(account(NOON + 21 * S, realised="-1"))
    assert why(made, 0) == WhyNot(Reason.LOSS_COOLDOWN, "40 s left; the last trade: lost")
    trade(made, 80, before="-1", after="-2")
    assert why(made, 81) == WhyNot(Reason.LOSSES_IN_A_ROW, "2 in a row, 100 s left; the last: -1 USDT")
    trade(made, 300, before="-2", after="3")
    assert why(made, 301) == WhyNot(Reason.TRADES_A_DAY, "3 today, the limit is 3")
    assert why(restarted(made, rules, 302), 0) == WhyNot(Reason.TRADES_A_DAY, "3 today, the limit is 3")
    assert why(restarted(made, rules, 86_400), 0) is None


def test_a_trade_that_ended_while_the_brain_was_away_has_its_result_on_the_same_day_and_is_a_loss_on_another() -> None:
    rules = settings(loss_cooldown_s=60)
    made = flat(rules, realised="5")
    made.on_positions(positions(NOON + S, "1"), S)
    same = restarted(made, rules, 100)
    same.on_positions(positions(NOON + 100 * S), 0)
    same.on_account(account(NOON + 100 * S, realised="6"))
    assert why(same, 0) is None
    same.on_account(account(NOON + 101 * S, realised="4"))
    assert why(same, 0) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: -1 USDT")
    other = restarted(made, rules, 86_400)
    other.on_positions(positions(NOON + DAY), 0)
    other.on_account(account(NOON + DAY, realised="6"))
    assert why(other, 0) == WhyNot(Reason.LOSS_COOLDOWN, "60 s left; the last trade: result not known yet")


def test_a_clock_that_was_set_back_makes_no_pause_shorter() -> None:
    rules = settings(loss_cooldown_s=60)
    made = flat(rules)
    trade(made, 100, before="0", after="-1")
    assert why(restarted(made, rules, 50, 1_000), 1_000) == WhyNot(
        Reason.LOSS_COOLDOWN, "60 s left; the last trade: lost"
    )


GOOD = flat(settings()).state()


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ("x", "it is no book of days (Expected `object`, got `str`)"),
        ({}, "it is no book of days"),
        ({**GOOD, "schema": 2}, "`$.schema`"),
        ({**GOOD, "losses": -1}, "`$.losses`"),
        ({**GOOD, "more": 1}, "unknown field `more`"),
        ({**GOOD, "base": "NaN"}, "base: NaN is no amount"),
        ({**GOOD, "base": "-1E+999999"}, "base: -1E+999999 is no amount"),
        ({**GOOD, "owner": "live X"}, "it is of 'live X', not of 'sim X'"),
        ({**GOOD, "day": 10**6}, "its day lies in the future"),
        ({**GOOD, "day_starts_utc_hour": 5}, "its days begin at 5 h UTC, and not at 0 h"),
    ],
)
def test_a_broken_or_foreign_book_is_refused_and_speaks_against_entries_for_its_time(saved: object, said: str) -> None:
    rules = settings(losses_in_a_row=3, losses_pause_s=100, loss_cooldown_s=200, max_trades_per_day=5)
    made = book(rules)
    problem = made.restore(saved, now_wall_ns=NOON, now_mono_ns=7 * S)
    assert said in problem
    assert made.problem == problem
    answer = made.why_not(7 * S)
    assert answer == WhyNot(Reason.TRADES_A_DAY, f"how many there were today is not known: {problem}")
    made.on_positions(positions(NOON + DAY), 8 * S)
    assert made.why_not(8 * S) == WhyNot(Reason.LOSSES_IN_A_ROW, "3 in a row, 99 s left; the last: lost")
    assert made.why_not(107 * S) == WhyNot(Reason.LOSS_COOLDOWN, "100 s left; the last trade: lost")
    assert made.why_not(207 * S) is None


RESULTS = st.lists(st.integers(-5, 5), min_size=1, max_size=12)


@given(RESULTS, st.integers(0, 12))
def test_the_losses_in_a_row_are_those_at_the_end_also_over_a_restart(results: list[int], restart_at: int) -> None:
    rules = settings(losses_in_a_row=1, losses_pause_s=604_800)
    made, total = flat(rules), 0
    for number, result in enumerate(results):
        if number == restart_at:
            made = restarted(made, rules, number * 10, number * 10)
            made.on_positions(positions(NOON + number * 10 * S), number * 10 * S)
        trade(made, number * 10, before=str(total), after=str(total + result))
        total += result
    expected = 0
    for result in reversed(results):
        if result > 0:
            break
        expected += 1
    assert made.state()["losses"] == expected
    assert made.state()["entries"] == len(results)
    said = why(made, len(results) * 10)
    assert (said is None) == (expected == 0)
