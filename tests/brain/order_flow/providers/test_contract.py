"""What any provider must do, shown on the built-in ones; a provider of another package can run the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from brain.order_flow.providers import Provider
from brain.order_flow.providers.registry import BUILT_IN, SNAPSHOTS, Kind
from schemas.messages import MarketTick, Trade
from schemas.settings.order_flow import OrderFlow
from tests.brain.order_flow.support import MS, T0, tick, trade

EACH: list[tuple[Kind, str]] = [(kind, name) for kind, offered in BUILT_IN.items() for name in offered]
pytestmark = pytest.mark.parametrize(("kind", "name"), EACH)


def make(kind: Kind, name: str) -> Provider[Any]:
    return BUILT_IN[kind][name](OrderFlow(), "X")


def market(count: int) -> list[MarketTick | Trade]:
    """A tick and a trade each 50 ms, prices and sizes that change."""
    told: list[MarketTick | Trade] = []
    for number in range(count):
        now, price = T0 + number * 50 * MS, 100.0 + number % 17 / 10
        told.append(
            tick(now, [(price - 0.1, 1.0 + number % 5), (price - 0.2, 9.0)], [(price, 2.0), (price + 0.1, 7.0)])
        )
        told.append(trade(number + 1, now, price, 1.0 + number % 3, bought=number % 4 != 0))
    return told


def tell(provider: Provider[Any], told: list[MarketTick | Trade]) -> None:
    for each in told:
        if isinstance(each, Trade):
            provider.on_trade(each)
        else:
            provider.on_tick(each)


def test_it_has_the_shape_and_the_name_that_the_setting_names(kind: Kind, name: str) -> None:
    provider = make(kind, name)
    assert isinstance(provider, Provider)
    assert provider.name == name


def test_it_knows_nothing_before_it_was_told_anything(kind: Kind, name: str) -> None:
    assert make(kind, name).snapshot(T0) is None


def test_its_snapshot_is_of_its_kind_and_whole(kind: Kind, name: str) -> None:
    provider = make(kind, name)
    tell(provider, market(200))
    snapshot = provider.snapshot(T0 + 20_000 * MS)
    assert isinstance(snapshot, SNAPSHOTS[kind])
    assert snapshot.problem() == ""
    assert hash(snapshot) is not None  # frozen through and through
    assert T0 < snapshot.exchange_ns <= T0 + 20_000 * MS


def test_the_same_market_says_the_same(kind: Kind, name: str) -> None:
    said = []
    for _ in range(2):
        provider = make(kind, name)
        said.append([])
        for number, each in enumerate(market(200)):
            tell(provider, [each])
            if number % 10 == 0:
                said[-1].append(provider.snapshot(T0 + number * 25 * MS))
    assert said[0] == said[1]


def test_a_snapshot_does_not_change_after_it_was_given_and_is_the_same_until_something_new_comes(
    kind: Kind, name: str
) -> None:
    provider, told = make(kind, name), market(200)
    tell(provider, told[:200])
    first = provider.snapshot(T0 + 5_000 * MS)
    assert provider.snapshot(T0 + 5_000 * MS) is first
    copy = tuple(first)
    tell(provider, told[200:])
    assert provider.snapshot(T0 + 10_000 * MS) != first
    assert tuple(first) == copy


NAN, INF = float("nan"), float("inf")
BROKEN: list[Callable[[], MarketTick]] = [
    lambda: tick(T0 + 1, [], []),
    lambda: tick(T0 + 1, [(100.0, 1.0)], []),
    lambda: tick(T0 + 1, [(101.0, 1.0)], [(100.0, 1.0)]),
    lambda: tick(T0 + 1, [(NAN, 1.0)], [(100.0, 1.0)]),
    lambda: tick(T0 + 1, [(100.0, 1.0), (NAN, 1.0)], [(101.0, 1.0)]),
    lambda: tick(T0 + 1, [(100.0, NAN)], [(101.0, 1.0)]),
    lambda: tick(T0 + 1, [(100.0, INF)], [(101.0, -1.0)]),
    lambda: tick(T0 + 1, [(-1.0, 1.0)], [(INF, 1.0)]),
    lambda: tick(T0 + 1, [(0.0, 1.0)], [(1e-12, 1.0)]),
    lambda: tick(T0 + 1, [(1e300, 1.0)], [(1e301, 1.0)]),
    lambda: tick(T0 + 1, valid=False),
    lambda: tick(0),
    lambda: tick(-5),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_book_that_makes_no_sense_is_survived(kind: Kind, name: str, broken: Callable[[], MarketTick]) -> None:
    provider = make(kind, name)
    for _ in range(2):
        provider.on_tick(broken())
        snapshot = provider.snapshot(T0 + 60_000 * MS)
        assert snapshot is None or snapshot.problem() == ""
        tell(provider, market(50))


def test_it_reads_no_clock(kind: Kind, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden() -> int:
        raise AssertionError("a provider reads no clock")

    for clock in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"):
        monkeypatch.setattr(time, clock, forbidden)
    provider = make(kind, name)
    tell(provider, market(50))
    said = provider.snapshot(T0 + 60_000 * MS)
    monkeypatch.undo()
    assert said is not None
