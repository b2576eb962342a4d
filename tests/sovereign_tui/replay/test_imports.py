from __future__ import annotations

import subprocess
import sys


def test_a_replay_loads_neither_engine_nor_brain_nor_ccxt_nor_a_screen() -> None:
    code = (
        "import sys, sovereign_tui.replay.state, sovereign_tui.replay.source;"
        "wanted = {'engine', 'brain', 'ccxt', 'textual', 'rich', 'zmq'};"
        "print(sorted({name.split('.')[0] for name in sys.modules} & wanted))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
