"""/sim/v1/faults: the switchboard of a running exchange, for its own machine alone. Unsigned, and no part of OKX."""

from __future__ import annotations

import ipaddress
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from engine.exchange.config import ConfigError
from engine.exchange.faults.catalogue import CATALOGUE
from engine.exchange.faults.load import of_json
from engine.exchange.faults.switchboard import Switchboard
from engine.exchange.rest import Response

PATH: Final = "/sim/v1/faults"


class Control:
    """GET shows, POST arms, DELETE clears; each answers what is armed then."""

    def __init__(self, faults: Switchboard) -> None:
        self._faults = faults

    def handle(self, method: str, raw_target: str, body: str, peer: str | None) -> Response:
        """`peer`: the other end's IP address. HTTP 403 if that is not loopback, 400 for what cannot be armed."""
        if not _is_loopback(peer):
            return _answer(403, {"error": f"peer: {peer!r} may not do this; ask from the exchange's own machine"})
        try:
            match method:
                case "GET":
                    pass
                case "POST":
                    self._faults.arm_all(of_json(body))
                case "DELETE":
                    self._faults.clear(_name(raw_target.partition("?")[2]))
                case _:
                    return _answer(405, {"error": f"method: {method!r} is not one of these; give GET, POST or DELETE"})
        except ConfigError as error:
            return _answer(400, {"error": str(error)})
        return _answer(200, self._view())

    def _view(self) -> dict[str, Any]:
        return {
            "armed": [fault.view() for fault in self._faults.armed()],
            "injected": self._faults.injected(),
            "catalogue": {name: entry.view() for name, entry in CATALOGUE.items()},
        }


def _name(query: str) -> str | None:
    given = parse_qs(query, keep_blank_values=True)
    for key, values in given.items():
        if key != "name" or len(values) != 1:
            raise ConfigError(key, values[-1], "give one name, or nothing to clear all")
    return given["name"][0] if given else None


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback
    except ValueError:
        return False


def _answer(status: int, view: dict[str, Any]) -> Response:
    return Response(status, orjson.dumps(view))
