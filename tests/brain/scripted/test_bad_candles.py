"""What bad candles get: the layer is UNKNOWN with a reason, nothing is traded, and it goes on once that is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, nan
from typing import Any

import msgspec
import pytest

from schemas import topology
from tests.brain.scripted.market import NAME, Market, settings_of
from tests.brain.scripted.support import M5, QUICK, S, quick, said

Damage = Callable[[Market], Iterator[None]]


def candle_with(**changes: Any) -> Damage:
    def damage(market: Market) -> Iterator[None]:
        row = market.bar("5m", market.venue_ns - market.venue_ns % M5, confirmed=False)
        market.candle(msgspec.structs.replace(row, **changes))
        yield
        market.history("5m")

    return damage


def candle_that_is_missing(market: Market) -> Iterator[None]:
    market.silent = {"5m"}
    market.wait(2 * M5 // S)
    market.silent = set()
    market.candle(market.bar("5m", market.venue_ns - market.venue_ns % M5, confirmed=False))
    market.silent = {"5m"}
    yield
    market.silent = set()
    market.history("5m")


def candle_of_the_future(market: Market) -> Iterator[None]:
    market.candle(market.bar("5m", market.venue_ns - market.venue_ns % M5 + 1_000 * M5, confirmed=False))
    yield
    market.candles("5m")
    market.history("5m")


def confirmed_candle_that_came_too_early(market: Market) -> Iterator[None]:
    market.candle(market.bar("5m", market.venue_ns - market.venue_ns % M5 + M5))
    yield
    market.candles("5m")
    market.history("5m")


CANDLES: list[tuple[Damage, str]] = [
    (candle_with(close=nan), "5m: a candle is wrong: open "),
    (candle_with(high=inf), "5m: a candle is wrong: open "),
    (candle_with(low=-1.0), "5m: a candle is wrong: open "),
    (candle_with(low=0.0), "5m: a candle is wrong: open "),
    (candle_with(volume=-1.0), "5m: a candle is wrong: open "),
    (candle_with(volume=nan), "5m: a candle is wrong: open "),
    (candle_with(high=1.0), "5m: a candle is wrong: open "),
    (candle_with(open_ns=M5 * 10**6 + 1), "5m: a candle is wrong: it begins at 300000000000000001 ns"),
    (candle_with(open_ns=-M5), "5m: a candle is wrong: it begins at -300000000000 ns"),
    (candle_that_is_missing, "5m: a candle is missing"),
    (candle_of_the_future, "5m: a candle is missing"),
    (confirmed_candle_that_came_too_early, "5m: a candle is missing"),
]


@pytest.mark.parametrize(("damage", "why"), CANDLES, ids=[f"{k} {why}" for k, (_, why) in enumerate(CANDLES)])
def test_a_candle_that_cannot_be_is_a_hole_until_the_history_comes(damage: Damage, why: str) -> None:
    market = quick()
    steps = damage(market)
    next(steps)
    for _ in range(2):
        reason, text = said(market)
        assert (reason, text[: len(why)]) == ("WARMING_UP", why)
        assert market.decisions[-1].frames[0].trend_score_pct is None
    assert market.mind.wanted() == [topology.history("5m", NAME)]
    next(steps, None)
    assert said(market) == ("", "")
    assert market.mind.wanted() == []
    assert said_after_a_bar(market) == "WAITING_FOR_REPLY"


def said_after_a_bar(market: Market) -> str:
    """Time goes on for two bars, and nothing is missing."""
    for _ in range(2):
        reason, _ = said(market, M5 // S)
    return reason


def test_doubled_and_late_candles_change_nothing() -> None:
    market = quick()
    before = market.decisions[-1].frames
    begins_ns = market.venue_ns - market.venue_ns % M5
    for back in (1, 2, 250, 1):
        market.candle(market.bar("5m", begins_ns - back * M5))
        market.candle(market.bar("5m", begins_ns - back * M5, confirmed=False))
    market.candle(msgspec.structs.replace(market.bar("5m", begins_ns - 9 * M5), close=64_001.0, high=70_000.0, low=1.0))
    assert said(market) == ("", "")
    assert market.decisions[-1].frames == before


def test_candles_that_stay_away_are_missed_after_a_minute_and_their_coming_mends_it() -> None:
    market = quick()
    market.reachable = False
    market.silent = {"5m"}
    into_ns = market.venue_ns % M5
    market.wait((M5 - into_ns) / S + 60 - 1.001)
    assert said(market)[0] == "ENGINE_UNREACHABLE", "the first row of a bar may take a minute"
    market.wait(-0.999)
    assert said(market) == ("LAYER_UNKNOWN", "price action: 5m: a candle is overdue since 0 s")
    assert said(market, 90) == ("LAYER_UNKNOWN", "price action: 5m: a candle is overdue since 90 s")
    market.silent, market.reachable = set(), True
    assert said(market) == ("", "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda bars: [*bars[:100], bars[99], *bars[100:]],
        lambda bars: [*bars[100:], *bars[:100]],
        lambda bars: [],
        lambda bars: [*bars[:-1], msgspec.structs.replace(bars[-1], close=nan)],
    ],
    ids=["doubled", "out of order", "empty", "NaN"],
)
def test_a_history_that_makes_no_sense_begins_nothing_and_the_next_one_does(damage: Callable[[Any], Any]) -> None:
    market = Market(settings_of(sizing=QUICK))
    market.history("5m", damage(market.bars("5m")))
    assert said(market) == ("WARMING_UP", "5m: no history yet")
    market.history("5m")
    assert said(market) == ("", "")


def test_of_a_history_with_a_hole_what_follows_it_is_taken() -> None:
    market = Market(settings_of(sizing=QUICK))
    bars = market.bars("5m")
    market.history("5m", [*bars[:100], *bars[101:]])
    assert said(market) == ("", "")
    assert market.mind.memory.frames["5m"].view.bars == len(bars) - 101
