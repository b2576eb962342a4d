from __future__ import annotations

import subprocess
import sys


def test_the_cockpit_loads_neither_engine_nor_brain_nor_ccxt() -> None:
    code = (
        "import sys, sovereign_tui.cockpit.app;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'engine', 'brain', 'ccxt'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
