"""What is missing among the latest trades is seen, asked for, and told to whoever subscribes."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.trades import KEEP, TradeStore
from engine.venue.frames import TradeData
from schemas import codec, topology
from schemas.channels import Publisher
from schemas.messages import Side, TradeHistory
from tests.engine.test_market import INSTRUMENT, FakePublisher, FakeStream

NS_PER_MS = 1_000_000


def data(trade_id: int, count: int = 1, *, size: str = "1.5", **changes: str) -> TradeData:
    plain = {"px": "64000.1", "sz": size, "side": "buy", "ts": str(trade_id), "tradeId": str(trade_id)}
    return TradeData(**{**plain, "count": str(count) if count else "", **changes})


class Scene:
    def __init__(self) -> None:
        publisher = FakePublisher()
        self.store = TradeStore(instrument=INSTRUMENT, publisher=cast(Publisher, publisher))
        self.stream: FakeStream = publisher.stream(topology.trades(INSTRUMENT))

    def take(self, *trades: TradeData) -> None:
        for trade in trades:
            self.store.take(trade, 77)

    def told(self) -> TradeHistory:
        cast(Any, self.stream).renew()
        return codec.decode_trade_history(self.stream.sent[-1])

    @property
    def ids(self) -> list[int]:
        return [trade.trade_id for trade in self.told().trades]


def test_a_subscriber_gets_the_latest_trades_and_since_when_none_is_missing() -> None:
    scene = Scene()
    scene.take(data(10), data(13, 3, side="sell"), data(14))
    told = scene.told()
    assert (told.instrument, told.sequence, told.received_ns, told.since_id) == (INSTRUMENT, 1, 77, 9)
    assert [(trade.trade_id, trade.count, trade.side, trade.price, trade.size) for trade in told.trades] == [
        (10, 1, Side.BUY, 64_000.1, 1.5), (13, 3, Side.SELL, 64_000.1, 1.5), (14, 1, Side.BUY, 64_000.1, 1.5),
    ]  # fmt: skip
    assert [trade.exchange_ns for trade in told.trades] == [10 * NS_PER_MS, 13 * NS_PER_MS, 14 * NS_PER_MS]


def test_what_lies_before_the_first_push_is_asked_for_once() -> None:
    scene = Scene()
    assert not scene.store.hole
    scene.take(data(10))
    assert (scene.store.hole, scene.told().since_id) == (True, 9)
    assert scene.store.load([data(number, 0) for number in range(3, 11)], 80) == 7
    assert (scene.store.hole, scene.told().since_id, scene.ids) == (False, 2, list(range(3, 11)))
    scene.take(data(11))
    assert not scene.store.hole


def test_nothing_is_told_before_the_first_trade() -> None:
    scene = Scene()
    cast(Any, scene.stream).renew()
    assert scene.stream.sent == []
    assert scene.store.load([], 1) == 0


def test_a_jump_of_the_ids_is_a_hole_until_rest_has_filled_it() -> None:
    scene = Scene()
    scene.take(data(10))
    scene.store.load([data(10, 0)], 79)
    assert (scene.store.hole, scene.store.since_id) == (False, 9)
    scene.take(data(11), data(15, 2))
    assert (scene.store.hole, scene.store.since_id) == (True, 13)
    assert scene.store.load([data(15, 0), data(14, 0), data(13, 0), data(12, 0), data(11, 0)], 80) == 2
    assert (scene.store.hole, scene.store.since_id) == (False, 9)
    assert scene.ids == [10, 11, 12, 13, 15]


def test_an_answer_that_does_not_reach_back_to_the_hole_leaves_what_is_before_it_unknown() -> None:
    scene = Scene()
    scene.take(data(10), data(30))
    scene.store.load([data(number, 0) for number in range(21, 31)], 80)
    assert (scene.store.hole, scene.store.since_id, scene.told().since_id) == (False, 20, 20)
    assert scene.ids == [10, *range(21, 31)]


def test_an_answer_that_is_older_than_the_hole_is_asked_for_again() -> None:
    scene = Scene()
    scene.take(data(10), data(30))
    scene.store.load([data(9, 0), data(10, 0)], 80)
    assert (scene.store.hole, scene.store.since_id) == (True, 29)


def test_ids_that_the_venue_itself_does_not_know_are_no_hole_for_ever() -> None:
    scene = Scene()
    scene.take(data(10), data(30))
    assert scene.store.load([data(30, 0), data(10, 0)], 80) == 0
    assert (scene.store.hole, scene.store.since_id) == (False, 9)


def test_a_venue_that_does_not_say_how_many_ids_a_trade_stands_for_has_no_holes() -> None:
    scene = Scene()
    scene.take(data(10, 0), data(30, 0))
    assert (scene.store.hole, scene.store.since_id) == (False, 9)


def test_a_trade_that_is_pushed_again_is_kept_once() -> None:
    scene = Scene()
    scene.take(data(10), data(11), data(11), data(10))
    assert scene.ids == [10, 11]


def test_a_history_that_no_longer_reaches_back_says_so() -> None:
    scene = Scene()
    scene.take(*(data(number) for number in range(1, KEEP + 101)))
    told = scene.told()
    assert (len(told.trades), told.trades[0].trade_id, told.since_id) == (KEEP, 101, 100)


@pytest.mark.parametrize("changes", [{"px": "x"}, {"tradeId": ""}, {"count": str(2**40)}, {"tradeId": str(2**70)}])
def test_what_is_no_number_is_refused_and_nothing_of_it_is_kept(changes: dict[str, str]) -> None:
    scene = Scene()
    scene.take(data(10))
    with pytest.raises(ValueError):
        scene.store.take(data(11, **changes), 1)
    with pytest.raises(ValueError):
        scene.store.load([data(11, **changes)], 1)
    scene.take(data(11))
    assert scene.ids == [10, 11]
    assert scene.told().since_id == 9


@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=60), st.integers(0, 100), st.booleans()
)
def test_what_the_pushes_lost_and_rest_still_has_is_there_afterwards(
    groups: list[tuple[int, bool]], reach: int, single: bool
) -> None:
    scene, last, pushed, fills = Scene(), 100, [], []
    for count, lost in groups:
        last += count
        fills += [data(number, 0) for number in range(last - count + 1, last + 1)] if single else [data(last, count)]
        if not lost:
            pushed.append(data(last, count))
    scene.take(*pushed)
    answer = fills[-reach:] if reach else []
    scene.store.load(answer, 5)
    if not pushed and not answer:
        return
    told = scene.told()
    covered: set[int] = set()
    for trade in told.trades:
        own = set(range(trade.trade_id - max(trade.count, 1) + 1, trade.trade_id + 1))
        assert not own & covered, "no id twice"
        covered |= own
    newest = told.trades[-1].trade_id
    assert set(range(told.since_id + 1, newest + 1)) <= covered, "none is missing since then"
    if answer and pushed:
        assert not scene.store.hole or int(answer[-1].tradeId) < scene.store.since_id
