"""One app on one terminal, from the first byte to the last."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import Final

from schemas.settings import Home
from sovereign_tui.cockpit.tty.diverted import diverted, keep_short
from sovereign_tui.cockpit.tty.guard import Guarded
from sovereign_tui.cockpit.tty.paced import PacedApp
from sovereign_tui.cockpit.tty.watch import TerminalWatch

LOG_FILE: Final = "cockpit.log"
_SWITCH_S: Final = 0.0005
"""How long a thread keeps the interpreter while others wait: the kill key's must not wait out a paint."""


def show(app: PacedApp, home: Home, *, mouse: bool, guarded: Guarded | None = None) -> int:
    """Runs the app until it is left; returns its exit code."""
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()  # what was loaded stays: looking it through again and again would hold up a key by tens of ms
    gc.enable()
    if guarded is not None:
        app.guarded_by(guarded.crashes, guarded.stopping)
    watch = TerminalWatch(
        sys.__stdin__.fileno() if sys.__stdin__ is not None else 0,
        lambda: os.kill(os.getpid(), signal.SIGHUP),
        guard=guarded.parent if guarded is not None else None,
        meanwhile=keep_short,
    )
    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(diverted(home.logs / LOG_FILE))
        app.draws_on(screen)
        watch.start()
        stack.callback(watch.stop)
        app.run(mouse=mouse)
    return app.return_code or 0
