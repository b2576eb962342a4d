"""OKX's signatures. Pure; the caller brings the time.

Source: OKX guide, "REST Authentication" and "WebSocket / Login" (FACTS 2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.exchange.config import Credentials

WINDOW_MS = 30_000
WS_LOGIN_PAYLOAD = "GET/users/self/verify"
_OKX = ".okx.com"
_DEMO_HOST = "pap"  # wspap, wseeapap, wsuspap


@dataclass(frozen=True, slots=True)
class AuthFailure:
    """Why a request is not believed: OKX's code and text. REST answers it with HTTP 401."""

    code: str
    msg: str


WRONG_ENVIRONMENT = AuthFailure("50101", "APIKey does not match current environment.")


def sign(secret: str, payload: str) -> str:
    """base64(HMAC-SHA256(secret, payload))."""
    message = payload.encode("utf-8", "surrogateescape")  # a raw target need not be UTF-8
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def check_rest(
    credentials: Credentials, headers: Mapping[str, str], method: str, raw_target: str, body: str, now_ms: int
) -> AuthFailure | None:
    """None if the request is signed right. `raw_target` is path and query as they stood on the wire."""
    for name, code in (
        ("OK-ACCESS-KEY", "50103"),
        ("OK-ACCESS-PASSPHRASE", "50104"),
        ("OK-ACCESS-SIGN", "50106"),
        ("OK-ACCESS-TIMESTAMP", "50107"),
    ):
        if not headers.get(name):
            return AuthFailure(code, f"Request header {name} can not be empty.")
    stamp = headers["OK-ACCESS-TIMESTAMP"]
    try:
        sent = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return AuthFailure("50112", "Invalid OK-ACCESS-TIMESTAMP")
    if abs(sent.timestamp() * 1000 - now_ms) > WINDOW_MS:
        return AuthFailure("50102", "Timestamp request expired")
    if not _same(headers["OK-ACCESS-KEY"], credentials.api_key):
        return AuthFailure("50111", "Invalid OK-ACCESS-KEY")
    if credentials.simulated is not None and credentials.simulated != (headers.get("x-simulated-trading") == "1"):
        return WRONG_ENVIRONMENT
    if not _same(headers["OK-ACCESS-PASSPHRASE"], credentials.passphrase):
        return AuthFailure("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
    if not _same(headers["OK-ACCESS-SIGN"], sign(credentials.secret, stamp + method + raw_target + body)):
        return AuthFailure("50113", "Invalid Sign")
    return None


def opened_to_demo(headers: Mapping[str, str]) -> bool | None:
    """Whether a websocket's handshake asks for demo trading, or for production; None: it does not say.

    OKX tells the two apart by the host (FACTS 1). Under another name, as at home, only the header of REST can say it.
    """
    if headers.get("x-simulated-trading") == "1":
        return True
    host = headers.get("Host", "").partition(":")[0].lower()
    return host.removesuffix(_OKX).endswith(_DEMO_HOST) if host.endswith(_OKX) else None


def check_login(
    credentials: Credentials, args: Mapping[str, object], now_ms: int, *, demo: bool | None = None
) -> AuthFailure | None:
    """None if the websocket login is right. Its timestamp is in Unix seconds; `demo` as `opened_to_demo` says."""
    stamp = str(args.get("timestamp", ""))
    try:
        sent_ms = float(stamp) * 1000
    except ValueError:
        return AuthFailure("60004", "Invalid timestamp")
    if not abs(sent_ms - now_ms) <= WINDOW_MS:  # also refuses nan
        return AuthFailure("60006", "Timestamp request expired")
    known = _same(str(args.get("apiKey", "")), credentials.api_key)
    if known and demo is not None and credentials.simulated is not None and credentials.simulated != demo:
        return WRONG_ENVIRONMENT
    expected = sign(credentials.secret, stamp + WS_LOGIN_PAYLOAD)
    if not (
        known
        and _same(str(args.get("passphrase", "")), credentials.passphrase)
        and _same(str(args.get("sign", "")), expected)
    ):
        return AuthFailure("60009", "Login failed.")
    return None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
