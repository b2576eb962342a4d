"""Whether now: the first reason is told, in the order of the reasons' own list."""

from __future__ import annotations

from decimal import Decimal

from brain.reasons import Reason, WhyNot
from brain.sizing.day import DayBook
from brain.sizing.pace import Pace
from brain.sizing.size import Sizer
from schemas.messages import RejectCode
from schemas.settings.sizing import Sizing
from tests.brain.sizing.support import S, account, engine, positions

RULES = Sizing(
    max_trades_per_day=1,
    losses_in_a_row=1,
    losses_pause_s=10,
    loss_cooldown_s=20,
    reject_pause_ms=30_000,
    cooldown_s=40,
)


def spoiled() -> tuple[Pace, DayBook]:
    """Everything speaks against an entry, but for the answer that is waited for."""
    day = DayBook(RULES, day_starts_utc_hour=0, owner="sim X")
    day.on_account(account(equity="90000", realised="-10000"))
    day.on_positions(positions(1), 0)
    pace = Pace(RULES, day)
    pace.sent(0)
    pace.acked(0)
    day.on_positions(positions(2, "1"), 0)
    day.on_positions(positions(3), 0)
    day.on_account(account(3, equity="89000", realised="-11000"))
    pace.sent(0)
    pace.rejected(RejectCode.TTL_EXPIRED, 0)
    return pace, day


def test_the_reasons_come_in_the_order_of_their_list_as_one_after_the_other_falls_away() -> None:
    pace, day = spoiled()
    said = []

    def look(at_s: float) -> None:
        why_not = pace.why_not(int(at_s * S))
        said.append(why_not.reason if why_not else None)

    pace.sent(0)
    look(0)
    pace.lost("i1")
    look(0)
    pace.settled(0)
    look(0)
    day.on_account(account(4, equity="1000000", realised="-11000"))
    look(0)
    day.on_account(account(10**9 * 90_000, equity="1000000"))  # a new day
    for at_s in (0, 10, 20, 30, 40):
        look(at_s)
    assert said == [
        Reason.WAITING_FOR_REPLY, Reason.OUTCOME_UNKNOWN, Reason.DAILY_LOSS, Reason.TRADES_A_DAY,
        Reason.LOSSES_IN_A_ROW, Reason.LOSS_COOLDOWN, Reason.REJECT_PAUSE, Reason.COOLDOWN, None,
    ]  # fmt: skip
    order = list(Reason)
    places = [order.index(reason) for reason in said if reason]
    assert places == sorted(places)


def test_the_cooldown_after_an_entry_outlives_a_restart() -> None:
    rules = Sizing(cooldown_s=40, loss_cooldown_s=0, losses_in_a_row=0, max_daily_loss_pct=0)
    day = DayBook(rules, day_starts_utc_hour=0, owner="sim X")
    for at_s, held in ((10, "0"), (20, "1"), (25, "0")):
        day.on_positions(positions(at_s * S, held), at_s * S)

    def restarted(saved: object, at_s: int) -> Pace:
        made = DayBook(rules, day_starts_utc_hour=0, owner="sim X")
        made.restore(saved, now_wall_ns=at_s * S, now_mono_ns=1_000 * S)
        return Pace(rules, made)

    pace = restarted(day.state(), 30)
    assert pace.why_not(1_001 * S) == WhyNot(Reason.COOLDOWN, "29 s left")
    assert pace.why_not(1_030 * S) is None
    pace.acked(1_031 * S)
    assert pace.why_not(1_070 * S) == WhyNot(Reason.COOLDOWN, "1 s left")
    assert restarted(day.state(), 5).why_not(1_000 * S) == WhyNot(Reason.COOLDOWN, "40 s left"), "a clock set back"
    assert restarted(None, 30).why_not(1_000 * S) == WhyNot(Reason.COOLDOWN, "40 s left"), "nobody knows"
    assert restarted(DayBook(rules, day_starts_utc_hour=0, owner="sim X").state(), 30).why_not(1_000 * S) is None


def test_an_entry_whose_outcome_is_lost_counts_as_a_trade_and_one_that_is_refused_does_not() -> None:
    day = DayBook(Sizing(), day_starts_utc_hour=0, owner="sim X")
    pace = Pace(Sizing(), day)
    for end in (lambda: pace.rejected(RejectCode.MARGIN, 1), lambda: pace.lost("i1"), lambda: pace.acked(1)):
        pace.sent(0)
        end()
    assert day.state()["entries"] == 2


def test_after_a_refusal_what_is_booked_late_belongs_to_the_last_trade_again() -> None:
    rules = Sizing.model_validate({"max_daily_loss_pct": 0, "reject_pause_ms": 0, "cooldown_s": 0})
    day = DayBook(rules, day_starts_utc_hour=0, owner="sim X")
    pace = Pace(rules, day)
    day.on_positions(positions(1), 0)
    day.on_account(account(1))
    day.on_positions(positions(2, "1"), 0)
    day.on_positions(positions(3), 0)
    day.on_account(account(3, realised="1"))
    pace.sent(0)
    pace.rejected(RejectCode.TTL_EXPIRED, 0)
    assert pace.why_not(0) is None
    day.on_account(account(4, realised="1", fees="-2"))
    assert pace.why_not(0) == WhyNot(Reason.LOSS_COOLDOWN, "120 s left; the last trade: -1 USDT")


def test_violations_halve_down_to_a_floor_within_what_the_engine_allows_and_acks_give_it_back() -> None:
    pace, size = Pace(Sizing()), Sizer(Sizing())
    sizes = []
    for _ in range(8):
        sizes.append(size(engine(), account(), 50_000.0, pace.authority))
        pace.rejected(RejectCode.RISK_VIOLATION, 0)
    assert [str(each) for each in sizes] == ["1.00", "0.50", "0.25", "0.12", "0.06", "0.03", "0.01", "0.01"]
    assert pace.authority == Decimal(1) / 64
    for _ in range(7):
        pace.acked(0)
    assert pace.authority == 1
