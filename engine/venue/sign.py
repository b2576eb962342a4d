"""Signatures of OKX v5. Pure: the time is an argument.

Source: OKX API guide, "REST Authentication" and "WebSocket / Login".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.clock import NS_PER_MS, NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """API key of the venue, and whether it is one for simulated trading (OKX's demo). Its repr shows no secret."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    simulated: bool = False


def _sign(credentials: Credentials, text: str) -> str:
    digest = hmac.new(credentials.secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def rest_headers(credentials: Credentials, *, method: str, target: str, body: str, wall_ns: int) -> dict[str, str]:
    """Headers of a signed request; `target` is the raw path with its query.

    A key for simulated trading brings the header that OKX asks for: without it, its own host answers 50101.
    """
    moment = datetime.fromtimestamp(wall_ns / NS_PER_S, UTC)
    timestamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{wall_ns // NS_PER_MS % 1000:03d}Z"
    simulated = {"x-simulated-trading": "1"} if credentials.simulated else {}
    return {
        "OK-ACCESS-KEY": credentials.api_key,
        "OK-ACCESS-SIGN": _sign(credentials, timestamp + method + target + body),
        "OK-ACCESS-TIMESTAMP": timestamp,
        "OK-ACCESS-PASSPHRASE": credentials.passphrase,
        "Content-Type": "application/json",
        **simulated,
    }


def login_args(credentials: Credentials, *, wall_ns: int) -> dict[str, str]:
    """The argument of a websocket login, good for 30 s."""
    timestamp = str(wall_ns // NS_PER_S)
    return {
        "apiKey": credentials.api_key,
        "passphrase": credentials.passphrase,
        "timestamp": timestamp,
        "sign": _sign(credentials, timestamp + "GET" + "/users/self/verify"),
    }
