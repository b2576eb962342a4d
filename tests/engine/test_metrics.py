from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.desk_counters import DeskCounters
from engine.metrics import by_kind, daily_loss, largest_order
from engine.risk.gate import default_gate
from engine.risk.view import Day, Refusal
from schemas.messages import Side
from schemas.settings.risk import Risk
from tests.support.orders import TERMS, order, view

SIZE_RULES = {
    "account_share", "authority", "max_contracts", "max_notional", "max_position", "gross_exposure", "leverage",
}  # fmt: skip
USDT = st.decimals("0", "200000", places=2)
CONTRACTS = st.decimals("0", "300", places=3)


@pytest.mark.parametrize(
    ("result", "opening", "lost_pct"),
    [("-240", "10000", 2.4), ("500", "10000", 0.0), ("0", "10000", 0.0), (None, "10000", None), ("-1", None, None),
     ("-1", "0", None)],
)  # fmt: skip
def test_the_days_loss_is_a_share_of_its_opening_and_unknown_is_not_zero(
    result: str | None, opening: str | None, lost_pct: float | None
) -> None:
    day = Day(
        result=None if result is None else Decimal(result), opening=None if opening is None else Decimal(opening),
        peak=None, losses=0, last_loss_age_ns=None,
    )  # fmt: skip
    assert daily_loss(day, 3.0) == {"engine.daily_loss_pct": lost_pct, "engine.daily_loss_limit_pct": 3.0}


def test_rejects_and_errors_have_a_metric_for_each_kind() -> None:
    desk = DeskCounters()
    for rule in ("order_ttl", "venue 51008", "order_ttl"):
        desk.reject(rule)
    assert by_kind(desk, {"busy": 0, "no_answer": 3}) == {
        "engine.rejects_order_ttl": 2, "engine.rejects_venue_51008": 1, "engine.rest_errors_busy": 0,
        "engine.rest_errors_no_answer": 3,
    }  # fmt: skip


def refused_by(risk: Risk, contracts: Decimal, **seen: object) -> set[str]:
    """The rules of size that refuse it."""
    gate, look, asked = default_gate(risk, brain_timeout_s=3.0), view(**seen), order(contracts=contracts)
    by_size = [rule for rule in gate.rules if rule.name in SIZE_RULES]
    assert len(by_size) == len(SIZE_RULES)
    found = [rule.judge(asked, look) for rule in by_size]
    return {refusal.rule for refusal in found if isinstance(refusal, Refusal)}


@given(
    share=st.floats(0, 100), contracts=CONTRACTS, notional=USDT, position=CONTRACTS, exposure=USDT,
    leverage=st.floats(0, 125), venues=st.none() | CONTRACTS, equity=USDT.filter(bool),
    price=st.decimals("1000", "200000", places=1), lot=st.sampled_from(["0.01", "0.1", "1"]),
    authority=st.sampled_from([Decimal(100), Decimal(50), Decimal("1.5625")]),
)  # fmt: skip
@example(
    share=10.0, contracts=Decimal(100), notional=Decimal(50_000), position=Decimal(200), exposure=Decimal(150_000),
    leverage=3.0, venues=None, equity=Decimal(100_000), price=Decimal(64_000), lot="0.01", authority=Decimal(100),
)  # fmt: skip
def test_the_largest_order_passes_every_rule_of_size_and_one_lot_more_does_not(
    share: float, contracts: Decimal, notional: Decimal, position: Decimal, exposure: Decimal, leverage: float,
    venues: Decimal | None, equity: Decimal, price: Decimal, lot: str, authority: Decimal,
) -> None:  # fmt: skip
    risk = Risk(
        max_account_share_pct=share, max_order_contracts=contracts, max_order_notional_usdt=notional,
        max_position_contracts=position, max_gross_exposure_usdt=exposure, max_leverage=leverage,
    )  # fmt: skip
    terms = replace(TERMS, lot=Decimal(lot), largest_market=venues)
    largest = largest_order(risk, equity=equity, price=price, terms=terms, authority_pct=authority)
    seen = {"equity": equity, "price": price, "terms": terms, "authority_pct": authority}
    assert largest % terms.lot == 0
    assert refused_by(risk, largest, **seen) == set()
    assert refused_by(risk, largest + terms.lot, **seen)


@pytest.mark.parametrize(
    ("changes", "venues", "largest"),
    [
        ({}, None, "15.62"),
        ({"max_order_contracts": Decimal("7.005")}, None, "7.00"),
        ({"max_order_notional_usdt": Decimal(640)}, None, "1.00"),
        ({"max_position_contracts": Decimal(5)}, None, "5.00"),
        ({"max_gross_exposure_usdt": Decimal(1_280)}, None, "2.00"),
        ({"max_leverage": 0.01}, None, "1.56"),
        ({"max_account_share_pct": 0}, None, "0.00"),
        ({}, "3", "3.00"),
    ],
    ids=str,
)
def test_the_least_of_all_limits_counts(changes: dict[str, object], venues: str | None, largest: str) -> None:
    terms = replace(TERMS, largest_market=None if venues is None else Decimal(venues))
    asked = {"equity": Decimal(100_000), "price": Decimal(64_000), "terms": terms, "authority_pct": Decimal(100)}
    assert largest_order(Risk(**changes), **asked) == Decimal(largest)


def test_an_account_in_debt_has_no_order_left_and_not_one_below_zero() -> None:
    found = largest_order(
        Risk(), equity=Decimal(-5), price=Decimal(64_000), terms=TERMS, authority_pct=Decimal(100)
    )  # fmt: skip
    assert found == 0


def test_what_passes_at_the_ask_passes_at_the_bid() -> None:
    risk, ask, bid = Risk(), Decimal("64000.2"), Decimal("63990.1")
    largest = largest_order(
        risk, equity=Decimal(100_000), price=ask, terms=TERMS, authority_pct=Decimal(50)
    )  # fmt: skip
    for price, side in ((ask, Side.BUY), (bid, Side.SELL)):
        rules = [rule for rule in default_gate(risk, brain_timeout_s=3.0).rules if rule.name in SIZE_RULES]
        seen = view(price=price, authority_pct=Decimal(50))
        assert [rule.judge(order(contracts=largest, side=side), seen) for rule in rules] == [None] * len(rules)
