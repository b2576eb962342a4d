"""What a process needs to speak to the venue: its URLs, and the operator's keys from the environment alone."""

from __future__ import annotations

from collections.abc import Mapping

from engine.venue.keys import CREDENTIALS
from engine.venue.sign import Credentials
from schemas.process import StartError
from schemas.settings.tree import Venue
from schemas.settings.venues import Environment, VenueMismatch, environment


def access(venue: Venue, environ: Mapping[str, str]) -> tuple[Environment, Credentials]:
    """URLs and keys of the venue. Raises: StartError, naming what is missing and the mend."""
    try:
        where = environment(venue)
    except VenueMismatch as error:
        raise StartError(str(error)) from None
    if not where.keys and not venue.rest_url:
        raise StartError(
            f"venue.rest_url and venue.ws_url are empty; `sovereign up` sets them for the venue {venue.name}"
        )
    missing = [name for name in CREDENTIALS if not environ.get(name)]
    if missing:
        mend = f"`sovereign keys set {where.keys}`" if where.keys else "`sovereign up` sets them"
        raise StartError(f"credentials of the venue {venue.name}: {', '.join(missing)} not set; {mend}")
    api_key, secret, passphrase = (environ[name] for name in CREDENTIALS)
    return where, Credentials(api_key=api_key, secret=secret, passphrase=passphrase, simulated=where.simulated)
