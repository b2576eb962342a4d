from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk.gate import Cleared, Gate, default_gate
from engine.risk.rules import AccountShare, Grid, PriceAge, TradingStateRule
from engine.risk.view import Refusal, reduces
from schemas.messages import OrderRequest, RejectCode, Side, TradingState
from schemas.settings.risk import Risk
from tests.support.orders import ORDER, TERMS, order, view

GATE = default_gate(Risk())
MS = 1_000_000


def refused(verdict: Cleared | Refusal) -> Refusal:
    assert isinstance(verdict, Refusal)
    return verdict


def test_a_plain_order_is_cleared() -> None:
    verdict = GATE.judge(ORDER, view())
    assert isinstance(verdict, Cleared)
    assert verdict.order == ORDER


@pytest.mark.parametrize(
    ("changes", "seen", "code", "rule"),
    [
        ({"contracts": Decimal("15.63")}, {}, RejectCode.RISK_VIOLATION, "account_share"),
        ({}, {"price_age_ns": 101 * MS}, RejectCode.TTL_EXPIRED, "price_age"),
        ({}, {"price_age_ns": None}, RejectCode.TTL_EXPIRED, "price_age"),
        ({}, {"trading_state": TradingState.HALTED}, RejectCode.TRADING_STATE, "trading_state"),
        ({}, {"trading_state": TradingState.REDUCING}, RejectCode.TRADING_STATE, "trading_state"),
        ({"instrument": "DOGE-USDT-SWAP"}, {}, RejectCode.NOT_ALLOWED, "allow_list"),
        ({"contracts": Decimal("0.015")}, {}, RejectCode.OFF_GRID, "grid"),
        ({"contracts": Decimal("0.001")}, {}, RejectCode.OFF_GRID, "grid"),
        ({"limit_price": Decimal("64000.05")}, {}, RejectCode.OFF_GRID, "grid"),
        ({"contracts": Decimal(0)}, {}, RejectCode.MALFORMED, "well_formed"),
        ({"contracts": Decimal(-1)}, {}, RejectCode.MALFORMED, "well_formed"),
        ({"intent_id": "a-b"}, {}, RejectCode.MALFORMED, "well_formed"),
        ({"intent_id": ""}, {}, RejectCode.MALFORMED, "well_formed"),
        ({"tp_pct": float("nan")}, {}, RejectCode.MALFORMED, "well_formed"),
        ({"sl_pct": -0.1}, {}, RejectCode.MALFORMED, "well_formed"),
        ({}, {"known_intents": {"i1"}}, RejectCode.DUPLICATE_INTENT, "duplicate_intent"),
        ({}, {"terms": None}, RejectCode.UNKNOWN_INPUT, "grid"),
        ({}, {"equity": None}, RejectCode.RISK_VIOLATION, "account_share"),
        ({}, {"price": None}, RejectCode.RISK_VIOLATION, "account_share"),
        ({}, {"equity": Decimal(0)}, RejectCode.RISK_VIOLATION, "account_share"),
    ],
)
def test_each_refusal_has_its_code_and_its_rule(
    changes: dict[str, Any], seen: dict[str, Any], code: RejectCode, rule: str
) -> None:
    refusal = refused(GATE.judge(order(**changes), view(**seen)))
    assert (refusal.code, refusal.rule) == (code, rule)


def test_a_refusal_says_what_was_seen_and_what_is_allowed() -> None:
    refusal = refused(GATE.judge(order(contracts=Decimal(100)), view()))
    assert (refusal.observed, refusal.limit) == ("64.0000 %", "10.0 %")
    assert refused(GATE.judge(ORDER, view(price_age_ns=250 * MS))).observed == "250.0 ms"


def test_an_oversized_order_is_a_risk_violation_even_when_it_is_stale_too() -> None:
    refusal = refused(GATE.judge(order(contracts=Decimal(100)), view(price_age_ns=10**12)))
    assert refusal.code is RejectCode.RISK_VIOLATION


class Raises:
    name = "raises"

    def judge(self, order: OrderRequest, view: Any) -> Refusal | None:
        raise ZeroDivisionError("oops")


def test_a_rule_that_raises_refuses() -> None:
    refusal = refused(Gate((Raises(),)).judge(ORDER, view()))
    assert (refusal.code, refusal.rule, refusal.text) == (
        RejectCode.INTERNAL, "raises", "the rule failed (ZeroDivisionError: oops)",
    )  # fmt: skip


def test_only_the_gate_makes_a_cleared_order_and_a_gate_has_rules() -> None:
    with pytest.raises(TypeError):
        Cleared(ORDER, object())
    with pytest.raises(ValueError, match="without rules"):
        Gate(())


CONTRACTS = st.decimals("0.01", "1000", places=2)


@given(CONTRACTS, CONTRACTS, st.sampled_from([Side.BUY, Side.SELL]))
def test_an_order_that_only_reduces_is_never_trapped_by_a_limit(held: Decimal, size: Decimal, side: Side) -> None:
    position = held if side is Side.SELL else -held
    shrink = order(side=side, contracts=min(size, held), reduce_only=True)
    seen = view(position=position, equity=Decimal(1), trading_state=TradingState.REDUCING)
    assert reduces(shrink, seen)
    assert AccountShare(0.0).judge(shrink, seen) is None
    assert TradingStateRule().judge(shrink, seen) is None
    assert TradingStateRule().judge(shrink, view(position=position, trading_state=TradingState.HALTED)) is not None


@given(CONTRACTS, CONTRACTS, CONTRACTS)
def test_what_could_turn_a_position_around_does_not_count_as_reducing(
    held: Decimal, size: Decimal, resting: Decimal
) -> None:
    assert reduces(order(side=Side.SELL, contracts=size), view(position=held, working_sell=resting)) == (
        size + resting <= held
    )
    assert not reduces(order(side=Side.BUY, contracts=size), view(position=held))


@given(CONTRACTS, st.decimals("1", "1000000", places=2), st.floats(1, 1e6))
def test_the_share_of_the_account_is_exact(contracts: Decimal, equity: Decimal, price: float) -> None:
    share = contracts * Decimal("0.01") * Decimal(str(price)) / equity * 100
    verdict = AccountShare(10.0).judge(order(contracts=contracts), view(equity=equity, price=price))
    assert (verdict is None) == (share <= 10)
    largest = Decimal(AccountShare(10.0).largest(equity=equity, price=price, terms=TERMS))
    assert AccountShare(10.0).judge(order(contracts=largest), view(equity=equity, price=price)) is None
    assert AccountShare(10.0).judge(order(contracts=largest + TERMS.lot), view(equity=equity, price=price)) is not None


@given(st.integers(0, 10**12))
def test_a_price_is_too_old_from_the_first_nanosecond_beyond_the_limit(age_ns: int) -> None:
    assert (PriceAge(100).judge(ORDER, view(price_age_ns=age_ns)) is None) == (age_ns <= 100 * MS)


@given(st.decimals("0.001", "100", places=3))
def test_the_grid_never_rounds(contracts: Decimal) -> None:
    verdict = Grid().judge(order(contracts=contracts), view())
    assert (verdict is None) == (contracts % TERMS.lot == 0 and contracts >= TERMS.minimum)
