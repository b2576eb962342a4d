"""Context filters: each passes and refuses where it shall, and none passes what is not known."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.algorithms.filters import Context, FilterResult, filters_of, judge, why_not
from brain.reasons import Reason, WhyNot
from schemas.settings.algorithms import Filters

SWITCHES: dict[str, dict[str, Any]] = {
    "structure": {"structure": True},
    "premium_discount": {"premium_discount": True},
    "order_block": {"order_block_pct": 1.0},
    "room": {"room_pct": 1.0},
    "sessions": {"sessions": ["london", "new_york"]},
    "divergence": {"divergence": True},
}
ALL = Filters.model_validate({key: value for switch in SWITCHES.values() for key, value in switch.items()})


def said(name: str, direction: int, context: Context, **more: Any) -> FilterResult:
    (result,) = judge(filters_of(Filters.model_validate({**SWITCHES[name], **more})), direction, context)
    assert result.name == name
    return result


def test_without_a_switch_nothing_is_asked() -> None:
    assert filters_of(Filters()) == ()
    assert why_not(judge((), 1, Context())) is None


def test_without_a_direction_nothing_is_asked() -> None:
    assert judge(filters_of(ALL), 0, Context()) == ()


@pytest.mark.parametrize(
    ("name", "direction", "context", "more", "passed", "text"),
    [
        ("structure", 1, Context(structure=1), {}, True, "the last break is bullish, the entry long"),
        ("structure", 1, Context(structure=0), {}, True, "the last break is neutral, the entry long"),
        ("structure", 1, Context(structure=-1), {}, False, "the last break is bearish, the entry long"),
        ("structure", -1, Context(structure=1), {}, False, "the last break is bullish, the entry short"),
        ("premium_discount", 1, Context(premium_discount=0.5), {}, True,
         "at 0.500 of the range, a long needs below 0.500"),
        ("premium_discount", 1, Context(premium_discount=0.51), {}, False,
         "at 0.510 of the range, a long needs below 0.500"),
        ("premium_discount", -1, Context(premium_discount=0.49), {}, False,
         "at 0.490 of the range, a short needs above 0.500"),
        ("premium_discount", 1, Context(premium_discount=0.3), {"premium_discount_edge": 0.25}, False,
         "at 0.300 of the range, a long needs below 0.250"),
        ("premium_discount", -1, Context(premium_discount=0.8), {"premium_discount_edge": 0.25}, True,
         "at 0.800 of the range, a short needs above 0.750"),
        ("order_block", 1, Context(price=101.0, bullish_block=(99.0, 100.0)), {}, True,
         "0.990 % from the bullish block 99 to 100, allowed 1 %"),
        ("order_block", 1, Context(price=99.5, bullish_block=(99.0, 100.0)), {}, True,
         "0.000 % from the bullish block 99 to 100, allowed 1 %"),
        ("order_block", 1, Context(price=102.0, bullish_block=(99.0, 100.0)), {}, False,
         "1.961 % from the bullish block 99 to 100, allowed 1 %"),
        ("order_block", -1, Context(price=100.0, bearish_block=(102.0, 103.0)), {}, False,
         "2.000 % from the bearish block 102 to 103, allowed 1 %"),
        ("room", 1, Context(price=100.0, resistance=101.5), {}, True,
         "1.500 % to the resistance 101.5, needed 1 %"),
        ("room", 1, Context(price=100.0, resistance=100.5, support=1.0), {}, False,
         "0.500 % to the resistance 100.5, needed 1 %"),
        ("room", 1, Context(price=100.0, resistance=inf), {}, True,
         "inf % to the resistance inf, needed 1 %"),
        ("room", -1, Context(price=100.0, support=99.5, resistance=200.0), {}, False,
         "0.500 % to the support 99.5, needed 1 %"),
        ("room", -1, Context(price=100.0, support=-inf), {}, True, "inf % to the support -inf, needed 1 %"),
        ("sessions", 1, Context(sessions=("asia", "london")), {}, True,
         "open: asia, london; needed: london or new_york"),
        ("sessions", -1, Context(sessions=()), {}, False, "open: none; needed: london or new_york"),
        ("divergence", 1, Context(divergence=-1), {}, False, "the divergence is bearish, the entry long"),
        ("divergence", -1, Context(divergence=-1), {}, True, "the divergence is bearish, the entry short"),
        ("divergence", -1, Context(divergence=0), {}, True, "the divergence is neutral, the entry short"),
    ],
)  # fmt: skip
def test_what_passes_and_what_does_not(
    name: str, direction: int, context: Context, more: dict[str, Any], passed: bool, text: str
) -> None:
    assert said(name, direction, context, **more) == FilterResult(name, passed, text)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", list(SWITCHES))
def test_what_is_not_known_does_not_pass(name: str, direction: int) -> None:
    for context in (
        Context(),
        Context(price=nan, premium_discount=nan, bullish_block=(1.0, 2.0), bearish_block=(1.0, 2.0), support=1.0,
                resistance=2.0),
        Context(price=1.0, bullish_block=(nan, 2.0), bearish_block=(1.0, nan), support=nan, resistance=nan),
    ):  # fmt: skip
        result = said(name, direction, context)
        assert not result.passed
        assert result.text.startswith("UNKNOWN: ")


def test_the_first_that_refuses_is_the_reason_and_all_are_told() -> None:
    context = Context(
        price=100.0, structure=1, premium_discount=0.9, bullish_block=(99.5, 100.0), bearish_block=None,
        resistance=100.1, sessions=("london",), divergence=0,
    )  # fmt: skip
    results = judge(filters_of(ALL), 1, context)
    assert [(result.name, result.passed) for result in results] == [
        ("structure", True), ("premium_discount", False), ("order_block", True), ("room", False), ("sessions", True),
        ("divergence", True),
    ]  # fmt: skip
    assert why_not(results) == WhyNot(
        Reason.FILTERED, "premium_discount: at 0.900 of the range, a long needs below 0.500"
    )


PRICE = st.floats(1, 1e5)
BLOCK = st.tuples(PRICE, PRICE).map(lambda edges: (min(edges), max(edges)))
CONTEXTS = st.builds(
    Context, price=PRICE, structure=st.sampled_from([-1, 0, 1]), premium_discount=st.floats(-1, 2),
    bullish_block=BLOCK, bearish_block=BLOCK, support=PRICE, resistance=PRICE,
    sessions=st.sampled_from([(), ("london",), ("asia",)]), divergence=st.sampled_from([-1, 0, 1]),
)  # fmt: skip


@given(CONTEXTS, st.sampled_from([1, -1]))
def test_the_mirrored_market_gives_the_mirrored_answer(context: Context, direction: int) -> None:
    """But for the distances, which are relative to the price: blocks and levels change places at the same price."""
    assert context.price is not None
    assert context.structure is not None
    assert context.premium_discount is not None
    assert context.divergence is not None

    def turned(level: float) -> float:
        assert context.price is not None
        return 2 * context.price - level

    mirrored = context._replace(
        structure=-context.structure, premium_discount=1 - context.premium_discount, divergence=-context.divergence,
        bullish_block=tuple(sorted(map(turned, context.bearish_block or ()))),
        bearish_block=tuple(sorted(map(turned, context.bullish_block or ()))),
        support=turned(context.resistance or 0.0), resistance=turned(context.support or 0.0),
    )  # fmt: skip
    plain, other = judge(filters_of(ALL), direction, context), judge(filters_of(ALL), -direction, mirrored)
    near = {0.5, 1.0}
    for one, two in zip(plain, other, strict=True):
        numbers = [float(part) for part in one.text.replace("%", "").split() if part.replace(".", "", 1).isdigit()]
        if any(abs(number - edge) < 2e-3 for number in numbers[:1] for edge in near):
            continue  # on the edge, where the arithmetic of the mirror rounds
        assert one.passed == two.passed, (one, two)
