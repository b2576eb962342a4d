"""`python -m engine.venue.check`: do these keys work at this venue, and is the account as trading needs it?

One signed GET /account/config; one JSON object on stdout: {"taken": bool, "problems": [text, ...]}. It changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import orjson

from engine.venue.access import access
from engine.venue.keys import explain, judge
from engine.venue.sign import Credentials, rest_headers
from schemas.clock import Clock, SystemClock
from schemas.process import EXIT_CONFIG, EXIT_FAILED, EXIT_OK, StartError
from schemas.settings import Home, HomeError, SettingsError, load_settings
from schemas.settings.venues import Environment

TARGET: Final = "/api/v5/account/config"


class NotTaken(Exception):
    """The venue did not take the keys, or did not answer; the message says why and the mend."""


async def account_config(
    session: aiohttp.ClientSession, where: Environment, credentials: Credentials, clock: Clock, timeout_ms: int
) -> dict[str, Any]:
    """The account's configuration. Raises: NotTaken."""
    headers = rest_headers(credentials, method="GET", target=TARGET, body="", wall_ns=clock.wall_ns())
    limit = aiohttp.ClientTimeout(total=timeout_ms / 1000)
    try:
        async with session.get(
            where.rest_url + TARGET, headers=headers, timeout=limit, allow_redirects=False
        ) as answer:
            envelope = orjson.loads(await answer.read())
        code, text = str(envelope["code"]), str(envelope.get("msg", ""))
        rows: list[dict[str, Any]] = envelope.get("data") or [{}]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NotTaken(f"no answer from {where.rest_url} ({type(error).__name__}); check the network") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise NotTaken(f"{where.rest_url} does not answer as OKX does; check venue.rest_url") from None
    if code != "0":
        raise NotTaken(explain(code, text, where.name))
    return rows[0]


async def check(environ: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Exit code and answer, for settings and keys of this environment."""
    try:
        venue = load_settings(Home.from_environment(environ).settings_file, environ).venue
        where, credentials = access(venue, environ)
    except (SettingsError, HomeError, StartError) as error:
        return EXIT_CONFIG, {"taken": False, "problems": str(error).splitlines()}
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
        try:
            row = await account_config(session, where, credentials, SystemClock(), venue.request_timeout_ms)
        except NotTaken as error:
            return EXIT_FAILED, {"taken": False, "problems": [str(error)]}
    problems = judge(row)
    return EXIT_FAILED if problems else EXIT_OK, {"taken": True, "problems": problems}


def main() -> int:
    """The process."""
    code, answer = asyncio.run(check(os.environ))
    sys.stdout.write(orjson.dumps(answer).decode() + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
