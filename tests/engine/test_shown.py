"""What screens get of the ticks: the newest, never twice, at most 20 a second, and nothing of it on the hot path."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shown import SHOWN_EVERY_S, ShownTick
from schemas import topology
from schemas.channels import Publisher
from tests.engine.test_market import INSTRUMENT, Scene
from tests.support.virtual import VirtualLoop

SHOWN, TICKS = topology.shown_tick(INSTRUMENT), topology.tick(INSTRUMENT)


class ShownScene(Scene):
    def __init__(self) -> None:
        super().__init__()
        publisher = cast(Publisher, self.publisher)
        self.view = ShownTick(instrument=INSTRUMENT, publisher=publisher, clock=self.clock)

    def change(self, number: int) -> None:
        self.snapshot([(100.0, 1.0 + number)], [(101.0, 2.0)], seq=10 + number)

    @property
    def shown(self) -> list[bytes]:
        return self.publisher.stream(SHOWN).sent

    @property
    def published(self) -> list[bytes]:
        return self.publisher.stream(TICKS).sent


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


def test_the_topic_is_its_own_and_mends_by_itself() -> None:
    assert SHOWN == "view.tick.BTC-USDT-SWAP"
    assert SHOWN.startswith(topology.HEALING)
    assert not SHOWN.startswith(TICKS), "who subscribes to the stream does not get the view of it"


def test_before_the_first_tick_there_is_nothing_to_show() -> None:
    scene = ShownScene()
    scene.view.look()
    assert scene.shown == []


def test_a_frame_shows_nothing_the_timer_shows_the_newest_and_each_once() -> None:
    scene = ShownScene()
    scene.change(1)
    scene.change(2)
    assert scene.shown == [], "nothing more happens between frame and publish"
    scene.view.look()
    scene.view.look()
    assert scene.shown == [scene.published[1]], "byte for byte the newest"
    scene.change(3)
    scene.view.look()
    assert scene.shown == scene.published[1:]
    assert scene.publisher.streams[TICKS].next_sequence == 4, "the stream is what it is without screens"


@given(st.lists(st.integers(0, 5), max_size=30))
def test_however_ticks_and_turns_fall_what_is_shown_is_newest_in_order_and_never_doubled(bursts: list[int]) -> None:
    scene, expected, number = ShownScene(), [], 0
    for burst in bursts:
        for _ in range(burst):
            number += 1
            scene.change(number)
        scene.view.look()
        if burst:
            expected.append(scene.published[-1])
    assert scene.shown == expected
    assert len(scene.published) == number


def test_in_a_second_of_a_fast_market_at_most_20_are_shown(loop: VirtualLoop) -> None:
    scene = ShownScene()

    async def market() -> None:
        for number in range(1_000):
            scene.change(number)
            await asyncio.sleep(0.001)

    async def both() -> None:
        turns = asyncio.create_task(scene.view.run())
        await market()
        turns.cancel()

    loop.run_until_complete(both())
    assert SHOWN_EVERY_S == 0.05
    assert len(scene.published) == 1_000
    assert 19 <= len(scene.shown) <= 20
