"""`make drill`: prints how long each step of each emergency took, and keeps it in .bench/drill.json.

DRILL_N (20): how often each halt is asked for (by key with one order resting four times that often); slow drills are
done fewer times. DRILL_ONLY=halts,brain,ops,restart and DRILL_LOADS=idle,market,orders choose. Exit code 1 when a
target is missed, or a step was never seen. Of each drill it says what the host of a virtual machine took of the
processors.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.drill.drills import DRILLS, LOADS, chosen
from tests.drill.floor import taken_by_host_s
from tests.drill.table import Table, lines

_RESULTS = Path(".bench") / "drill.json"
_LEAST = 2


def main() -> int:
    """The whole program."""
    n = max(1, int(os.environ.get("DRILL_N", "20")))
    loads = [load for load in LOADS if load in os.environ.get("DRILL_LOADS", ",".join(LOADS)).split(",")]
    table = Table()
    print(f"{platform.platform()}, {os.cpu_count()} cores; exchange 5 ms; times in ms, monotonic, from the record")
    for name in chosen():
        run, fewer = DRILLS[name]
        for load in loads:
            began, taken_s = time.monotonic(), taken_by_host_s()
            try:
                run(table, load, max(min(n, _LEAST), n // fewer))
            except AssertionError as error:  # the system did not come back: the others are drilled all the same
                table.add(name, "carried through", load, None, None)
                print(f"  {name}, {load}: {error}")
            took_s = time.monotonic() - began
            host = (taken_by_host_s() - taken_s) / took_s / (os.cpu_count() or 1)
            print(f"  {name}, {load}: {took_s:.0f} s, of which the host took {host:.1%}", flush=True)
    print("\n".join(lines(table.rows)))
    if "halts" in chosen():
        print(
            "400 resting orders are more than the 300 that OKX cancels in 2 s: the rest of them waits for that limit."
        )
    _RESULTS.parent.mkdir(exist_ok=True)
    kept = {"platform": platform.platform(), "cores": os.cpu_count(), "n": n, "rows": [r.figures() for r in table.rows]}
    _RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
