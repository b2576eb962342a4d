"""`python -m tests.bench.cockpit_noted FILE`: the cockpit as it is; FILE gets a line at each key that it handles.

The line is the monotonic ns at which the handler of Tab ran.
"""

from __future__ import annotations

import os
import sys
import time

from schemas.settings import Home, load_settings
from sovereign_tui.cockpit.tty.guard import Guarded, guard


def child(guarded: Guarded, home: Home, path: str) -> int:
    """The cockpit, with its notes."""
    from sovereign_tui.cockpit import app

    notes = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    class Noted(app.Cockpit):
        def action_next_pane(self, step: int) -> None:
            os.write(notes, f"{time.monotonic_ns()}\n".encode())
            super().action_next_pane(step)

    app.Cockpit = Noted  # type: ignore[misc]
    return app.run(home=home, settings=load_settings(home.settings_file), readonly=False, guarded=guarded)


if __name__ == "__main__":
    here = Home.from_environment()
    sys.exit(guard(lambda guarded: child(guarded, here, sys.argv[1]), here.logs))
