"""`python -m engine`: builds the parts and runs them."""

from __future__ import annotations

import os
import sys

import aiohttp

from engine.engine import Engine
from engine.venue.sign import Credentials
from schemas import topology
from schemas.process import Runtime, StartError, run_process


def _credentials() -> Credentials:
    """Keys of the venue, from the environment alone."""
    names = ("SOVEREIGN_API_KEY", "SOVEREIGN_SECRET", "SOVEREIGN_PASSPHRASE")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise StartError(f"credentials: {', '.join(missing)} not set; `sovereign up` sets them for the venue sim")
    api_key, secret, passphrase = (os.environ[name] for name in names)
    return Credentials(api_key=api_key, secret=secret, passphrase=passphrase)


async def _main(runtime: Runtime) -> int:
    venue = runtime.settings.venue
    if not venue.rest_url or not venue.ws_url:
        raise StartError("venue.rest_url and venue.ws_url are empty; `sovereign up` sets them for the venue sim")
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
        engine = Engine(runtime, session, _credentials(), (venue.rest_url.rstrip("/"), venue.ws_url.rstrip("/")))
        return await engine.run()


if __name__ == "__main__":
    sys.exit(run_process(topology.ENGINE, _main))
