"""Keeps the order path in the caches, and the garbage collector out of the hot path."""

from __future__ import annotations

import asyncio
import gc
from typing import Final

from engine.desk import Desk
from engine.market import Market
from schemas.clock import NS_PER_MS, NS_PER_S, Clock

_WARM_EVERY_S: Final = 0.02
_COLLECT_EVERY_NS: Final = 30 * NS_PER_S
_QUIET_NS: Final = 2 * NS_PER_MS


async def keep_warm(desk: Desk, market: Market, ready: asyncio.Event, clock: Clock) -> None:
    """From `ready` on: what was built stays, nothing is collected but in a quiet moment, and no order comes cold."""
    await ready.wait()
    gc.collect()
    gc.freeze()
    gc.disable()
    collected_ns = clock.monotonic_ns()
    while True:
        await asyncio.sleep(_WARM_EVERY_S)
        desk.keep_warm()
        now_ns = clock.monotonic_ns()
        if now_ns - collected_ns > _COLLECT_EVERY_NS and now_ns - market.touch.mono_ns > _QUIET_NS:
            collected_ns = now_ns
            gc.collect()
