"""Who listens to what, and how a change of the core reaches them. No sockets: a listener is something to send to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Protocol

import orjson

from engine.exchange.bills import money
from engine.exchange.channels import PRIVATE
from engine.exchange.exchange import Exchange
from engine.exchange.faults.lines import Lines
from engine.exchange.feed import Feed
from engine.exchange.instrument import INST_ID, INST_TYPE, SETTLE_CCY, sz_text
from engine.exchange.notes import AlgoNote, BulletinNote, MoneyNote, OrderNote, TradeNote
from engine.exchange.orders import Slot
from engine.exchange.risk_watch import RiskWatch
from schemas.clock import NS_PER_MS

UID: Final = "447048923436195840"
_REGULAR_MS: Final = 5000


class Listener(Protocol):
    """A connection."""

    def send(self, message: bytes) -> None:
        """Queues one text frame."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscribed arg of one connection. `interval_ms` 0: events only (positions, account)."""

    listener: Listener
    channel: str
    arg: Mapping[str, Any]
    pushed_arg: bytes
    interval_ms: int = _REGULAR_MS
    pushed_ns: int = 0

    def push(self, tail: bytes) -> None:
        """Sends a message whose arg is this subscription's."""
        self.listener.send(b'{"arg":' + self.pushed_arg + b"," + tail + b"}")


class Hub:
    """All subscriptions. Call `flush` after anything that may have changed the core."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.lines = Lines(exchange.faults)
        self._by_channel: dict[str, list[Subscription]] = {}
        self.feed = Feed(exchange, self.publish, self.wanted)
        self._risk = RiskWatch(exchange)

    def wanted(self, channel: str) -> bool:
        """Whether anybody subscribed to it."""
        return bool(self._by_channel.get(channel))

    def publish(self, channel: str, tail: bytes) -> None:
        """To every subscription of a channel."""
        for subscription in self._by_channel.get(channel, ()):
            subscription.push(tail)

    def connections(self, channel: str) -> int:
        """How many connections have it."""
        return len({id(subscription.listener) for subscription in self._by_channel.get(channel, ())})

    def full(self, subscription: Subscription) -> bool:
        """Whether as many other connections have its channel as may (FACTS 3: 30)."""
        others = {id(s.listener) for s in self._by_channel.get(subscription.channel, ())} - {id(subscription.listener)}
        return len(others) >= self.exchange.account.rules.channel_connections

    def subscription(self, listener: Listener, arg: Mapping[str, Any]) -> Subscription:
        """A new subscription; nothing is sent to it before `greet`, which belongs after its ack."""
        channel = str(arg["channel"])
        pushed = dict(arg)
        interval = _REGULAR_MS
        if channel in PRIVATE:
            pushed.pop("extraParams", None)
            pushed["uid"] = UID
            interval = _interval(arg)
        return Subscription(listener, channel, arg, orjson.dumps(pushed), interval)

    def greet(self, subscription: Subscription) -> None:
        """First data, and from now on all that follows. A second subscription to books brings a second snapshot."""
        channel = subscription.channel
        message = self.feed.greeting(channel)
        listed = self._by_channel.setdefault(channel, [])
        if subscription not in listed:
            listed.append(subscription)
        subscription.pushed_ns = self.exchange.monotonic_ns()
        if message is not None:
            subscription.push(message)
        elif channel == "positions":
            subscription.push(self._positions("snapshot", None, flat=False))
        elif channel == "account":
            subscription.push(self._account("snapshot"))
        elif channel == "balance_and_position":
            subscription.push(self._both("snapshot", None, [], flat=False))

    def remove(self, subscription: Subscription) -> None:
        """Ends a subscription; one that is unknown is ignored."""
        listed = self._by_channel.get(subscription.channel, [])
        if subscription in listed:
            listed.remove(subscription)

    # -- pushing --------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Every 10 ms: the market comes up to now, and what is due goes out."""
        self.exchange.advance()
        self.flush()
        self.feed.tick()
        self.lines.tick()
        if self.wanted("liquidation-warning"):
            for row in self._risk.look():
                self._push_rows("liquidation-warning", row)
        now = self.exchange.monotonic_ns()
        for channel in ("positions", "account"):
            for subscription in self._by_channel.get(channel, ()):
                every = subscription.interval_ms * NS_PER_MS
                if every and now - subscription.pushed_ns >= every:
                    subscription.pushed_ns = now
                    whole = self._positions("snapshot", None, flat=False)
                    subscription.push(whole if channel == "positions" else self._account("snapshot"))

    def flush(self) -> None:
        """Tells everybody what the core has noted since the last time."""
        notes, self.exchange.notes = self.exchange.notes, []
        money_notes: list[MoneyNote] = []
        for note in notes:
            match note:
                case TradeNote():
                    self.feed.trade(note)
                case OrderNote(row):
                    self._push_rows("orders", row)
                case AlgoNote(row):
                    self._push_rows("orders-algo", row)
                case BulletinNote(channel, row):
                    self._push_rows(channel, row)
                case MoneyNote():
                    money_notes.append(note)
        for _, group in groupby(money_notes, key=lambda note: note.event):
            self._push_money(list(group))

    def _push_rows(self, channel: str, row: dict[str, Any]) -> None:
        concerned = [s for s in self._by_channel.get(channel, ()) if _concerns(s.arg)]
        if not concerned:
            return
        tail, faults = b'"data":' + orjson.dumps([row]), self.exchange.faults
        if channel == "orders" and faults.strikes("push_lost") is not None:
            return
        twice = channel == "orders" and faults.strikes("duplicate_push") is not None
        for subscription in concerned:
            subscription.push(tail)
            if twice:
                subscription.push(tail)

    def _push_money(self, notes: list[MoneyNote]) -> None:
        slots = sorted({note.slot for note in notes})
        trades = [{"instId": INST_ID, "tradeId": note.trade_id} for note in notes if note.trade_id]
        makers: tuple[tuple[str, Callable[[], bytes]], ...] = (
            ("balance_and_position", lambda: self._both(notes[-1].event, slots, trades, flat=True)),
            ("account", lambda: self._account("event_update")),
            ("positions", lambda: self._positions("event_update", slots, flat=True)),
        )
        for channel, make in makers:
            concerned = [s for s in self._by_channel.get(channel, ()) if channel != "positions" or _concerns(s.arg)]
            if concerned:
                tail = make()
                for subscription in concerned:
                    subscription.pushed_ns = self.exchange.monotonic_ns()
                    subscription.push(tail)

    def _positions(self, event: str, slots: list[Slot] | None, *, flat: bool) -> bytes:
        rows = orjson.dumps(self.exchange.position_rows(slots, flat=flat))
        pages = b',"curPage":1,"lastPage":true' if event == "snapshot" else b""
        return b'"eventType":"' + event.encode() + b'"' + pages + b',"data":' + rows

    def _account(self, event: str) -> bytes:
        pages = b',"curPage":1,"lastPage":true' if event == "snapshot" else b""
        rows = orjson.dumps([self.exchange.account_view()])
        return b'"eventType":"' + event.encode() + b'"' + pages + b',"data":' + rows

    def _both(self, event: str, slots: list[Slot] | None, trades: list[dict[str, str]], *, flat: bool) -> bytes:
        account, now_ms = self.exchange.account, self.exchange.now_ms()
        positions = account.current() if slots is None else [account.slots[slot] for slot in slots]
        row = {
            "pTime": str(now_ms),
            "eventType": event,
            "balData": [{"ccy": SETTLE_CCY, "cashBal": money(account.cash()), "uTime": str(account.updated_ms)}],
            "posData": [
                {
                    "posId": p.pos_id,
                    "tradeId": p.trade_id,
                    "instId": INST_ID,
                    "instType": INST_TYPE,
                    "mgnMode": p.mode,
                    "posSide": p.side,
                    "pos": sz_text(p.shown),
                    "ccy": SETTLE_CCY,
                    "avgPx": "" if p.avg_px is None else money(p.avg_px),
                    "uTime": str(p.updated_ms),
                }
                for p in positions
                if p.lots or flat
            ],
            "trades": trades,
        }
        return b'"data":' + orjson.dumps([row])


def _concerns(arg: Mapping[str, Any]) -> bool:
    """Whether a private subscription's filter lets this instrument through."""
    return arg.get("instType", INST_TYPE) in (INST_TYPE, "ANY") and arg.get("instId") in (None, "", INST_ID)


def _interval(arg: Mapping[str, Any]) -> int:
    """Milliseconds between regular pushes, from extraParams; anything unreadable is the usual 5 s."""
    try:
        extra = orjson.loads(str(arg.get("extraParams") or "{}"))
        wanted = int(extra.get("updateInterval", _REGULAR_MS))
    except (ValueError, AttributeError, TypeError):
        return _REGULAR_MS
    return wanted if wanted in (0, 2000, 3000, 4000) else _REGULAR_MS
