"""The heartbeat of our exchange, which knows no telemetry: it is asked for its time once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp

from sovereign_tui.ops.children import Child
from sovereign_tui.ops.supervisor import State

PATH: Final = "/api/v5/public/time"
_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 3.0


async def ask_exchange(
    child: Child, url: Callable[[], str | None], pulse: Callable[[str, int], None], *, every_s: float = _EVERY_S
) -> None:
    """Until it is cancelled. Any answer is a heartbeat of the process that ran before and after: also a refusal."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            pid, base = child.pid, url()
            asked = child.state is State.RUNNING and base is not None
            if asked and await _answers(session, str(base)) and child.pid == pid:
                pulse(child.name, pid)
            await asyncio.sleep(every_s)


async def _answers(session: aiohttp.ClientSession, base: str) -> bool:
    try:
        async with session.get(f"{base}{PATH}", allow_redirects=False) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        return False  # the age of its heartbeat says so
    return True
