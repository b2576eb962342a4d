"""Which way a limit is tighter."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.settings.risk import Risk, changed, loosened

LOWER = ["max_account_share_pct", "max_order_contracts", "max_daily_loss_pct", "price_ttl_ms", "max_orders_per_s"]
HIGHER = ["min_free_margin_pct", "loss_cooldown_s", "min_liquidation_distance_pct"]


def test_the_same_limits_are_no_loosening() -> None:
    assert loosened(Risk(), Risk()) == []


@given(st.sampled_from(LOWER + HIGHER), st.integers(1, 99), st.integers(1, 99))
def test_of_two_different_limits_exactly_one_way_is_a_loosening(name: str, one: int, other: int) -> None:
    first, second = changed(Risk(), {name: one}), changed(Risk(), {name: other})
    if getattr(first, name) == getattr(second, name):
        assert loosened(first, second) == loosened(second, first) == []
        return
    larger = one > other
    looser_first = larger if name in LOWER else not larger
    assert loosened(second, first) == ([name] if looser_first else [])
    assert loosened(first, second) == ([] if looser_first else [name])


@pytest.mark.parametrize(
    ("change", "is_looser"),
    [
        ({"instruments": []}, False),
        ({"instruments": ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]}, True),
        ({"require_stop": False}, True),
        ({"day_starts_utc_hour": 5}, True),
        ({"max_order_contracts": Decimal(5)}, False),
    ],
)
def test_lists_switches_and_hours(change: dict[str, object], is_looser: bool) -> None:
    assert bool(loosened(Risk(), changed(Risk(), change))) is is_looser


def test_a_value_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValidationError):
        changed(Risk(), {"max_account_share_pct": 101})


def test_every_limit_has_a_direction() -> None:
    for name, info in Risk.model_fields.items():
        assert isinstance(info.json_schema_extra, dict), name
        assert info.json_schema_extra["tighter"] in {"lower", "higher", "subset", "true", "never"}, name
