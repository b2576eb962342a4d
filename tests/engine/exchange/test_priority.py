"""Price-time priority, as a property: nobody fills while somebody better or earlier still waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.book import Level
from engine.exchange.matching import Matcher, MeetsOwn, Side, Taken, opposite

_PRICES = st.integers(1000, 1009)
_LOTS = st.integers(1, 50)
_SIDES = st.sampled_from(["buy", "sell"])


@given(
    _SIDES,
    st.lists(st.tuples(_PRICES, _LOTS), min_size=1, max_size=12),
    st.lists(st.tuples(_PRICES, _LOTS), max_size=20),
)
def test_prints_fill_resting_orders_by_price_then_time(
    side: Side, orders: list[tuple[int, int]], prints: list[tuple[int, int]]
) -> None:
    matcher, sign = Matcher(), -1 if side == "buy" else 1
    rank = {}
    for number, (px, lots) in enumerate(orders):
        matcher.half(side).rest(str(number), px, lots)
        rank[str(number)] = (sign * px, number)
    left = {str(number): lots for number, (_, lots) in enumerate(orders)}
    for px, lots in prints:
        made = list(matcher.on_print(opposite(side), px, lots))
        assert sum(fill.lots for fill in made) <= lots
        for fill in made:
            assert [o for o, size in left.items() if size and rank[o] < rank[fill.ord_id]] == []
            assert fill.px == orders[int(fill.ord_id)][0]  # its own price,
            assert sign * fill.px <= sign * px  # which is the print's or better
            left[fill.ord_id] -= fill.lots
    assert all(size >= 0 for size in left.values())


@given(_SIDES, st.dictionaries(_PRICES, _LOTS, max_size=8), _PRICES, st.integers(1, 300))
def test_a_taker_gets_the_best_prices_first_never_more_than_there_is_and_never_beyond_its_limit(
    side: Side, levels: dict[int, int], limit: int, lots: int
) -> None:
    matcher, sign = Matcher(), 1 if side == "buy" else -1
    matcher.half(opposite(side)).reset([Level(px, size, 1) for px, size in levels.items()])
    fillable = matcher.half(opposite(side)).fillable(limit)
    steps = [step for step in matcher.take(side, limit, lots) if isinstance(step, Taken)]
    assert [step.px for step in steps] == sorted((step.px for step in steps), reverse=side == "sell")
    assert all(sign * step.px <= sign * limit and step.lots <= levels[step.px] for step in steps)
    assert sum(step.lots for step in steps) == min(lots, fillable)


def test_ones_own_order_is_announced_before_anything_worse_is_taken() -> None:
    matcher = Matcher()
    matcher.asks.reset([Level(1001, 5, 1)])
    own = matcher.asks.rest("mine", 1000, 4)
    walk = matcher.take("buy", 1001, 5)
    assert next(walk) == MeetsOwn("mine")
    matcher.asks.remove(own)
    assert list(walk) == [Taken(1001, 5)]
