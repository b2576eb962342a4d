"""What the limits remember: the authority, the traffic, the ledger, the file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk.authority import SMALLEST, WHOLE, Authority
from engine.risk.ledger import Ledger, Trade
from engine.risk.memory import Remembered, RiskMemory
from engine.risk.traffic import TrafficCounter

S = 1_000_000_000
DAY = 86_400 * S
NOON = 19_000 * DAY + DAY // 2


def test_authority_is_halved_at_each_violation_and_comes_back_step_by_step() -> None:
    authority = Authority(300)
    assert [authority.violated(0), authority.violated(S)] == [50, 25]
    assert authority.pct(300 * S) == 25
    assert authority.pct(301 * S) == 50
    assert authority.pct(600 * S) == 50
    assert authority.pct(601 * S) == 100


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1_000)), max_size=30))
def test_authority_is_never_more_than_whole_nor_less_than_its_floor(steps: list[tuple[bool, int]]) -> None:
    authority, now, before = Authority(100), 0, WHOLE
    for violates, wait_s in steps:
        now += wait_s * S
        after = authority.violated(now) if violates else authority.pct(now)
        assert SMALLEST <= after <= WHOLE
        assert violates or wait_s == 0 or after >= before
        before = after
    assert authority.pct(now + 10_000 * S) == WHOLE


def test_the_throttle_latches_until_it_is_re_armed() -> None:
    traffic = TrafficCounter(limit=2, window_s=10)
    traffic.sent(0)
    traffic.sent(S // 2)
    seen = traffic.seen(S // 2)
    assert (seen.last_second, seen.in_window, seen.latched) == (2, 2, "")
    assert traffic.refused(S // 2)
    assert not traffic.refused(S)
    assert traffic.seen(20 * S).latched == "2 orders in 10 s"
    assert (traffic.seen(20 * S).last_second, traffic.seen(20 * S).in_window) == (0, 0)
    traffic.rearm()
    assert traffic.seen(20 * S).latched == ""


def trade(number: int, *, order: str = "o", pnl: str = "0", fee: str = "-1", at: int = NOON) -> Trade:
    return Trade(
        instrument="BTC-USDT-SWAP", trade_id=str(number), order_id=order, pnl=Decimal(pnl), fee=Decimal(fee), wall_ns=at
    )


def test_nothing_is_known_of_a_day_before_the_venue_s_fills_were_read() -> None:
    ledger = Ledger(day_starts_utc_hour=0)
    ledger.add(trade(1))
    assert ledger.today(NOON) is None
    ledger.whole = True
    assert ledger.today(NOON) == (0, -1)
    assert ledger.today(NOON + DAY) == (0, 0)


@pytest.mark.parametrize(("hour", "same_day"), [(0, True), (13, False)])
def test_a_day_begins_at_its_hour(hour: int, same_day: bool) -> None:
    ledger = Ledger(day_starts_utc_hour=hour)
    assert (ledger.day_of(NOON) == ledger.day_of(NOON + 2 * 3_600 * S)) is same_day
    assert ledger.day_began_ns(NOON) <= NOON < ledger.day_began_ns(NOON) + DAY
    assert ledger.day_began_ns(NOON) % DAY == hour * 3_600 * S


@given(st.permutations([trade(n, order=f"o{n}", pnl=str(n - 3), at=NOON + n * S) for n in range(7)]), st.data())
def test_every_order_of_fills_doubled_or_not_gives_the_same_ledger(trades: list[Trade], data: st.DataObject) -> None:
    ledger = Ledger(day_starts_utc_hour=0)
    ledger.whole = True
    again = data.draw(st.lists(st.sampled_from(trades)))
    assert [ledger.add(each) for each in [*trades, *again]] == [True] * 7 + [False] * len(again)
    assert ledger.today(NOON) == (sum(range(-3, 4)), -7)
    assert ledger.losses() == (0, None)


def test_losing_trades_in_a_row_are_counted_by_order_with_their_fees() -> None:
    ledger = Ledger(day_starts_utc_hour=0)
    ledger.add(trade(1, order="a", pnl="-5", at=NOON))
    ledger.add(trade(2, order="b", pnl="3", fee="-1", at=NOON + S))
    assert ledger.losses() == (0, None)
    ledger.add(trade(3, order="c", pnl="0.5", fee="-1", at=NOON + 2 * S))  # the fee makes it a loss
    ledger.add(trade(4, order="d", pnl="-1", at=NOON + 3 * S))
    ledger.add(trade(5, order="d", pnl="-1", at=NOON + 4 * S))
    ledger.add(trade(6, order="e", pnl="0", at=NOON + 5 * S))  # an entry closes nothing
    assert ledger.losses() == (2, NOON + 4 * S)


def test_what_the_limits_remember_survives_and_an_unreadable_file_asks_for_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "limits.json"
    memory = RiskMemory(path)
    kept = Remembered(day=7, opening=Decimal("100000.000000000001"), peak=Decimal(5), latched="x")
    memory.write(kept)
    assert RiskMemory(path).recalled == kept
    path.write_bytes(b'{"day": ')
    broken = RiskMemory(path)
    assert broken.recalled == Remembered(latched="what the limits remembered was unreadable")
    assert "sovereign rearm" in broken.problem
    assert path.with_suffix(".broken").exists()
    broken.write(broken.recalled)
    assert RiskMemory(path).recalled == broken.recalled
