"""A venue behind its door, with websocket peers, on a clock that sleeping moves; and the audit of its books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from engine.exchange.auth import sign
from engine.exchange.bills import FUNDING
from engine.exchange.door import Door
from engine.exchange.faults.switchboard import Fault
from engine.exchange.hub import Hub
from engine.exchange.instrument import notional
from engine.exchange.orders import Slot
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.rest import Rest
from engine.exchange.rest_account import AccountRoutes
from engine.exchange.rest_market import MarketRoutes
from engine.exchange.rest_trade import TradeRoutes
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import Session
from tests.engine.exchange.clients import signed
from tests.engine.exchange.support import CREDENTIALS, Venue

SWAP = {"instId": "BTC-USDT-SWAP"}
MARKET = {**SWAP, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1"}
LIMIT = {**MARKET, "ordType": "limit", "px": "63900"}
PROTECTED = {**MARKET, "attachAlgoOrds": [{"slTriggerPx": "63000", "slOrdPx": "-1"}]}

_T = TypeVar("_T")


def result(work: Coroutine[Any, Any, _T]) -> _T:
    """Runs what never really waits."""
    try:
        work.send(None)
    except StopIteration as done:
        value: _T = done.value
        return value
    raise AssertionError("it waits for something else than the fake sleep")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status and JSON."""

    status: int
    json: Any


class Rig:
    """Signed REST through the door. `slept` holds the delays of the answers in seconds."""

    def __init__(self, *faults: Fault, latency_ms: int = 0, venue: Venue | None = None) -> None:
        self.venue = venue or Venue()
        self.exchange = self.venue.exchange
        self.faults = self.exchange.faults
        self.hub = Hub(self.exchange)
        limiter = RateLimiter()
        self.trade = TradeApi(self.exchange, limiter)
        routes = MarketRoutes(self.exchange).table() | AccountRoutes(self.exchange).table()
        routes |= TradeRoutes(self.exchange, self.trade).table()
        rest = Rest(self.hub, CREDENTIALS, limiter, routes)
        self.slept: list[float] = []
        self.door = Door(rest, self.hub, latency_ms=latency_ms, sleep=self._sleep)
        for fault in faults:
            self.faults.arm(fault)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.venue.clock.advance(s=seconds)
        self.hub.tick()

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        return signed(self.venue, method, target, body)

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Said | None:
        """One call; None if the connection was dropped."""
        target, text = "/api/v5/" + path, "" if body is None else orjson.dumps(body).decode()
        signed = self.headers(method, target, text) | headers
        response = result(self.door.request(method, target, signed, text))
        return None if response is None else Said(response.status, orjson.loads(response.body))

    def rows(self, path: str) -> list[Any]:
        """The data of a GET that is answered."""
        said = self("GET", path)
        assert said is not None and said.json["code"] == "0", said
        rows: list[Any] = said.json["data"]
        return rows

    def passes(self, ms: float) -> None:
        """Time goes by in beats of 10 ms."""
        for _ in range(int(ms // 10)):
            self.venue.clock.advance(ms=10)
            self.hub.tick()

    def connect(self, path: str, *channels: str, **fields: str) -> Peer:
        """A new websocket that has logged in (but on public) and subscribed; what it was sent until then is gone."""
        peer = Peer(self, path)
        if path != "public":
            peer.login()
        if channels:
            peer.says(op="subscribe", args=[{"channel": channel, **fields} for channel in channels])
        peer.raw.clear()
        return peer


class Peer:
    """A websocket of a rig, without the socket."""

    def __init__(self, rig: Rig, path: str) -> None:
        self.rig = rig
        self.raw: list[bytes] = []
        self.ended: list[object] = []
        self.session = Session(
            path,
            "c0ffee00",
            hub=rig.hub,
            trade=rig.trade,
            credentials=CREDENTIALS,
            send=self.raw.append,
            answer=self.raw.append,
            close=lambda code, _reason: self.ended.append(code),
            drop=lambda: self.ended.append("dropped"),
        )

    def says(self, **message: Any) -> None:
        self.session.receive(orjson.dumps(message).decode())

    def login(self) -> None:
        stamp = str(self.rig.exchange.now_ms() // 1000)
        arg = {"apiKey": CREDENTIALS.api_key, "passphrase": CREDENTIALS.passphrase, "timestamp": stamp}
        arg["sign"] = sign(CREDENTIALS.secret, stamp + "GET/users/self/verify")
        self.says(op="login", args=[arg])

    def take(self) -> list[Any]:
        """What came since the last look."""
        messages = [orjson.loads(message) for message in self.raw]
        self.raw.clear()
        return messages

    def data(self, channel: str) -> list[Any]:
        """The rows of a channel that came since the last look."""
        return [row for m in self.take() if m.get("arg", {}).get("channel") == channel for row in m.get("data", ())]


def audit(venue: Venue) -> None:
    """The books are exact: fills, orders, positions, wallet, equity and the queue of the book say the same."""
    exchange = venue.exchange
    account, orders, matcher = exchange.account, exchange.desk.orders, exchange.market.matcher
    assert len({(fill.ord_id, fill.trade_id) for fill in orders.fills}) == len(orders.fills)
    assert len({fill.bill_id for fill in orders.fills}) == len(orders.fills)
    filled, value = Counter[str](), Counter[str]()
    held: Counter[Slot] = Counter()
    for fill in orders.fills:
        order = orders.find(fill.ord_id, "")
        assert order is not None and fill.lots > 0
        filled[order.ord_id] += fill.lots
        value[order.ord_id] += fill.lots * fill.px
        held[order.terms.slot] += fill.lots if fill.side == "buy" else -fill.lots
    everything = [*orders.history(0), *orders.pending()]
    assert {o.ord_id: o.filled for o in everything if o.filled} == dict(filled)
    for order in everything:
        assert order.filled_value == Decimal(value[order.ord_id]).scaleb(-5)
        assert order.filled <= order.lots and (order.state == "filled") == (order.left == 0 and order.ended)
    assert {slot: position.lots for slot, position in account.slots.items()} == {
        slot: held[slot] for slot in account.slots
    }
    close = Decimal("1e-9")
    funding = sum(bill.change for bill in exchange.desk.ledger.bills if bill.type == FUNDING)
    assert abs(account.wallet - 100_000 - sum(f.pnl + f.fee for f in orders.fills) - funding) < close
    flow = funding + sum(notional(f.lots, f.px) * (1 if f.side == "sell" else -1) + f.fee for f in orders.fills)
    mark = exchange.market.mark
    assert abs(account.equity(mark) - 100_000 - flow - notional(sum(held.values()), mark)) < close
    queued = {r.ord_id: r.lots for o in orders.pending() if o.resting for r in [o.resting]}
    assert queued == {order.ord_id: order.left for order in orders.pending()}
    for order in orders.pending():
        assert order.px is not None and order.resting in matcher.half(order.terms.side).own_at(order.px)
    own = sum(len(half._own[key]) for half in (matcher.bids, matcher.asks) for key in half._own)
    assert own == len(orders.pending())
