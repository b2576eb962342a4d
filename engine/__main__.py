"""`python -m engine`: builds the parts and runs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

import aiohttp

from engine.engine import Engine
from engine.venue.access import access
from engine.venue.sign import Credentials
from schemas import topology
from schemas.process import Runtime, StartError, run_process
from schemas.settings.tree import Venue
from schemas.settings.venues import LIVE, Environment

CONFIRMED: Final = "SOVEREIGN_LIVE_CONFIRMED"
"""Set by ops after the operator has typed the instrument's name."""


def place_to_trade(venue: Venue, environ: Mapping[str, str]) -> tuple[Environment, Credentials]:
    """URLs and keys of the venue. Raises: StartError, for what is missing, and for a live venue not confirmed."""
    if venue.name == LIVE and environ.get(CONFIRMED) != venue.instrument:
        raise StartError(
            f"venue live: nobody has confirmed {venue.instrument}; start it with `sovereign up --venue live --live`"
        )
    return access(venue, environ)


async def _main(runtime: Runtime) -> int:
    where, credentials = place_to_trade(runtime.settings.venue, os.environ)
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
        engine = Engine(runtime, session, credentials, (where.rest_url, where.ws_url))
        return await engine.run()


if __name__ == "__main__":
    sys.exit(run_process(topology.ENGINE, _main))
