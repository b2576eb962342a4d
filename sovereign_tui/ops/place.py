"""Where the engine is to trade, and whether everything that this needs is there."""

from __future__ import annotations

import os

from schemas.process import Runtime, StartError
from schemas.settings.venues import LIVE, environment
from sovereign_tui.ops import plan
from sovereign_tui.ops.arming import unarmed
from sovereign_tui.ops.launch import orphans_elsewhere


def place_to_trade(runtime: Runtime) -> plan.Venue | None:
    """Where the engine trades, if that is no process of ours; asked again here, whoever started us.

    Raises: StartError, with all that is missing, or if what another ops left running trades elsewhere.
    """
    settings = runtime.settings
    name, instrument = settings.venue.name, settings.venue.instrument
    keys, problems = unarmed(runtime.home, settings, os.environ, runtime.clock.wall_ns())
    confirmed = os.environ.get(plan.CONFIRMED, "")
    if name == LIVE and confirmed != instrument:
        problems.append(f"nobody has confirmed {instrument}: start it with `sovereign up --venue live --live`")
    elsewhere = orphans_elsewhere(runtime.home, name)
    if elsewhere is not None:
        problems.append(f"engine and brain still run on the venue {elsewhere}: stop them with `sovereign down`")
    if problems:
        raise StartError("\n".join(f"venue {name}: {problem}" for problem in problems))
    if keys is None:
        return None
    return plan.remote(environment(settings.venue), keys, confirmed if name == LIVE else "")
