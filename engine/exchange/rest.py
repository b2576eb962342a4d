"""REST without the socket: a request in, status and body out. Signature, call limits, routes, envelope.

Source: FACTS 2 (signature over the raw target), 6 (envelope, limits).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from engine.exchange.auth import WRONG_ENVIRONMENT, check_rest
from engine.exchange.config import Credentials
from engine.exchange.hub import Hub
from engine.exchange.intake import Refused
from engine.exchange.ratelimit import WINDOW_NS, RateLimiter
from engine.exchange.trade_api import TOO_MANY, Answer

Params = Mapping[str, Any]
PREFIX: Final = "/api/v5/"
_BAD_REQUEST: Final = frozenset({"50014", "50015", "50016", "51000"})  # HTTP 400; other business errors are 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as a route sees it: query or JSON object; `items` when the body is a list; expTime header."""

    params: Params
    items: list[Any]
    exp_time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A call: who answers, whether it is signed, how many per 2 s (0: counted elsewhere), answered with latency?"""

    act: Callable[[Call], Answer]
    signed: bool = True
    limit: int = 0
    window_ns: int = WINDOW_NS
    trading: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """HTTP status and JSON body; `trading` answers get the configured latency."""

    status: int
    body: bytes
    trading: bool = False


class Rest:
    """The table of routes and what surrounds every one of them."""

    def __init__(
        self, hub: Hub, credentials: Credentials, limiter: RateLimiter, routes: Mapping[tuple[str, str], Route]
    ) -> None:
        self._hub = hub
        self._credentials = credentials
        self._limiter = limiter
        self._routes = routes

    def call_of(self, method: str, raw_target: str) -> str | None:
        """The path after /api/v5/ if there is such a call, like trade/order."""
        path = raw_target.partition("?")[0]
        call = path.removeprefix(PREFIX)
        return call if path.startswith(PREFIX) and (method, call) in self._routes else None

    def handle(self, method: str, raw_target: str, headers: Mapping[str, str], body: str) -> Response:
        """`raw_target`: path and query exactly as sent. `headers` must find names in any case."""
        exchange = self._hub.exchange
        in_us = exchange.wall_us()
        path, _, query = raw_target.partition("?")
        route = self._routes.get((method, path.removeprefix(PREFIX))) if path.startswith(PREFIX) else None
        if route is None:
            known = path.startswith(PREFIX) and any(name == path.removeprefix(PREFIX) for _, name in self._routes)
            if known:
                return Response(405, orjson.dumps({"code": "50115", "msg": "Invalid request method", "data": []}))
            return Response(404, orjson.dumps({"code": "404", "msg": "Invalid request path", "data": []}))
        answer = self._answer(route, method, raw_target, query, headers, body)
        self._hub.flush()
        envelope: dict[str, Any] = {"code": answer.code, "msg": answer.msg, "data": answer.data}
        if route.trading:
            envelope |= {"inTime": str(in_us), "outTime": str(exchange.wall_us())}
        return Response(answer.status, orjson.dumps(envelope), route.trading)

    def _answer(
        self, route: Route, method: str, raw_target: str, query: str, headers: Mapping[str, str], body: str
    ) -> Answer:
        exchange = self._hub.exchange
        if route.signed:
            failure = check_rest(self._credentials, headers, method, raw_target, body, exchange.now_ms())
            if failure is not None:
                return Answer(code=failure.code, msg=failure.msg, status=401)
            simulated = headers.get("x-simulated-trading") == "1"
            if exchange.account.rules.environment == ("live" if simulated else "demo"):
                return Answer(code=WRONG_ENVIRONMENT.code, msg=WRONG_ENVIRONMENT.msg, status=401)
        key = f"{method} {raw_target.partition('?')[0]}"
        if route.limit and not self._limiter.admit(
            key, route.limit, exchange.monotonic_ns(), window_ns=route.window_ns
        ):
            return replace(TOO_MANY, status=exchange.account.rules.too_many_status)
        params: Params = dict(parse_qsl(query, keep_blank_values=True))
        items: list[Any] = []
        if method == "POST":
            if not body:
                return Answer(code="50000", msg="Body for POST request cannot be empty.", status=400)
            try:
                parsed = orjson.loads(body)
            except orjson.JSONDecodeError:
                return Answer(code="50002", msg="JSON syntax error", status=400)
            params, items = (parsed, [parsed]) if isinstance(parsed, dict) else ({}, parsed)
            if not isinstance(items, list):
                return Answer(code="50002", msg="JSON syntax error", status=400)
        exchange.advance()
        try:
            return route.act(Call(params=params, items=items, exp_time=headers.get("expTime")))
        except Refused as refused:
            code = refused.refusal.code
            return Answer(code=code, msg=refused.refusal.msg, status=400 if code in _BAD_REQUEST else 200)
