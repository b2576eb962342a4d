"""The halt's word that nothing is open: only what the venue said after the last of our orders was answered counts."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from engine.risk.trading_state import TradingCauses
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch, Latched
from engine.venue.frames import OrderData
from engine.venue.rest import Rest
from schemas.clock import NS_PER_S
from schemas.messages import Signal, SignalKind, TelemetryKind
from schemas.process import Reporter
from tests.support.virtual import LoopClock, run_virtually

ASKING_S = 0.050
HALT = Signal(kind=SignalKind.SYSTEM_HALT, id="h1", issuer="test", reason="", timestamp_ns=0)


class FakeVenue:
    """Says after `ASKING_S` what rested when it was asked."""

    def __init__(self) -> None:
        self.resting: list[str] = []

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


def halt_of(
    clock: LoopClock, latch: HaltLatch, venue: FakeVenue, said: Said, *, in_flight: Callable[[], int] = lambda: 0
) -> Halt:
    return Halt(
        latch=latch, causes=TradingCauses(clock=clock, on_change=lambda cause, raised: None), rest=cast(Rest, venue),
        instrument="BTC-USDT-SWAP", in_flight=in_flight, close_port=lambda: None, open_port=lambda: None,
        reporter=cast(Reporter, said), clock=clock,
    )  # fmt: skip


@pytest.mark.parametrize("arrives_ms", [0, 1, 10, 25, 49, 60, 120])
def test_an_order_that_arrives_while_the_venue_is_asked_is_canceled_before_the_halt_is_confirmed(
    tmp_path: Path, arrives_ms: int
) -> None:
    """Its ack comes over the websocket, and may overtake REST's older list of what rests."""

    async def act(clock: LoopClock) -> None:
        loop, said = asyncio.get_running_loop(), Said()
        venue, in_flight = FakeVenue(), [1]
        latch = HaltLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT")
        halt = halt_of(clock, latch, venue, said, in_flight=lambda: in_flight[0])

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


class FullLatch(HaltLatch):
    """On a disk that is full at first."""

    full = True

    def set(self, halt: Latched) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().set(halt)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_latch_that_found_the_disk_full_is_set_as_soon_as_there_is_space(tmp_path: Path, resumed: bool) -> None:
    async def act(clock: LoopClock) -> None:
        said = Said()
        latch = FullLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT")
        halt = halt_of(clock, latch, FakeVenue(), said)
        halt.on_signal(HALT)
        await asyncio.sleep(10)
        problem = (
            "the latch could not be written ([Errno 28] No space left on device); a restart would forget this halt"
        )
        assert (said.acks[-1]["problems"], "latched_ns" in said.acks[-1]) == ([problem], False)
        if resumed:
            resume = Signal(
                kind=SignalKind.SYSTEM_RESUME, id="r1", issuer="test", reason="", timestamp_ns=0, target="h1"
            )
            assert halt.on_resume(resume) == (True, "trading may begin again")
        latch.full = False
        await asyncio.sleep(1.1)
        found = latch.read(wall_ns=1)
        if resumed:
            assert found is None
        else:
            assert found is not None
            assert found.id == "h1"
            assert (said.acks[-1]["problems"], "latched_ns" in said.acks[-1]) == ([], True)

    run_virtually(act)
