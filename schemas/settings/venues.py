"""The venues and what goes with each: URLs, the header of simulated trading, and which keys. They switch together.

Source: OKX API guide, "Production/Demo Trading Services": demo has websocket hosts of its own, and the production REST
host with the header `x-simulated-trading: 1`; a key of the other environment is refused with 50101.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from schemas.settings.tree import Venue

SIM: Final = "sim"
PAPER: Final = "paper"
DEMO: Final = "demo"
LIVE: Final = "live"

_REST: Final = "https://www.okx.com"
_OKX: Final = ".okx.com"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DEMO_HOST: Final = "pap"
"""How the first part of OKX's websocket hosts for demo trading ends: wspap, wseeapap, wsuspap."""


class VenueMismatch(ValueError):
    """URLs in the settings that do not belong together; the message names them and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One venue. `ws_url` is without /public, /private and /business; empty URLs: the exchange process says them.

    `simulated`: every REST request carries the header `x-simulated-trading: 1`. `keys`: the name under which the
    operator's keys are kept; empty where the exchange process makes its own. `feed`: whether the URLs are those of
    the market that the exchange process follows, and not those where orders go.
    """

    name: str
    rest_url: str
    ws_url: str
    simulated: bool = False
    keys: str = ""
    feed: bool = False


ENVIRONMENTS: Final[Mapping[str, Environment]] = MappingProxyType(
    {
        SIM: Environment(name=SIM, rest_url="", ws_url=""),
        PAPER: Environment(
            name=PAPER, rest_url=_REST, ws_url="wss://ws.okx.com:8443/ws/v5", feed=True
        ),
        DEMO: Environment(
            name=DEMO, rest_url=_REST, ws_url="wss://wspap.okx.com:8443/ws/v5", simulated=True, keys=DEMO
        ),
        LIVE: Environment(name=LIVE, rest_url=_REST, ws_url="wss://ws.okx.com:8443/ws/v5", keys=LIVE),
    }
)  # fmt: skip


def environment(venue: Venue) -> Environment:
    """The environment of `venue.name`, under the URLs of the settings where they are given.

    Raises: VenueMismatch, if only one URL is given, one that is none, a host of OKX that belongs to the other
    environment, or one in clear that the operator's keys would go to.
    """
    own = ENVIRONMENTS[venue.name]
    rest_url, ws_url = venue.rest_url.rstrip("/"), venue.ws_url.rstrip("/")
    if not rest_url and not ws_url:
        return own
    if not rest_url or not ws_url:
        given, missing = ("venue.ws_url", "venue.rest_url") if ws_url else ("venue.rest_url", "venue.ws_url")
        raise VenueMismatch(f"{given} is set and {missing} is not: they switch together; set both, or neither")
    _addressable("venue.rest_url", rest_url, "https", "http", secret=bool(own.keys))
    _addressable("venue.ws_url", ws_url, "wss", "ws", secret=bool(own.keys))
    host = urlsplit(ws_url).hostname or ""
    if own.keys and host.endswith(_OKX) and host.removesuffix(_OKX).endswith(_DEMO_HOST) != own.simulated:
        raise VenueMismatch(
            f"venue.ws_url = {ws_url!r} is not a host of the venue {own.name}; OKX's is {own.ws_url}; mend or remove it"
        )
    return Environment(
        name=own.name, rest_url=rest_url, ws_url=ws_url, simulated=own.simulated, keys=own.keys, feed=own.feed
    )


def _addressable(name: str, url: str, safe: str, clear: str, *, secret: bool) -> None:
    """`secret`: keys go there, and off this machine never in clear. Raises: VenueMismatch."""
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme = host = ""
    if not host or scheme not in {safe, clear}:
        raise VenueMismatch(f"{name} is no URL; give one that begins with {safe}:// and has a host")
    if secret and scheme == clear and host not in _LOOPBACK:
        raise VenueMismatch(f"{name}: the keys would go to {host} in clear; give a URL that begins with {safe}://")
