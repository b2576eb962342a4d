"""REST and websocket clients of a venue on a held clock, without a socket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from engine.exchange.auth import sign
from engine.exchange.hub import Hub
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.rest import Response, Rest
from engine.exchange.routes import all_routes
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import Session
from tests.engine.exchange.support import CREDENTIALS, Venue


def signed(venue: Venue, method: str, target: str, body: str, *, skew_s: float = 0.0) -> dict[str, str]:
    """The headers of a client whose clock is `skew_s` before the venue's."""
    now = datetime.fromtimestamp(venue.clock.wall_ns() / 1e9 + skew_s, UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    return {
        "OK-ACCESS-KEY": CREDENTIALS.api_key,
        "OK-ACCESS-PASSPHRASE": CREDENTIALS.passphrase,
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-SIGN": sign(CREDENTIALS.secret, stamp + method + target + body),
    }


class Door:
    """REST of a venue; signs like a client."""

    def __init__(self, *, latency_ms: int = 0, **rules: Any) -> None:
        self.venue = Venue(**rules)
        self.hub = Hub(self.venue.exchange)
        limiter = RateLimiter()
        self.trade = TradeApi(self.venue.exchange, limiter, latency_ms=latency_ms)
        routes = all_routes(self.venue.exchange, self.trade, self.hub.feed.book_was_read)
        self.rest = Rest(self.hub, CREDENTIALS, limiter, routes)

    def headers(self, method: str, target: str, body: str, skew_s: float = 0.0) -> dict[str, str]:
        return signed(self.venue, method, target, body, skew_s=skew_s)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        """The whole answer, HTTP status included."""
        target, text = "/api/v5/" + path, "" if body is None else orjson.dumps(body).decode()
        return self.rest.handle(method, target, self.headers(method, target, text) | headers, text)

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return orjson.loads(self.ask(method, path, body, **headers).body)


def hedged(**rules: Any) -> Door:
    """A venue that its client has switched to hedge mode."""
    door = Door(**rules)
    assert door("POST", "account/set-position-mode", {"posMode": "long_short_mode"})["code"] == "0"
    return door


class Line:
    """A session and what it sent."""

    def __init__(
        self, path: str, venue: Venue | None = None, hub: Hub | None = None, *, demo: bool | None = None
    ) -> None:
        self.venue = venue or Venue()
        self.hub = hub or Hub(self.venue.exchange)
        self.sent: list[Any] = []
        self.closed: list[int] = []
        self.session = Session(
            path,
            "c0ffee00",
            hub=self.hub,
            trade=TradeApi(self.venue.exchange, RateLimiter()),
            credentials=CREDENTIALS,
            send=lambda m: self.sent.append(m.decode() if m == b"pong" else orjson.loads(m)),
            answer=lambda m: self.sent.append(orjson.loads(m)),
            close=lambda code, _: self.closed.append(code),
            demo=demo,
        )

    def ask(self, op: str, *args: object, **fields: object) -> list[Any]:
        self.sent.clear()
        self.session.receive(orjson.dumps({"op": op, "args": args, **fields}).decode())
        return list(self.sent)

    def login(self, code: str = "0") -> None:
        """Logs in; is told the code."""
        stamp = str(self.venue.exchange.now_ms() // 1000)
        signature = sign(CREDENTIALS.secret, stamp + "GET/users/self/verify")
        (event,) = self.ask("login", {"apiKey": "key", "passphrase": "phrase", "timestamp": stamp, "sign": signature})
        kind, msg = ("login", "") if code == "0" else ("error", event["msg"])
        assert event == {"event": kind, "code": code, "msg": msg, "connId": "c0ffee00"}

    def tick(self, ms: int = 10) -> list[Any]:
        self.sent.clear()
        self.venue.clock.advance(ms=ms)
        self.hub.tick()
        return list(self.sent)
