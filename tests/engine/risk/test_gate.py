"""The gate: every rule has a refusal with its code, nothing unknown passes, nothing that only reduces is trapped."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk import rules
from engine.risk.gate import Cleared, Gate, default_gate
from engine.risk.rules.base import Limit
from engine.risk.view import Refusal, reduces
from schemas.messages import OrderRequest, RejectCode, Side, TradingState
from schemas.settings.risk import Risk
from tests.support.orders import DAY, ORDER, TERMS, TRAFFIC, DeepBook, order, view

GATE = default_gate(Risk(), brain_timeout_s=3)
MS = 1_000_000
S = 1_000 * MS
C = RejectCode


def refused(verdict: Cleared | Refusal) -> Refusal:
    assert isinstance(verdict, Refusal)
    return verdict


def test_a_plain_order_is_cleared() -> None:
    verdict = GATE.judge(ORDER, view())
    assert isinstance(verdict, Cleared)
    assert verdict.order == ORDER


REFUSALS: list[tuple[dict[str, Any], dict[str, Any], RejectCode, str, str | None, str | None]] = [
    # changes of the order, what is seen, code, rule, observed, limit
    ({"intent_id": "a-b"}, {}, C.MALFORMED, "well_formed", "a-b", "1-32 letters and digits"),
    ({"intent_id": ""}, {}, C.MALFORMED, "well_formed", "", "1-32 letters and digits"),
    ({"contracts": Decimal(0)}, {}, C.MALFORMED, "well_formed", "0", "> 0"),
    ({"contracts": Decimal(-1)}, {}, C.MALFORMED, "well_formed", "-1", "> 0"),
    ({"tp_pct": float("nan")}, {}, C.MALFORMED, "well_formed", "nan", "0 < tp_pct <= 50.0"),
    ({"sl_pct": -0.1}, {}, C.MALFORMED, "well_formed", "-0.1", "0 < sl_pct <= 50.0"),
    ({}, {"trading_state": TradingState.HALTED}, C.TRADING_STATE, "trading_state", "HALTED", "ACTIVE"),
    ({}, {"trading_state": TradingState.REDUCING}, C.TRADING_STATE, "trading_state", "REDUCING", "ACTIVE"),
    ({"instrument": "DOGE-USDT-SWAP"}, {}, C.NOT_ALLOWED, "allow_list", "DOGE-USDT-SWAP", "BTC-USDT-SWAP"),
    ({"contracts": Decimal("0.015")}, {}, C.OFF_GRID, "grid", "0.015", "multiple of 0.01"),
    ({"contracts": Decimal("0.001")}, {}, C.OFF_GRID, "grid", "0.001", ">= 0.01"),
    ({"limit_price": Decimal("64000.05")}, {}, C.OFF_GRID, "grid", "64000.05", "multiple of 0.1"),
    ({}, {"terms": None}, C.UNKNOWN_INPUT, "grid", None, None),
    ({"sl_pct": None}, {}, C.NO_STOP, "protective_stop", "none", "a stop-loss"),
    ({"reduce_only": True}, {}, C.NO_STOP, "protective_stop", "none", "a stop-loss"),
    ({"contracts": Decimal("100.01")}, {"equity": Decimal(10**9)}, C.RISK_VIOLATION, "max_contracts",
     "100.01 contracts", "100 contracts"),
    ({"contracts": Decimal(13)}, {"terms": replace(TERMS, largest_market=Decimal(12))}, C.RISK_VIOLATION,
     "max_contracts", "13 contracts", "12 contracts"),
    ({"contracts": Decimal("15.63")}, {}, C.RISK_VIOLATION, "account_share", "10.0032 %", "10.0 %"),
    ({}, {"equity": None}, C.RISK_VIOLATION, "account_share", None, "10.0 %"),
    ({}, {"price": None}, C.RISK_VIOLATION, "account_share", None, "10.0 %"),
    ({}, {"equity": Decimal(0)}, C.RISK_VIOLATION, "account_share", None, "10.0 %"),
    ({"contracts": Decimal(8)}, {"authority_pct": Decimal(50)}, C.RISK_VIOLATION, "authority", "5.1200 %", "5.0 %"),
    ({"contracts": Decimal(79)}, {"equity": Decimal(10**6)}, C.RISK_VIOLATION, "max_notional",
     "50560.00 USDT", "50000 USDT"),
    ({}, {"price_age_ns": 101 * MS}, C.TTL_EXPIRED, "price_age", "101.0 ms", "100 ms"),
    ({}, {"price_age_ns": None}, C.TTL_EXPIRED, "price_age", None, "100 ms"),
    ({}, {"order_age_ns": 1_001 * MS}, C.TTL_EXPIRED, "order_age", "1001.0 ms", "1000 ms"),
    ({}, {"order_age_ns": -1_001 * MS}, C.TTL_EXPIRED, "order_age", "-1001.0 ms", "1000 ms"),
    ({}, {"feed_age_ns": 2_001 * MS}, C.FEED_SILENT, "feed_silence", "2001 ms", "2000 ms"),
    ({}, {"feed_age_ns": None}, C.FEED_SILENT, "feed_silence", None, "2000 ms"),
    ({}, {"book_valid": False}, C.BOOK_INVALID, "book_validity", "invalid", "an unbroken, uncrossed book"),
    ({}, {"clock_offset_ns": 1_001 * MS}, C.CLOCK_SKEW, "clock_offset", "1001 ms", "1000 ms"),
    ({}, {"clock_offset_ns": -1_001 * MS}, C.CLOCK_SKEW, "clock_offset", "-1001 ms", "1000 ms"),
    ({}, {"clock_offset_ns": None}, C.CLOCK_SKEW, "clock_offset", None, "1000 ms"),
    ({}, {"brain_age_ns": 3_100 * MS}, C.BRAIN_SILENT, "brain_lease", "3.1 s", "3 s"),
    ({}, {"brain_age_ns": None}, C.BRAIN_SILENT, "brain_lease", None, "3 s"),
    ({"limit_price": Decimal(64_641)}, {}, C.PRICE_COLLAR, "price_collar", "1.0016 %", "1 %"),
    ({}, {"mark": 65_000.0}, C.PRICE_COLLAR, "price_collar", "1.5385 %", "1 %"),
    ({}, {"mark": None}, C.PRICE_COLLAR, "price_collar", None, "1 %"),
    ({}, {"mid": None}, C.PRICE_COLLAR, "price_collar", None, "1 %"),
    ({}, {"depth": DeepBook(behind=70)}, C.SLIPPAGE, "slippage", "10.94 bps", "10 bps"),
    ({}, {"depth": DeepBook(holds=0.5)}, C.SLIPPAGE, "slippage", None, "10 bps"),
    ({}, {"position": Decimal("199.01")}, C.POSITION_LIMIT, "max_position", "200.01 contracts", "200 contracts"),
    ({}, {"position": Decimal(190), "working_buy": Decimal(10)}, C.POSITION_LIMIT, "max_position", "201 contracts",
     "200 contracts"),
    ({}, {"position": None}, C.POSITION_LIMIT, "max_position", None, "200 contracts"),
    ({}, {"position": Decimal(100), "working_notional": Decimal(86_000)}, C.EXPOSURE_LIMIT, "gross_exposure",
     "150640.00 USDT", "150000 USDT"),
    ({}, {"position": Decimal(100), "equity": Decimal(20_000)}, C.EXPOSURE_LIMIT, "leverage", "3.232 x", "3.0 x"),
    ({}, {"available": Decimal(10_127)}, C.MARGIN, "free_margin", "10.00 %", "10.0 %"),
    ({}, {"available": None}, C.MARGIN, "free_margin", None, "10.0 %"),
    ({}, {"leverage": None}, C.MARGIN, "free_margin", None, "10.0 %"),
    ({}, {"leverage": Decimal(20)}, C.MARGIN, "liquidation_distance", "4.00 %", "5 %"),
    ({}, {"position": Decimal(1), "liquidation_price": Decimal(61_440)}, C.MARGIN, "liquidation_distance", "4.00 %",
     "5 %"),
    ({}, {"day": replace(DAY, result=Decimal(-3_000))}, C.DAILY_LOSS, "daily_loss", "3.000 %", "3.0 %"),
    ({}, {"day": replace(DAY, result=None)}, C.DAILY_LOSS, "daily_loss", None, "3.0 %"),
    ({}, {"day": replace(DAY, opening=None)}, C.DAILY_LOSS, "daily_loss", None, "3.0 %"),
    ({}, {"day": replace(DAY, peak=Decimal(111_112))}, C.DRAWDOWN, "drawdown", "10.001 %", "10.0 %"),
    ({}, {"day": replace(DAY, peak=None)}, C.DRAWDOWN, "drawdown", None, "10.0 %"),
    ({}, {"day": replace(DAY, losses=4, last_loss_age_ns=899 * S)}, C.COOLDOWN, "loss_cooldown",
     "4 losses in a row", "4 losses in a row, then 900 s"),
    ({}, {"day": replace(DAY, losses=4)}, C.COOLDOWN, "loss_cooldown", None, "4 losses in a row, then 900 s"),
    ({}, {"traffic": replace(TRAFFIC, last_second=5)}, C.RATE_LIMIT, "message_rate", "5 in 1 s", "5 in 1 s"),
    ({}, {"traffic": replace(TRAFFIC, in_window=40)}, C.THROTTLED, "repeated_execution", "40 in the window",
     "40 in 600 s"),
    ({}, {"traffic": replace(TRAFFIC, latched="before")}, C.THROTTLED, "repeated_execution", "0 in the window",
     "40 in 600 s"),
    ({}, {"known_intents": {"i1"}}, C.DUPLICATE_INTENT, "duplicate_intent", "i1", "once"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "seen", "code", "rule", "observed", "limit"), REFUSALS)
def test_each_refusal_has_its_code_its_rule_what_was_seen_and_the_limit(
    changes: dict[str, Any], seen: dict[str, Any], code: RejectCode, rule: str, observed: str | None, limit: str | None
) -> None:
    refusal = refused(GATE.judge(order(**changes), view(**seen)))
    assert (refusal.code, refusal.rule, refusal.observed, refusal.limit) == (code, rule, observed, limit)
    assert refusal.text


def test_every_rule_of_the_gate_has_its_example_and_names_its_source() -> None:
    assert {rule.name for rule in GATE.rules} == {rule for _, _, _, rule, _, _ in REFUSALS}
    assert len({rule.name for rule in GATE.rules}) == len(GATE.rules)
    for rule in GATE.rules:
        assert "Source:" in (type(rule).__doc__ or ""), rule.name


def test_an_oversized_order_is_a_risk_violation_even_when_it_is_stale_too() -> None:
    refusal = refused(GATE.judge(order(contracts=Decimal(100)), view(price_age_ns=10**12)))
    assert refusal.code is RejectCode.RISK_VIOLATION


def test_after_the_cooldown_losses_no_longer_count_and_a_full_authority_asks_nothing() -> None:
    seen = view(day=replace(DAY, losses=9, last_loss_age_ns=900 * S), authority_pct=Decimal(100))
    assert isinstance(GATE.judge(ORDER, seen), Cleared)


UNKNOWN = [
    "terms", "equity", "available", "position", "leverage", "price", "mid", "mark", "price_age_ns", "feed_age_ns",
    "brain_age_ns", "clock_offset_ns",
]  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_value_is_a_refusal(name: str) -> None:
    assert isinstance(GATE.judge(ORDER, view(**{name: None})), Refusal)


class Raises(Limit):
    name = "raises"
    code = RejectCode.MALFORMED
    spares_reducing = False

    def judge(self, order: OrderRequest, view: Any) -> Refusal | None:
        raise ZeroDivisionError("oops")

    def measure(self, order: OrderRequest, view: Any) -> rules.Measured:
        raise ZeroDivisionError("oops")


def test_a_rule_that_raises_refuses() -> None:
    refusal = refused(Gate((rules.WellFormed(), Raises())).judge(ORDER, view()))
    assert (refusal.code, refusal.rule, refusal.text) == (
        RejectCode.INTERNAL, "raises", "the rule failed (ZeroDivisionError: oops)",
    )  # fmt: skip


def test_only_the_gate_makes_a_cleared_order_and_a_gate_has_rules() -> None:
    with pytest.raises(TypeError):
        Cleared(ORDER, object())
    with pytest.raises(ValueError, match="without rules"):
        Gate(())


CONTRACTS = st.decimals("0.01", "1000", places=2)
BROKE: dict[str, Any] = {
    # everything that may be wrong at once, but what makes an order an order
    "trading_state": TradingState.REDUCING, "equity": Decimal(1), "available": Decimal(0), "leverage": None,
    "feed_age_ns": None, "book_valid": False, "brain_age_ns": None, "clock_offset_ns": None, "mark": None, "mid": None,
    "price": None, "depth": DeepBook(holds=0), "authority_pct": Decimal(1),
    "day": replace(DAY, result=Decimal(-99_999), peak=Decimal(10**9), losses=99, last_loss_age_ns=0),
    "traffic": replace(TRAFFIC, last_second=999, in_window=999, latched="yes"),
}  # fmt: skip


@given(CONTRACTS, CONTRACTS, st.sampled_from([Side.BUY, Side.SELL]))
def test_an_order_that_only_reduces_is_never_trapped_by_a_limit(held: Decimal, size: Decimal, side: Side) -> None:
    position = held if side is Side.SELL else -held
    shrink = order(side=side, contracts=min(size, held), reduce_only=True, sl_pct=None, tp_pct=None)
    assert isinstance(GATE.judge(shrink, view(**{**BROKE, "position": position})), Cleared)
    halted = view(**{**BROKE, "position": position, "trading_state": TradingState.HALTED})
    assert refused(GATE.judge(shrink, halted)).rule == "trading_state"


@given(CONTRACTS, CONTRACTS, CONTRACTS)
def test_what_could_turn_a_position_around_does_not_count_as_reducing(
    held: Decimal, size: Decimal, resting: Decimal
) -> None:
    seen = view(position=held, working_sell=resting)
    assert reduces(order(side=Side.SELL, contracts=size), seen) == (size + resting <= held)
    assert reduces(order(side=Side.SELL, contracts=size, reduce_only=True), seen) == (size <= held)
    assert not reduces(order(side=Side.BUY, contracts=size), view(position=held))
