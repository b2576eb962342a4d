"""Run by the python of the bench-only environment: smart-money-concepts, all signals, over the candles of a file.

`python smc_theirs.py candles.npz swing_length`: a line of JSON as each function ends, [name, seconds]. Imports nothing
of ours, for there is nothing of ours where it runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ["SMC_CREDIT"] = "0"  # else it prints its thanks, which is no JSON

import numpy as np
import pandas as pd
from smartmoneyconcepts import smc


def _timed(name: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = work()
    print(json.dumps([name, time.perf_counter() - began]), flush=True)
    return found


def main(path: str, swing_length: int) -> None:
    """The dearest last, so that a bound cuts off as little as can be."""
    kept = np.load(path)
    frame = pd.DataFrame({name: kept[name] for name in ("open", "high", "low", "close")} | {"volume": 1.0})
    dated = frame.copy()
    dated.index = pd.to_datetime(kept["open_ns"])
    swings = _timed("swing_highs_lows", lambda: smc.swing_highs_lows(frame, swing_length=swing_length))
    _timed("previous_high_low, 1D", lambda: smc.previous_high_low(dated, time_frame="1D"))
    _timed("fvg", lambda: smc.fvg(frame))
    _timed("fvg, joined", lambda: smc.fvg(frame, join_consecutive=True))
    _timed("liquidity", lambda: smc.liquidity(frame, swings))
    _timed("ob", lambda: smc.ob(frame, swings))
    _timed("retracements", lambda: smc.retracements(frame, swings))
    _timed("sessions, London", lambda: smc.sessions(dated, session="London"))
    _timed("bos_choch", lambda: smc.bos_choch(frame, swings))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], int(sys.argv[2]))
