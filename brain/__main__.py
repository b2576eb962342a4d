"""`python -m brain`: builds the parts and runs them."""

from __future__ import annotations

import sys

from brain.brain import Brain
from schemas import topology
from schemas.process import Runtime, run_process


async def _main(runtime: Runtime) -> int:
    return await Brain(runtime).run()


if __name__ == "__main__":
    sys.exit(run_process(topology.BRAIN, _main))
