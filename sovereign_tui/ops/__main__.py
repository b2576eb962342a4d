"""`python -m sovereign_tui.ops`: the process that supervises one home. `sovereign up` starts it in the background."""

from __future__ import annotations

import sys

from schemas.process import run_process
from schemas.topology import OPS
from sovereign_tui.ops.app import run

if __name__ == "__main__":
    sys.exit(run_process(OPS, run, telemetry=False))
