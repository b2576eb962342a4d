"""The halt's word that nothing is open: only what the venue said after the last of our orders was answered counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from engine.risk.trading_state import TradingCauses
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch
from engine.venue.frames import OrderData
from engine.venue.rest import Rest
from schemas.clock import NS_PER_S
from schemas.messages import Signal, SignalKind, TelemetryKind
from schemas.process import Reporter
from tests.support.virtual import LoopClock, run_virtually

ASKING_S = 0.050


class FakeVenue:
    """Says after `ASKING_S` what rested when it was asked."""

    def __init__(self, loop_time: Callable[[], float]) -> None:
        self.resting: list[str] = []
        self._time = loop_time

    async def pending(self, instrument: str) -> list[OrderData]:
        found = [OrderData(instId=instrument, ordId=one, state="live", side="buy", sz="1") for one in self.resting]
        await asyncio.sleep(ASKING_S)
        return found

    async def cancel(self, instrument: str, order_ids: list[str]) -> list[str]:
        self.resting = [one for one in self.resting if one not in order_ids]
        return ["0" for _ in order_ids]


class Said:
    """What the reporter was told."""

    def __init__(self) -> None:
        self.acks: list[dict[str, Any]] = []

    def send(self, kind: TelemetryKind, data: dict[str, Any]) -> None:
        assert kind is TelemetryKind.HALT_ACK
        self.acks.append(data)

    def confirmed_ns(self) -> int | None:
        return next((ack["venue_confirmed_ns"] for ack in self.acks if "venue_confirmed_ns" in ack), None)


@pytest.mark.parametrize("arrives_ms", [0, 1, 10, 25, 49, 60, 120])
def test_an_order_that_arrives_while_the_venue_is_asked_is_canceled_before_the_halt_is_confirmed(
    tmp_path: Path, arrives_ms: int
) -> None:
    """Its ack comes over the websocket, and may overtake REST's older list of what rests."""

    async def act(clock: LoopClock) -> None:
        loop, said = asyncio.get_running_loop(), Said()
        venue, in_flight = FakeVenue(loop.time), [1]
        halt = Halt(
            latch=HaltLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT"),
            causes=TradingCauses(clock=clock, on_change=lambda cause, raised: None), rest=cast(Rest, venue),
            instrument="BTC-USDT-SWAP", in_flight=lambda: in_flight[0], close_port=lambda: None,
            open_port=lambda: None, reporter=cast(Reporter, said), clock=clock,
        )  # fmt: skip

        def arrive() -> None:
            venue.resting.append("1")
            in_flight[0] = 0

        halt.on_signal(Signal(kind=SignalKind.SYSTEM_HALT, id="h1", issuer="test", reason="", timestamp_ns=0))
        loop.call_later(0.001 + arrives_ms / 1_000, arrive)
        end_ns = clock.monotonic_ns() + 5 * NS_PER_S
        while said.confirmed_ns() is None:
            assert clock.monotonic_ns() < end_ns
            await asyncio.sleep(0.001)
        assert venue.resting == []

    run_virtually(act)
