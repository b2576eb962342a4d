"""`python -m tests.drill.brain MODE`: a stand-in brain, which beats as the real one does and orders as it is told.

    quiet     no orders
    refused   orders that the gate refuses, as fast as it answers
    valid     small protected orders, long and short in turn, and limit orders that rest, as fast as it answers
    protected one small protected order, held

SIGUSR2 makes it alive but stuck (its heartbeats go on, and their tick stands still), and the next one well again.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from decimal import Decimal
from typing import Final

from schemas import codec, topology
from schemas.channels import ChannelError, RequestTimeout
from schemas.clock import NS_PER_MS
from schemas.messages import DecidedOn, Heartbeat, MarketTick, OrderRequest, Reply, Request, Side, TelemetryKind
from schemas.process import Runtime, run_process

MODES: Final = ("quiet", "refused", "valid", "protected")
_IN_FLIGHT: Final = {"quiet": 0, "refused": 16, "valid": 4, "protected": 1}
_RESTS_EVERY: Final = 3
_CONTRACTS: Final = Decimal("0.01")
_PATIENCE_S: Final = 2.0
_IDLE_S: Final = 0.005
_ELSEWHERE: Final = "ETH-USDT-SWAP"


class StandIn:
    """Keeps as many orders in flight as its mode says."""

    def __init__(self, runtime: Runtime, mode: str) -> None:
        self._runtime, self._mode, self._clock = runtime, mode, runtime.clock
        self._instrument = runtime.settings.venue.instrument
        self._prefix = f"d{self._clock.wall_ns() // 1_000 % 10**12}n"
        self._requester = runtime.wire.requester(runtime.settings.wire.command)
        self._decode = codec.TickDecoder(self._instrument).decode
        self._numbers = itertools.count(1)
        self._tick: MarketTick | None = None
        self._stuck_at: int | None = None
        self._in_flight = 0
        self._taken = 0
        runtime.wire.subscriber(
            runtime.settings.wire.market, [topology.tick(self._instrument)], self._on_tick, conflate=True
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, self._turn)

    async def run(self) -> int:
        """Until it is told to stop."""
        beat = asyncio.create_task(self._beat())
        fire = asyncio.create_task(self._fire())
        await self._runtime.stopping.wait()
        for task in (beat, fire):
            task.cancel()
        return 0

    def _turn(self) -> None:
        seen = self._tick.sequence if self._tick else 0
        self._stuck_at = seen if self._stuck_at is None else None

    def _on_tick(self, topic: str, sequence: int, timestamp_ns: int, payload: memoryview) -> None:
        self._tick = self._decode(payload)
        self._refill()

    async def _beat(self) -> None:
        while True:
            tick = self._tick.sequence if self._tick else 0
            seen = tick if self._stuck_at is None else self._stuck_at
            body = Heartbeat(
                process=topology.BRAIN, last_tick_sequence=seen, last_decision_sequence=seen,
                created_ns=self._clock.wall_ns(),
            )  # fmt: skip
            self._send(body, lambda answer: None)
            self._runtime.reporter.heartbeat(tick_sequence=seen, decision_sequence=seen, state=self._mode)
            due_ns = self._clock.monotonic_ns() + self._runtime.settings.brain.heartbeat_ms * NS_PER_MS
            was_connected = self._requester.connected
            while self._clock.monotonic_ns() < due_ns and was_connected == self._requester.connected:
                await asyncio.sleep(_IDLE_S)

    async def _fire(self) -> None:
        """An answer asks for the next order; this begins again where none comes any more."""
        while True:
            await asyncio.sleep(_IDLE_S)
            self._refill()

    def _refill(self) -> None:
        while self._tick is not None and self._stuck_at is None and self._in_flight < _IN_FLIGHT[self._mode]:
            if self._mode == "protected" and self._taken:
                return
            self._in_flight += 1
            if not self._send(self._order(self._tick), self._answered):
                self._in_flight -= 1
                return

    def _answered(self, answer: bytes | RequestTimeout) -> None:
        self._in_flight -= 1
        if not isinstance(answer, RequestTimeout):
            reply: Reply = codec.decode_reply(answer)
            self._taken += hasattr(reply.body, "venue_order_id")
        if self._mode == "refused":
            asyncio.get_running_loop().call_soon(self._refill)

    def _order(self, tick: MarketTick) -> OrderRequest:
        number = next(self._numbers)
        side = Side.BUY if self._mode == "protected" or number // 2 % 2 else Side.SELL
        limit = None
        if self._mode == "valid" and number % _RESTS_EVERY == 0:
            away = Decimal("0.995") if side is Side.BUY else Decimal("1.005")
            touch = tick.bid_price if side is Side.BUY else tick.ask_price
            limit = (Decimal(str(touch)) * away).quantize(Decimal("0.1"))
        return OrderRequest(
            intent_id=f"{self._prefix}{number}", side=side, contracts=_CONTRACTS, tp_pct=0.9, sl_pct=0.8,
            instrument=_ELSEWHERE if self._mode == "refused" else self._instrument, limit_price=limit,
            decided_on=DecidedOn(tick_sequence=tick.sequence, timestamp_ns=tick.received_ns),
            created_ns=self._clock.wall_ns(),
        )  # fmt: skip

    def _send(self, body: OrderRequest | Heartbeat, on_reply: object) -> bool:
        request = Request(sequence=next(self._numbers), timestamp_ns=self._clock.wall_ns(), body=body)
        try:
            self._requester.request_nowait(codec.encode_request(request), on_reply, _PATIENCE_S)  # type: ignore[arg-type]
        except ChannelError:
            return False
        return True


async def _main(runtime: Runtime, mode: str) -> int:
    runtime.reporter.send(TelemetryKind.LOG, {"level": "info", "text": f"a stand-in, {mode}"})
    return await StandIn(runtime, mode).run()


if __name__ == "__main__":
    wanted = sys.argv[1]
    assert wanted in MODES, wanted
    sys.exit(run_process(topology.BRAIN, lambda runtime: _main(runtime, wanted)))
