from __future__ import annotations

import asyncio
from collections.abc import Callable

from schemas import codec, topology
from schemas.channels import Wire
from schemas.clock import NS_PER_S, SystemClock
from schemas.messages import EngineState, LogLine, MarketTick
from schemas.settings import Settings
from schemas.settings.tree import WireSettings
from sovereign_tui.cockpit.feed import Arrived, Feed, RateMeter
from sovereign_tui.cockpit.view import Counts
from tests.sovereign_tui.cockpit import messages as make


def _settings(market: str, signal: str) -> Settings:
    return Settings(wire=WireSettings(curve=False, market_endpoint=market, signal_endpoint=signal))


async def _until(feed: Feed, met: Callable[[list[Arrived]], bool]) -> list[Arrived]:
    arrived: list[Arrived] = []
    async with asyncio.timeout(10):
        while not met(arrived):
            arrived += feed.poll()
            await asyncio.sleep(0.002)
    return arrived


def _of(arrived: list[Arrived], kind: type) -> list[object]:
    return [message for message, _ in arrived if isinstance(message, kind)]


def test_states_are_conflated_and_log_lines_are_not() -> None:
    async def run() -> None:
        clock = SystemClock()
        publishing, receiving = (Wire(process=name, keys=None, clock=clock) for name in ("engine", "cockpit"))
        market, signal = publishing.publisher("tcp://127.0.0.1:0"), publishing.publisher("tcp://127.0.0.1:0")
        feed = Feed(receiving, _settings(market.endpoint, signal.endpoint), clock)
        await market.wait_subscribed(topology.STATE_ENGINE, 5)
        await market.wait_subscribed(topology.shown_tick(make.INSTRUMENT), 5)
        await signal.wait_subscribed(topology.OPS_LOG, 5)
        for number in range(5):
            signal.publish(topology.OPS_LOG, codec.encode_log(make.log(f"event {number}", number)))
            market.publish(topology.STATE_ENGINE, codec.encode_engine_state(make.engine(last_tick_sequence=number)))
            tick = make.tick(number + 1, received_mono_ns=clock.monotonic_ns())
            market.publish(topology.shown_tick(make.INSTRUMENT), make.tick_bytes(tick))
        market.publish(topology.STATE_ACCOUNT, b"\xff\xff not a message")
        arrived = await _until(
            feed,
            lambda so_far: (
                len(_of(so_far, LogLine)) == 5
                and make.engine(last_tick_sequence=4) in _of(so_far, EngineState)
                and any(tick.sequence == 5 for tick in _of(so_far, MarketTick))  # type: ignore[attr-defined]
                and any(counts.malformed == 1 for counts in _of(so_far, Counts))  # type: ignore[attr-defined]
            ),
        )
        assert [line.text for line in _of(arrived, LogLine)] == [f"event {n}" for n in range(5)]  # type: ignore[attr-defined]
        publishing.close()
        receiving.close()

    asyncio.run(run())


def test_the_last_value_that_a_newcomer_gets_is_as_old_as_it_is() -> None:
    async def run() -> None:
        clock = SystemClock()
        publishing, receiving = (Wire(process=name, keys=None, clock=clock) for name in ("engine", "cockpit"))
        market, signal = publishing.publisher("tcp://127.0.0.1:0"), publishing.publisher("tcp://127.0.0.1:0")
        long_ago_ns = clock.wall_ns() - 60 * NS_PER_S
        market.publish(topology.STATE_ENGINE, codec.encode_engine_state(make.engine()), long_ago_ns)
        feed = Feed(receiving, _settings(market.endpoint, signal.endpoint), clock)
        arrived = await _until(feed, lambda so_far: bool(_of(so_far, EngineState)))
        at_ns = next(at_ns for message, at_ns in arrived if isinstance(message, EngineState))
        assert clock.monotonic_ns() - at_ns >= 60 * NS_PER_S
        publishing.close()
        receiving.close()

    asyncio.run(run())


def test_the_rate_is_unknown_at_first_then_measured_and_begins_anew_with_the_publisher() -> None:
    meter = RateMeter()
    assert meter.measure(None, 0) is None
    assert meter.measure(100, 0) is None
    assert meter.measure(150, NS_PER_S // 2) is None
    assert meter.measure(200, NS_PER_S) == 100.0
    assert meter.measure(200, 3 * NS_PER_S) == 0.0
    assert meter.measure(1, 4 * NS_PER_S) is None
