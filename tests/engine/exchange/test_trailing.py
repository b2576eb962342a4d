"""Trailing stops: they follow the market one way only, and fire on the way back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.market.events import Print
from engine.exchange.trailing import Trailing
from tests.engine.exchange.clients import Door

RAW = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "sell", "ordType": "move_order_stop", "sz": "2",
       "reduceOnly": True}  # fmt: skip


def placed(door: Door, **fields: Any) -> Any:
    return door("POST", "trade/order-algo", {**RAW, **fields})["data"][0]


def test_a_trailing_stop_follows_the_market_and_closes_when_it_turns() -> None:
    door = Door()
    venue = door.venue
    venue.place(sz="2")
    algo_id = placed(door, callbackRatio="0.001", activePx="64050")["algoId"]

    def shown() -> tuple[str, str, str]:
        (row,) = door("GET", f"trade/order-algo?algoId={algo_id}")["data"]
        return row["state"], row["activePx"], row["moveTriggerPx"]

    seen = []
    for px in (639_000, 640_500, 641_000, 640_400, 640_359):
        venue.market(Print("buy", px, 1, 1))
        seen.append(shown())
    assert seen == [
        ("live", "64050", ""),
        ("live", "64050", "63986"),  # 64050 x 0.999 = 63985.95
        ("live", "64050", "64035.9"),
        ("live", "64050", "64035.9"),
        ("effective", "64050", "64035.9"),
    ]
    assert venue.held == 0
    child = venue.exchange.desk.orders.history(venue.exchange.now_ms())[0]
    assert (child.terms.source, child.terms.algo_id, child.state) == ("25", algo_id, "filled")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "51000"),
        ({"callbackRatio": "1"}, "51000"),
        ({"callbackRatio": "nan"}, "51000"),
        ({"callbackSpread": "0"}, "51000"),
        ({"callbackRatio": "0.01", "callbackSpread": "10"}, "51000"),
        ({"callbackRatio": "0.01", "activePx": "x"}, "51000"),
        ({"callbackSpread": "10"}, "0"),
    ],
)
def test_one_distance_is_needed(fields: dict[str, Any], code: str) -> None:
    assert placed(Door(), **fields)["sCode"] == code


@given(
    st.sampled_from(["buy", "sell"]),
    st.one_of(st.integers(1, 5_000), st.decimals("0.0001", "0.2", places=4)),
    st.lists(st.integers(600_000, 680_000), min_size=1),
)
def test_it_fires_at_the_first_price_that_is_so_far_from_the_best_before(
    side: Any, distance: int | Decimal, prices: list[int]
) -> None:
    whole = isinstance(distance, int)
    trailing = Trailing(side, None if whole else distance, distance if whole else None, None, prices[0])  # type: ignore[arg-type]
    sign, best = (1 if side == "sell" else -1), prices[0]
    for px in prices[1:]:
        far = distance if whole else best * distance
        assert trailing.hit(px) == (sign * (best - px) >= far)
        if sign * (best - px) >= far:
            break
        best = max(best, px) if side == "sell" else min(best, px)
