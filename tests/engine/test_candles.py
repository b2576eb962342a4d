"""The candles of a frame: the latest first, then older ones, whole for whoever subscribes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.candles import CandleStore
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.messages import CandleHistory
from tests.engine.test_market import INSTRUMENT, FakePublisher

START_MS = 1_721_347_200_000
MINUTES_5 = 300_000


def row(number: int, *, close: str = "1", confirm: str = "1") -> list[str]:
    return [str(START_MS + number * MINUTES_5), "1", "9", "0.5", close, "5", "0", "0", confirm]


def page(first: int, last: int) -> list[list[str]]:
    """Newest first."""
    return [row(number) for number in range(last, first - 1, -1)]


class Scene:
    def __init__(self, keep: int = 10) -> None:
        self.publisher = FakePublisher()
        self.store = CandleStore(
            instrument=INSTRUMENT, frames=["5m"], publisher=cast(Publisher, self.publisher), keep=keep
        )
        self.stream = self.publisher.stream(topology.history("5m", INSTRUMENT))

    def load(self, first: int, last: int) -> None:
        self.store.load("5m", [row(last + 1, confirm="0"), *page(first, last)], received_ns=3)

    @property
    def last(self) -> CandleHistory:
        return codec.decode_history(self.stream.sent[-1])

    @property
    def numbers(self) -> list[int]:
        cast(Any, self.stream).renew()
        return [(candle.open_ns // 1_000_000 - START_MS) // MINUTES_5 for candle in self.last.candles]


def test_the_latest_candles_are_told_at_once_and_again_when_the_older_ones_are_there() -> None:
    scene = Scene()
    assert scene.store.reaches_back_to_ms("5m") is None
    scene.load(100, 103)
    assert len(scene.stream.sent) == 1
    assert scene.store.reaches_back_to_ms("5m") == START_MS + 100 * MINUTES_5
    scene.store.extend("5m", page(97, 99), received_ns=4)
    assert len(scene.stream.sent) == 1, "not whole yet"
    scene.store.extend("5m", page(90, 96), received_ns=5)
    assert len(scene.stream.sent) == 2
    assert (scene.last.frame, scene.last.received_ns, scene.last.sequence) == ("5m", 5, 2)
    assert scene.numbers == list(range(94, 104)), "no more than are kept"
    assert scene.store.reaches_back_to_ms("5m") is None


def test_a_venue_that_has_no_older_candles_is_asked_no_more() -> None:
    scene = Scene()
    scene.load(100, 103)
    scene.store.extend("5m", [], received_ns=4)
    assert scene.store.reaches_back_to_ms("5m") is None
    assert len(scene.stream.sent) == 2
    assert scene.numbers == [100, 101, 102, 103]


def test_older_candles_that_do_not_join_are_not_taken() -> None:
    scene = Scene()
    scene.load(100, 103)
    scene.store.extend("5m", [*page(98, 99), *page(90, 96)], received_ns=4)
    assert scene.numbers == [98, 99, 100, 101, 102, 103]
    assert scene.store.reaches_back_to_ms("5m") == START_MS + 98 * MINUTES_5


def test_what_is_read_anew_keeps_the_older_candles_that_it_joins_and_no_others() -> None:
    scene = Scene()
    scene.load(100, 103)
    scene.load(102, 106)
    assert scene.numbers == list(range(100, 107))
    scene.load(110, 112)
    assert scene.numbers == [110, 111, 112]
    assert scene.store.reaches_back_to_ms("5m") == START_MS + 110 * MINUTES_5


def test_a_confirmed_row_follows_and_a_missed_one_is_a_gap() -> None:
    scene = Scene()
    scene.load(100, 103)
    scene.store.on_rows("5m", [row(104)], received_ns=5)
    scene.store.on_rows("5m", [row(104, close="2"), row(101)], received_ns=6)
    assert scene.numbers == [100, 101, 102, 103, 104]
    assert scene.last.candles[-1].close == 2.0
    assert scene.store.gaps == set()
    scene.store.on_rows("5m", [row(106)], received_ns=7)
    assert scene.store.gaps == {"5m"}
    assert scene.store.reaches_back_to_ms("5m") is None, "first what is missing"


def test_no_more_than_wanted_are_told_after_many_rows() -> None:
    scene = Scene()
    scene.load(0, 9)
    for number in range(10, 700):
        scene.store.on_rows("5m", [row(number)], received_ns=number)
    assert scene.numbers == list(range(690, 700))


@pytest.mark.parametrize("bad", [["x"], ["1"] * 8, ["1", "y", "1", "1", "1", "1", "1", "1", "1"]])
def test_what_is_no_candle_changes_nothing(bad: list[str]) -> None:
    scene = Scene()
    scene.load(100, 103)
    for take in (
        lambda: scene.store.load("5m", [bad], received_ns=9),
        lambda: scene.store.extend("5m", [bad], received_ns=9),
        lambda: scene.store.on_rows("5m", [bad], received_ns=9),
        lambda: scene.store.on_rows("5m", [[str(2**62), *row(1)[1:]]], received_ns=9),
    ):
        with pytest.raises((ValueError, IndexError)):
            take()
    assert scene.numbers == [100, 101, 102, 103]
