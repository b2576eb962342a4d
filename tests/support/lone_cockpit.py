"""A cockpit without a system behind it, under its guard: `python -m tests.support.lone_cockpit <trouble>`.

Its home is SOVEREIGN_HOME; the pid of the screen's own process is in <home>/data/pid as soon as it paints. In front of
a `lively` market, a file <home>/data/still stops market and time, and <home>/data/strokes tells how many pieces were
written past the compositor.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from schemas.settings import Home
from sovereign_tui.cockpit.tty.guard import Guarded, guard


def child(guarded: Guarded, home: Home, trouble: str) -> int:
    """The screen; what it is to suffer happens at its fifth paint."""
    from schemas.clock import SystemClock
    from schemas.settings import Settings
    from sovereign_tui.cockpit.app import Cockpit
    from sovereign_tui.cockpit.kill import NoKillSwitch
    from sovereign_tui.cockpit.tty.session import show
    from tests.sovereign_tui.cockpit import messages as make

    clock = SystemClock()
    if trouble == "lively":
        return lively(guarded, home)

    class Market:
        def __init__(self) -> None:
            self.polls = 0

        def poll(self) -> list[tuple[object, int]]:
            self.polls += 1
            if self.polls == 5:
                suffer(trouble)
                (home.data / "pid").write_text(str(os.getpid()))
            now_ns = clock.monotonic_ns()
            return [(make.tick(self.polls, last=60_000.0 + self.polls), now_ns), (make.engine(), now_ns)]

    app = Cockpit(
        home=home, settings=Settings(), clock=clock, kill=NoKillSwitch(), connect=Market, readonly=True, who="op"
    )  # fmt: skip
    return show(app, home, mouse=True, guarded=guarded)


def lively(guarded: Guarded, home: Home) -> int:
    """A market in which everything changes at every poll, until it and its clock stand still."""
    from schemas.settings import Settings
    from sovereign_tui.cockpit.app import Cockpit
    from sovereign_tui.cockpit.kill import NoKillSwitch
    from sovereign_tui.cockpit.tty.session import show
    from tests.support.lively import Lively, Strokes

    market = Lively(home.data)

    class Counted(Strokes, Cockpit):
        """Says at its end how much it drew by itself."""

    app = Counted(
        home=home, settings=Settings(), clock=market.clock, kill=NoKillSwitch(), connect=lambda: market, readonly=True,
        who="op", no_color=bool(os.environ.get("NO_COLOR")),
    )  # fmt: skip
    market.stopped = lambda: (home.data / "strokes").write_text(str(app.drawn))
    return show(app, home, mouse=True, guarded=guarded)


def suffer(trouble: str) -> None:
    """Do as told."""
    if trouble == "crash":
        raise ZeroDivisionError("crash inside a paint")
    if trouble == "noise":
        os.write(2, b"NOISE OF A LIBRARY\n")
        os.write(1, b"NOISE OF A LIBRARY\n")
    if trouble == "astray":
        threading.Thread(target=lambda: next(iter(())), name="astray").start()
        asyncio.get_running_loop().call_soon(lambda: {}["astray"])


if __name__ == "__main__":
    here = Home.from_environment()
    here.prepare()
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.exit(guard(lambda guarded: child(guarded, here, wanted), here.logs))
