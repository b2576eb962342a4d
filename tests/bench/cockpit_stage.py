"""`python -m tests.bench.cockpit_stage RATE`: what a cockpit sees of a busy system, without one.

It holds the home's lock and control socket as ops does, publishes RATE ticks a second, and everything else about as
often as the real processes, with values that change. The last price is the time: see `price_of` and `age_ms`. Each HALT
that comes is written to stdout: its number, and the monotonic ns at which it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import uvloop

from schemas import codec, haltfile, topology
from schemas.channels import Keyring, Publisher, Wire
from schemas.clock import SystemClock
from schemas.settings import Home, load_settings
from sovereign_tui.ops.launch import LOCK_FILE
from sovereign_tui.ops.pidfile import HomeLock
from tests.sovereign_tui.cockpit import messages as make

_BASE: Final = 10_000.0
_CYCLE_MS: Final = 800_000
_BURST_S: Final = 0.002
_SHIFT_EVERY: Final = 100
"""Ticks after which the book moves by one step or none."""


def price_of(now_ns: int) -> float:
    """The time as a price: a step of 0.1 is a millisecond."""
    return round(_BASE + now_ns // 1_000_000 % _CYCLE_MS / 10, 1)


def age_ms(price: float, now_ns: int) -> float:
    """How long ago this was the price."""
    return float((now_ns / 1e6 - round((price - _BASE) * 10)) % _CYCLE_MS)


class Stage:
    """The publishers, and what they have to say."""

    def __init__(self, market: Publisher, signal: Publisher, instrument: str) -> None:
        self._market, self._signal = market, signal
        self._encoder = codec.TickEncoder(instrument)
        self._topic = topology.shown_tick(instrument)
        self._random = random.Random(7)
        self._sequence = 0
        self._mid = 64_000.0
        self._sizes = [[self._random.uniform(0.1, 40) for _ in range(20)] for _ in range(2)]

    async def ticks(self, rate: int) -> None:
        """For ever; a burst that came late is made up for."""
        began, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * rate)
            for _ in range(min(due - sent, rate // 10)):
                self._tick()
            sent = due
            await asyncio.sleep(_BURST_S)

    def _tick(self) -> None:
        self._sequence += 1
        if self._sequence % _SHIFT_EVERY == 0:
            self._mid += self._random.choice((-0.1, 0.0, 0.1))
        for sizes in self._sizes:
            sizes[min(19, int(self._random.expovariate(0.5)))] = self._random.uniform(0.1, 40)
        now_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        tick = self._encoder.encode(
            sequence=self._sequence, exchange_ns=now_ns, received_ns=now_ns, published_ns=now_ns,
            received_mono_ns=mono_ns, book_sequence=self._sequence, book_valid=True,
            bid_prices=[self._mid - 0.1 * level for level in range(1, 21)], bid_sizes=self._sizes[0],
            ask_prices=[self._mid + 0.1 * level for level in range(1, 21)], ask_sizes=self._sizes[1],
            last_price=price_of(mono_ns), last_size=1.0, last_side=1 if self._sequence % 3 else 2,
            last_id=self._sequence,
        )  # fmt: skip
        self._market.publish(self._topic, tick, now_ns)

    async def others(self) -> None:
        """The states: topic, times a second, what it says at its n-th time."""
        roll = self._random.uniform
        await asyncio.gather(
            self._often(self._market, topology.STATE_ENGINE, 4, lambda n: codec.encode_engine_state(
                make.engine(last_tick_sequence=self._sequence, brain_age_ms=roll(0, 400), feed_age_ms=roll(0, 9)))),
            self._often(self._market, topology.STATE_POSITIONS, 5, lambda n: codec.encode_positions(
                make.positions(unrealised=make.Decimal(f"{roll(-99, 99):.2f}")))),
            self._often(self._market, topology.STATE_ACCOUNT, 2, lambda n: codec.encode_account(
                make.account(f"{roll(0, 500):.2f}"))),
            self._often(self._market, topology.candle("5m", make.INSTRUMENT), 5, lambda n: codec.encode_candle(
                make.candle(0, sequence=n))),
            self._often(self._market, topology.history("5m", make.INSTRUMENT), 0.1, lambda n: codec.encode_history(
                make.history(300))),
            self._often(self._signal, topology.OPS_FLOW, 4, lambda n: codec.encode_flow(
                make.flow(imbalance=roll(0, 1), cvd_contracts=roll(0, 900)))),
            self._often(self._signal, topology.OPS_HEATMAP, 1, lambda n: codec.encode_heatmap(make.heatmap(48, 60))),
            self._often(self._signal, topology.OPS_STRUCTURE, 0.1, lambda n: codec.encode_structure(make.structure())),
            self._often(self._signal, topology.OPS_AUDIT, 0.1, lambda n: codec.encode_audit(make.audit())),
            self._often(self._market, topology.STATE_ORDERS, 2, lambda n: codec.encode_orders(make.orders())),
            self._often(self._signal, topology.STATE_DECISION, 10, lambda n: codec.encode_decision(
                make.decision(sequence=n, features={"cvd_contracts": roll(-500, 500), "spread_bps": roll(0, 1)}))),
            self._often(self._signal, topology.OPS_SYSTEM, 2, lambda n: codec.encode_system(make.system())),
            self._often(self._signal, topology.OPS_METRICS, 1, lambda n: codec.encode_metrics(
                make.metrics(**{"engine.tick_to_order_p50_us": roll(90, 500)}))),
            self._often(self._signal, topology.OPS_LOG, 1, lambda n: codec.encode_log(make.log(f"event {n}", n))),
            self._often(self._signal, topology.SIGNAL, 3, lambda n: codec.encode_signal(make.pulse(n))),
        )  # fmt: skip

    async def _often(self, to: Publisher, topic: str, per_s: float, say: Callable[[int], bytes]) -> None:
        number = 0
        while True:
            number += 1
            to.publish(topic, say(number))
            await asyncio.sleep(1 / per_s)


class Socket:
    """Ops's control socket: knows `status` and `halt`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.halts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command."""
        at_ns = 0
        with contextlib.suppress(ConnectionError, ValueError):
            command: dict[str, Any] = json.loads(await reader.readline())
            at_ns = time.monotonic_ns()
            answer: Any = {"venue": "sim", "processes": []}
            if command["cmd"] == "halt":
                self.halts += 1
                print(json.dumps([self.halts, at_ns]), flush=True)
                answer = msgspec.to_builtins(make.receipt(at_ns, 4))
                haltfile.path_in(self._home.runtime).unlink(missing_ok=True)  # the next press writes its own
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def main(rate: int) -> None:
    """Until it is killed."""
    home = Home.from_environment()
    home.prepare()
    settings = load_settings(home.settings_file)
    lock = HomeLock(home.runtime / LOCK_FILE)
    keys = Keyring.load_or_create(home.keys) if settings.wire.curve else None
    wire = Wire(process=topology.ENGINE, keys=keys, clock=SystemClock())
    stage = Stage(
        wire.publisher(settings.wire.market), wire.publisher(settings.wire.signal), settings.venue.instrument
    )  # fmt: skip
    home.control_socket.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(Socket(home).serve, str(home.control_socket))
    print(json.dumps("ready"), flush=True)
    try:
        await asyncio.gather(stage.ticks(rate), stage.others())
    finally:
        server.close()
        lock.release()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
