"""`python -m tests.support.frail_brain`: the real brain, which can be made to stand still from within.

SIGUSR2 blocks its event loop; SIGUSR1 makes a real garbage collection take as long. FRAIL_S says how long, seconds.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from typing import Any

from brain.brain import Brain
from schemas import topology
from schemas.process import Runtime, run_process

_STILL_S = float(os.environ.get("FRAIL_S", "5"))


def _block(number: int, frame: Any) -> None:
    time.sleep(_STILL_S)


def _collect(number: int, frame: Any) -> None:
    def slow(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            time.sleep(_STILL_S)

    gc.callbacks.append(slow)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(slow)


async def _main(runtime: Runtime) -> int:
    signal.signal(signal.SIGUSR2, _block)
    signal.signal(signal.SIGUSR1, _collect)
    return await Brain(runtime).run()


if __name__ == "__main__":
    sys.exit(run_process(topology.BRAIN, _main))
