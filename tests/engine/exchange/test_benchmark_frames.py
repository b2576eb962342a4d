"""--frames-per-s: every frame is a change of its own, in one chain of rising sequence numbers, none lost."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp
import orjson

from engine.exchange.server import HOST, Server
from tests.engine.exchange.support import CREDENTIALS, Venue

WANTED = 2_000


def test_each_benchmark_frame_changes_the_touch_by_one_lot() -> None:
    async def story() -> list[dict[str, object]]:
        server = Server(Venue().exchange, CREDENTIALS, frames_per_s=10_000)
        port = await server.start(0)
        try:
            async with aiohttp.ClientSession() as http, http.ws_connect(f"ws://{HOST}:{port}/ws/v5/public") as socket:
                await socket.send_json({"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "BTC-USDT-SWAP"}]})
                assert (await socket.receive_json())["event"] == "subscribe"
                return [orjson.loads(await socket.receive_str())["data"][0] for _ in range(WANTED)]
        finally:
            await server.stop()

    rows = asyncio.run(story())
    greeting, *frames = rows
    assert len(frames) == WANTED - 1
    sizes = [round(float(row["bids"][0][1]) * 100) for row in frames]  # type: ignore[index]
    assert {abs(after - before) for before, after in itertools.pairwise(sizes)} == {1}
    numbers = [row["seqId"] for row in (greeting, *frames)]
    assert numbers == sorted(set(numbers))  # type: ignore[type-var]
