"""What a command says, computed in a process of its own: the loop of the screen has none of its work."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence


class _Collected(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.said: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self.ended = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.said[fd] += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


async def output_of(command: Sequence[str], environment: Mapping[str, str], limit_s: float) -> str:
    """Its output if it ends well, else what it complains of. Cancelled or late (TimeoutError), it is killed."""
    loop = asyncio.get_running_loop()
    transport, collected = await loop.subprocess_exec(
        _Collected, *command, env=dict(environment), stdin=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(limit_s):
            await collected.ended.wait()
        done = transport.get_returncode() == 0
    finally:
        transport.close()  # at once: a loop that is being closed waits for nobody
    out, complained = (bytes(each) for each in collected.said.values())
    return (out if done else complained or out).decode(errors="replace")
