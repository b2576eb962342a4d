"""How many contracts, and the steps that lead there."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.reasons import Reason, WhyNot
from brain.sizing.size import Sizer, loss_at_stop_pct
from brain.sizing.steps import steps
from schemas.messages import SizeStep
from schemas.settings.sizing import Sizing
from tests.brain.sizing.support import account, engine

ONE = Decimal(1)


def sized(
    settings: Sizing, *, leverage: int | None = None, price: float = 50_000.0, authority: Decimal = ONE,
    equity: str | None = "100000", available: str | None = None, **terms: object,
) -> Decimal | WhyNot:  # fmt: skip
    said = account(equity=equity, available=available)
    return Sizer(settings, leverage)(engine(**terms), said, price, authority)


def test_by_stop_the_risk_is_what_is_lost_at_the_stop_with_the_fee_at_both_ends() -> None:
    without_fee = Sizing(size_by="stop", risk_pct_per_trade=0.05, sl_pct=0.5, taker_fee_pct=0.0)
    # 0.05 % of 100,000 = 50 USDT; a contract is worth 500 USDT and loses 2.5 USDT at the stop
    assert sized(without_fee, max_order_contracts=Decimal(100)) == Decimal("20.00")
    with_fee = Sizing(size_by="stop", risk_pct_per_trade=0.05, sl_pct=0.5, taker_fee_pct=0.25)
    # 0.5 + 2 x 0.25 + 0.25 x 0.5 % = 1.00125 %: 5.00625 USDT a contract
    assert sized(with_fee, max_order_contracts=Decimal(100)) == Decimal("9.98")


def test_by_notional_the_stop_changes_nothing() -> None:
    for sl_pct in (0.1, 5.0):
        assert sized(Sizing(sl_pct=sl_pct)) == Decimal("1.00")


def test_zero_risk_is_the_fixed_notional_either_way() -> None:
    for size_by in ("notional", "stop"):
        settings = Sizing.model_validate(
            {"risk_pct_per_trade": 0, "fixed_notional_usdt": Decimal(1_000), "size_by": size_by}
        )
        assert sized(settings) == Decimal("2.00")


def test_the_size_is_never_above_what_the_engine_allows_and_is_not_cut_a_second_time_by_its_authority() -> None:
    settings = Sizing(size_by="stop", risk_pct_per_trade=1.0, headroom_pct=0)
    assert sized(settings) == Decimal("15.62")
    # the engine's authority of 50 % is in its largest order already: 7.81, not 3.90
    assert sized(settings, authority_pct=50.0, max_order_contracts=Decimal("7.81")) == Decimal("7.81")


def test_a_price_that_moved_since_the_engine_s_word_makes_no_violation() -> None:
    settings = Sizing(size_by="stop", risk_pct_per_trade=1.0)
    # at 50,000 the engine allows 10 % of 100,000: 20 contracts; at 50,200 these would be 10.04 %
    contracts = sized(settings, price=50_200.0, max_order_contracts=Decimal(20))
    assert contracts == Decimal("19.90")


def test_what_the_engine_allows_below_the_minimum_is_no_order_and_the_numbers_are_said() -> None:
    answer = sized(Sizing(), max_order_contracts=Decimal("0.005"), authority_pct=1.0, available="10", leverage=5)
    assert answer == WhyNot(
        Reason.UNDER_MINIMUM,
        "0.00 contracts, the minimum is 0.01 (by risk 1.0000, the engine allows 0.0050, the margin 0.0800)",
    )


def test_the_margin_must_fit_into_its_share_of_what_is_available_where_that_is_known() -> None:
    settings = Sizing(margin_use_pct=50.0)
    # 50 % of 100 USDT x leverage 5 = 250 USDT of notional, a contract is worth 500
    assert sized(settings, leverage=5, available="100") == Decimal("0.50")
    assert sized(settings, leverage=5, available=None) == Decimal("1.00")
    assert sized(settings, leverage=None, available="100") == Decimal("1.00")
    assert sized(settings, leverage=5, available="-3") == WhyNot(
        Reason.UNDER_MINIMUM,
        "0.00 contracts, the minimum is 0.01 (by risk 1.0000, the engine allows 15.5419, the margin 0.0000)",
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"equity": None}, "equity or terms of the instrument are not known"),
        ({"lot": None}, "equity or terms of the instrument are not known"),
        ({"max_order_contracts": None}, "the largest order that the engine allows is not known"),
        ({"lot": Decimal(0)}, "equity or terms make no sense: 100000, 0.01, 0, 0.01, 15.62"),
        ({"contract_value": Decimal("-0.01")}, "equity or terms make no sense: 100000, -0.01, 0.01, 0.01, 15.62"),
        ({"minimum": Decimal("NaN")}, "equity or terms make no sense: 100000, 0.01, 0.01, NaN, 15.62"),
        ({"price": 0.0}, "a price of 0.0 sizes nothing"),
        ({"price": nan}, "a price of nan sizes nothing"),
        ({"price": inf}, "a price of inf sizes nothing"),
    ],
)
def test_what_is_not_known_or_makes_no_sense_sizes_nothing(changes: dict[str, Any], text: str) -> None:
    assert sized(Sizing(), **changes) == WhyNot(Reason.STATE_UNKNOWN, text)


def test_a_size_does_not_hang_on_the_decimal_context_of_others() -> None:
    with localcontext() as context:
        context.prec = 3
        coarse = sized(Sizing(risk_pct_per_trade=7.77))
    assert coarse == sized(Sizing(risk_pct_per_trade=7.77)) == Decimal("15.54")


def test_the_steps_of_a_size_by_stop() -> None:
    size = Sizer(Sizing(size_by="stop", risk_pct_per_trade=0.5, sl_pct=0.5, taker_fee_pct=0.25), 5)
    said = account(available="50000")
    made = steps(size, engine(authority_pct=50.0), said, 50_000.0, Decimal("0.5"))
    assert made == (
        SizeStep(name="equity_usdt", value=Decimal(100_000), text="as state.account says"),
        SizeStep(name="risk_pct", value=Decimal("0.5"), text="of the equity"),
        SizeStep(name="risk_usdt", value=Decimal(500), text="may be lost at the stop"),
        SizeStep(name="loss_pct", value=Decimal("1.00125"), text="stop at 0.5 %, taker fee 0.25 % at both ends"),
        SizeStep(name="notional_usdt", value=Decimal("49937.5780274"), text="risk / loss at the stop"),
        SizeStep(name="authority_pct", value=Decimal(50), text="the brain's own, after refusals"),
        SizeStep(
            name="wanted_contracts", value=Decimal("49.9375780274"), text="notional x authority / (50000.0 x 0.01)"
        ),
        SizeStep(name="margin_contracts", value=Decimal(400), text="50000 USDT available x 80.0 % x leverage 5"),
        SizeStep(
            name="engine_contracts", value=Decimal("15.5419"),
            text="the engine's largest order 15.62, its authority of 50 % in it, less 0.5 %",
        ),
        SizeStep(name="lot_contracts", value=Decimal("15.54"), text="least of them, on lots of 0.01"),
        SizeStep(name="minimum_contracts", value=Decimal("0.01"), text="reached"),
    )  # fmt: skip


def test_the_steps_of_a_fixed_notional_are_short_and_of_an_unknown_equity_there_are_none() -> None:
    size = Sizer(Sizing(risk_pct_per_trade=0))
    names = [step.name for step in steps(size, engine(), account(), 50_000.0, ONE)]
    assert names == [
        "equity_usdt", "notional_usdt", "authority_pct", "wanted_contracts", "engine_contracts", "lot_contracts",
        "minimum_contracts",
    ]  # fmt: skip
    assert steps(size, engine(), account(equity=None), 50_000.0, ONE) == ()
    assert steps(size, engine(), account(), nan, ONE) == steps(size, engine(), account(), 0.0, ONE) == ()


AMOUNTS = st.decimals("0", "10000000", places=4)
SETTINGS = st.builds(
    Sizing, size_by=st.sampled_from(["notional", "stop"]), risk_pct_per_trade=st.sampled_from([0.0, 0.01, 0.5, 100.0]),
    sl_pct=st.floats(0.01, 10), taker_fee_pct=st.floats(0, 1), margin_use_pct=st.floats(1, 100),
)  # fmt: skip


@given(
    settings=SETTINGS, price=st.floats(1e-6, 1e7), equity=AMOUNTS, available=st.none() | AMOUNTS,
    largest=st.decimals("0", "1000", places=3), lot=st.sampled_from(["0.01", "0.1", "1", "7"]),
    authority=st.integers(0, 6).map(lambda power: ONE / 2**power), leverage=st.none() | st.integers(1, 125),
)  # fmt: skip
def test_the_steps_and_the_order_always_agree_and_no_limit_is_passed(
    settings: Sizing, price: float, equity: Decimal, available: Decimal | None, largest: Decimal, lot: str,
    authority: Decimal, leverage: int | None,
) -> None:  # fmt: skip
    said = account(equity=str(equity), available=None if available is None else str(available))
    terms = engine(max_order_contracts=largest, lot=Decimal(lot), minimum=Decimal(lot))
    size = Sizer(settings, leverage)
    answer, made = size(terms, said, price, authority), steps(size, terms, said, price, authority)
    values = {step.name: step for step in made}
    contracts = values["lot_contracts"].value
    if isinstance(answer, WhyNot):
        assert answer.reason is Reason.UNDER_MINIMUM
        assert contracts < Decimal(lot)
        assert values["minimum_contracts"].text == "not reached: no order"
        return
    assert answer == contracts
    assert answer % Decimal(lot) == 0
    assert Decimal(lot) <= answer <= largest
    worth = answer * Decimal(str(price)) * Decimal("0.01")
    if settings.risk_pct_per_trade:
        risk = equity * Decimal(str(settings.risk_pct_per_trade)) / 100
        by_stop = settings.size_by == "stop"
        per_cent = loss_at_stop_pct(settings.sl_pct, settings.taker_fee_pct) if by_stop else Decimal(100)
        assert worth * per_cent / 100 <= risk * authority * Decimal("1.0000001")
    if leverage is not None and available is not None:
        assert worth / leverage <= available * Decimal(str(settings.margin_use_pct)) / 100 * Decimal("1.0000001")


@given(st.floats(0.01, 50), st.floats(0, 2), st.sampled_from([1, -1]))
def test_the_loss_at_the_stop_covers_fees_of_either_side_exactly_or_with_a_hair_to_spare(
    sl_pct: float, fee_pct: float, side: int
) -> None:
    exit_price = 1 - side * sl_pct / 100
    lost = sl_pct / 100 + fee_pct / 100 * (1 + exit_price)
    assert float(loss_at_stop_pct(sl_pct, fee_pct)) / 100 >= lost * (1 - 1e-12)
