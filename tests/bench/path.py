"""An order's way through the engine: from its bytes on the command port to its bytes at the transport to the venue.

Desk, gate, journal on the disk, signature, all real, on a uvloop; only the two sockets are left out. Beside it the same
with a journal that does not wait for the disk, and what no such path can be without: one fdatasync, one signature.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop

from schemas import codec
from schemas.channels import Reply
from schemas.messages import OrderAck, Request
from tests.bench.figures import NotMeasured, Table, no_collector
from tests.bench.scene import CREDENTIALS, Scene, UnsyncedJournal

SYNC, SIGN = "write and fdatasync of 200 bytes", "one HMAC signature"
_APART_S = 0.0025
"""Between two orders of a desk: the gate lets at most 500 a second through."""
_FIRST = 20
"""Orders before the measured ones: the journal's thread is made, the path is warm."""
_SECRET, _SIGNED = CREDENTIALS.secret.encode(), b"2026-01-01T00:00:00.000ZPOST/api/v5/trade/order" + bytes(330)
_sync = getattr(os, "fdatasync", os.fsync)


@dataclass(slots=True)
class _Found:
    """Durations, ns."""

    sent: list[float] = field(default_factory=list)
    replied: list[float] = field(default_factory=list)


def order_path(*, count: int = 400, directory: Path = Path(".bench")) -> dict[str, Any]:
    """Measure and print it. The journals are written to `directory`: its disk decides."""
    table = Table("order path in the engine: request in -> order at the transport")
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch, no_collector():
        uvloop.run(_measure(table, Path(scratch), count))
    return table.kept


async def _measure(table: Table, directory: Path, count: int) -> None:
    (directory / "unsynced").mkdir()
    synced, unsynced = Scene(directory), Scene(directory / "unsynced", journal=UnsyncedJournal)
    scenes = {"with the journal on disk": synced, "without its sync": unsynced}
    found = {name: _Found() for name in scenes}
    syncs: list[float] = []
    signatures: list[float] = []
    descriptor = os.open(directory / "floor", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        for scene in scenes.values():
            await scene.arm()
        for number in range(count + _FIRST):
            for name, scene in scenes.items():
                sent, replied = await _order(scene)
                if number >= _FIRST:
                    found[name].sent.append(sent)
                    found[name].replied.append(replied)
            syncs.append(_fdatasync(descriptor))
            signatures.append(_signature())
    finally:
        os.close(descriptor)
        for scene in scenes.values():
            scene.journal.close()
    table.add(SYNC, syncs[_FIRST:])
    table.add(SIGN, signatures[_FIRST:])
    floor_us = sum(table.kept[label]["p50_us"] for label in (SYNC, SIGN))
    for name, spans in found.items():
        p50 = table.add(f"request -> transport, {name}", spans.sent)
        table.add(f"request -> reply, {name}", spans.replied)
        beside = floor_us if name.startswith("with ") else table.kept[SIGN]["p50_us"]
        table.kept[f"request -> transport, {name}"]["ratio_to_floor"] = p50 / beside
        what = "fdatasync and signature" if name.startswith("with ") else "the signature"
        print(f"    request -> transport, {name}: {p50 / beside:.2f} x {what}")


class _Heard:
    """Takes the answer to one request, and when it came."""

    def __init__(self, heard: asyncio.Future[tuple[int, bytes]]) -> None:
        self._heard = heard
        self.answered = False

    def __call__(self, payload: bytes) -> bool:
        self.answered = True
        self._heard.set_result((time.perf_counter_ns(), payload))
        return True


async def _order(scene: Scene) -> tuple[float, float]:
    """One order, filled afterwards. Durations to the transport and to the reply, ns."""
    await asyncio.sleep(_APART_S)
    scene.tick()
    scene.desk.keep_warm()  # as the engine does every 20 ms
    order = scene.order()
    payload = codec.encode_request(Request(sequence=1, timestamp_ns=scene.clock.wall_ns(), body=order))
    answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    began = time.perf_counter_ns()
    scene.desk.on_request(memoryview(payload), cast(Reply, _Heard(answered)))
    ended, answer = await answered
    body = codec.decode_reply(answer).body
    if not isinstance(body, OrderAck):
        raise NotMeasured(f"order path: the order was not taken: {body}")
    scene.fill(order)
    return scene.venue.placed_ns - began, ended - began


def _fdatasync(descriptor: int) -> float:
    began = time.perf_counter_ns()
    os.write(descriptor, bytes(200))
    _sync(descriptor)
    return time.perf_counter_ns() - began


def _signature() -> float:
    began = time.perf_counter_ns()
    base64.b64encode(hmac.new(_SECRET, _SIGNED, hashlib.sha256).digest())
    return time.perf_counter_ns() - began
