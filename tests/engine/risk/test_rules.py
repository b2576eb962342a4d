"""A property for each rule: where exactly it draws its line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk import rules
from engine.risk.rules.base import Rule
from engine.risk.view import RiskView
from schemas.messages import OrderRequest, Side
from tests.support.orders import DAY, ORDER, TERMS, TRAFFIC, DeepBook, order, view

MS = 1_000_000
S = 1_000 * MS
CONTRACTS = st.decimals("0.01", "1000", places=2)
MONEY = st.decimals("1", "1000000", places=2)
POSITION = st.decimals("-500", "500", places=2)
PRICE = st.decimals("1000", "200000", places=1)


def passes(rule: Rule, request: OrderRequest, seen: RiskView) -> bool:
    return rule.judge(request, seen) is None


@given(CONTRACTS, MONEY, PRICE)
def test_the_share_of_the_account_is_exact(contracts: Decimal, equity: Decimal, price: Decimal) -> None:
    rule, seen = rules.AccountShare(10.0), view(equity=equity, price=price)
    share = contracts * Decimal("0.01") * price / equity * 100
    assert passes(rule, order(contracts=contracts), seen) == (share <= 10)


@given(CONTRACTS, st.sampled_from([Decimal(100), Decimal(50), Decimal(25), Decimal("1.5625")]))
def test_a_cut_authority_shrinks_the_share_and_a_whole_one_changes_nothing(contracts: Decimal, pct: Decimal) -> None:
    seen = view(authority_pct=pct)
    share = contracts * 640 / 100_000 * 100
    assert passes(rules.Authority(10.0), order(contracts=contracts), seen) == (pct == 100 or share <= 10 * pct / 100)


@given(CONTRACTS, CONTRACTS, st.none() | CONTRACTS)
def test_the_smaller_of_our_and_the_venue_s_largest_order_counts(
    contracts: Decimal, ours: Decimal, venues: Decimal | None
) -> None:
    seen = view(terms=replace(TERMS, largest_market=venues))
    allowed = ours if venues is None else min(ours, venues)
    assert passes(rules.MaxContracts(ours), order(contracts=contracts), seen) == (contracts <= allowed)


@given(CONTRACTS, PRICE, MONEY)
def test_the_notional_counts_at_the_worse_of_touch_and_limit(
    contracts: Decimal, limit_price: Decimal, most: Decimal
) -> None:
    worth = contracts * Decimal("0.01") * max(Decimal(64_000), limit_price)
    request = order(contracts=contracts, limit_price=limit_price)
    assert passes(rules.MaxNotional(most), request, view()) == (worth <= most)


@given(CONTRACTS, POSITION, CONTRACTS, CONTRACTS, CONTRACTS, st.sampled_from([Side.BUY, Side.SELL]))
def test_no_filling_of_what_works_takes_a_passed_order_over_the_position_limit(
    contracts: Decimal, held: Decimal, buys: Decimal, sells: Decimal, limit: Decimal, side: Side
) -> None:
    seen = view(position=held, working_buy=buys, working_sell=sells)
    worst = held + buys + contracts if side is Side.BUY else held - sells - contracts
    assert passes(rules.MaxPosition(limit), order(contracts=contracts, side=side), seen) == (abs(worst) <= limit)


@given(CONTRACTS, POSITION, MONEY, MONEY, MONEY)
def test_exposure_and_leverage_count_position_working_orders_and_this_one(
    contracts: Decimal, held: Decimal, working: Decimal, limit: Decimal, equity: Decimal
) -> None:
    seen = view(position=held, working_notional=working, equity=equity)
    gross = (abs(held) + contracts) * 640 + working
    assert passes(rules.GrossExposure(limit), order(contracts=contracts), seen) == (gross <= limit)
    assert passes(rules.Leverage(3.0), order(contracts=contracts), seen) == (gross <= 3 * equity)


@given(CONTRACTS, MONEY, MONEY, st.integers(1, 100))
def test_the_margin_that_an_order_takes_leaves_the_wanted_share_free(
    contracts: Decimal, available: Decimal, equity: Decimal, leverage: int
) -> None:
    seen = view(available=available, equity=equity, leverage=Decimal(leverage))
    free = available - contracts * 640 / leverage
    assert passes(rules.FreeMargin(10.0), order(contracts=contracts), seen) == (free / equity * 100 >= 10)


@given(st.integers(1, 100), st.floats(1, 50))
def test_more_leverage_brings_the_liquidation_nearer(leverage: int, limit: float) -> None:
    distance = 100 / leverage - rules.LiquidationDistance.RESERVE_PCT
    seen = view(leverage=Decimal(leverage))
    assert passes(rules.LiquidationDistance(limit), ORDER, seen) == (distance >= limit)


@given(PRICE, st.floats(0.01, 10))
def test_the_collar_holds_on_both_sides_and_against_both_references(limit_price: Decimal, limit_pct: float) -> None:
    inside = abs(float(limit_price) / 64_000 - 1) * 100 <= limit_pct
    request = order(limit_price=limit_price)
    assert passes(rules.PriceCollar(limit_pct), request, view()) == inside
    assert not passes(rules.PriceCollar(limit_pct), request, view(mark=1.0))


@given(st.floats(0, 1_000), st.floats(0.1, 100), st.sampled_from([Side.BUY, Side.SELL]))
def test_slippage_is_what_the_depth_costs_behind_the_touch(behind: float, limit_bps: float, side: Side) -> None:
    worse = abs((64_000 + behind if side is Side.BUY else 64_000 - behind) - 64_000.0) / 64_000 * 10_000
    seen = view(depth=DeepBook(behind=behind))
    assert passes(rules.Slippage(limit_bps), order(side=side), seen) == (worse <= limit_bps)
    assert passes(rules.Slippage(limit_bps), order(side=side, limit_price=Decimal(64_000)), seen)


AGES = st.integers(0, 10**12)


@given(AGES)
def test_times_are_too_old_from_the_first_nanosecond_beyond_the_limit(age_ns: int) -> None:
    assert passes(rules.PriceAge(100), ORDER, view(price_age_ns=age_ns)) == (age_ns <= 100 * MS)
    assert passes(rules.FeedSilence(2_000), ORDER, view(feed_age_ns=age_ns)) == (age_ns <= 2_000 * MS)
    assert passes(rules.BrainLease(3), ORDER, view(brain_age_ns=age_ns)) == (age_ns <= 3 * S)
    for sign in (1, -1):
        assert passes(rules.OrderAge(1_000), ORDER, view(order_age_ns=sign * age_ns)) == (age_ns <= S)
        assert passes(rules.ClockOffset(1_000), ORDER, view(clock_offset_ns=sign * age_ns)) == (age_ns <= S)


@given(st.decimals("-10000", "10000", places=2), st.floats(0, 20))
def test_a_day_is_over_when_the_limit_is_reached_and_not_before(result: Decimal, limit: float) -> None:
    lost = -result / 1_000
    seen = view(day=replace(DAY, result=result))
    assert passes(rules.DailyLoss(limit), ORDER, seen) == (lost < Decimal(str(limit)))


@given(MONEY, MONEY)
def test_a_drawdown_is_measured_from_the_peak(equity: Decimal, peak: Decimal) -> None:
    seen = view(equity=equity, day=replace(DAY, peak=peak))
    assert passes(rules.Drawdown(10.0), ORDER, seen) == ((peak - equity) / peak * 100 < 10)


@given(st.integers(0, 10), st.integers(0, 2_000))
def test_losses_in_a_row_bring_a_cooldown_that_ends(losses: int, ago_s: int) -> None:
    seen = view(day=replace(DAY, losses=losses, last_loss_age_ns=ago_s * S if losses else None))
    assert passes(rules.LossCooldown(4, 900), ORDER, seen) == (losses < 4 or ago_s >= 900)


@given(st.integers(0, 20), st.integers(0, 100), st.sampled_from(["", "before"]))
def test_the_pace_is_limited_by_the_second_and_by_the_window(second: int, window: int, latched: str) -> None:
    seen = view(traffic=replace(TRAFFIC, last_second=second, in_window=window, latched=latched))
    assert passes(rules.MessageRate(5), ORDER, seen) == (second < 5)
    assert passes(rules.RepeatedExecution(40, 600), ORDER, seen) == (window < 40 and not latched)


@given(st.decimals("0.001", "100", places=3))
def test_the_grid_never_rounds(contracts: Decimal) -> None:
    verdict = rules.Grid().judge(order(contracts=contracts), view())
    assert (verdict is None) == (contracts % TERMS.lot == 0 and contracts >= TERMS.minimum)


@given(st.none() | st.floats(0.1, 50), st.booleans(), st.booleans())
def test_a_stop_is_needed_where_it_is_required(sl_pct: float | None, reduce_only: bool, required: bool) -> None:
    rule = rules.ProtectiveStop(required=required)
    protected = sl_pct is not None and not reduce_only
    assert passes(rule, order(sl_pct=sl_pct, reduce_only=reduce_only), view()) == (protected or not required)


@given(st.text(max_size=40))
def test_an_intent_is_what_the_venue_takes_as_a_client_id_and_is_sent_once(intent: str) -> None:
    fits = 1 <= len(intent) <= 32 and intent.isascii() and intent.isalnum()
    assert passes(rules.WellFormed(), order(intent_id=intent), view()) == fits
    assert not passes(rules.DuplicateIntent(), order(intent_id=intent), view(known_intents={intent}))


@given(st.sampled_from(["BTC-USDT-SWAP", "ETH-USDT-SWAP", "", "btc-usdt-swap"]), st.booleans())
def test_only_what_is_listed_and_ours_is_allowed(instrument: str, listed: bool) -> None:
    rule = rules.AllowList(["BTC-USDT-SWAP"] if listed else [])
    assert passes(rule, order(instrument=instrument), view()) == (listed and instrument == "BTC-USDT-SWAP")


@pytest.mark.parametrize("valid", [True, False])
def test_a_book_is_valid_or_nothing_is_bought_on_it(valid: bool) -> None:
    assert passes(rules.BookValidity(), ORDER, view(book_valid=valid)) is valid
