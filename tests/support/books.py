"""The engine's books alone beside a laboratory's exchange: what reconcile and router need, and nothing that acts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.account import Account
from engine.exchange.intake import new_order
from engine.exchange.orders import Order
from engine.exchange.ws import Session
from engine.execution.journal import Entry
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.execution.protection import OURS
from engine.execution.reconcile import Books
from engine.execution.router import Router, client_order_id_of
from engine.private import PrivateFeed
from engine.risk.ledger import Ledger
from engine.venue.http import NoAnswer
from engine.venue.rest import TAG, Rest
from engine.venue.sign import login_args
from schemas.messages import Side
from tests.support.laboratory import INSTRUMENT, LabJournal, Laboratory, exchange_orders


class Bookkeeping:
    """`before_call(number, method, path)` runs before each REST call: what happens at the venue meanwhile.

    `calls` are "METHOD path", with the headers of each beside them in `headers`.
    """

    def __init__(self, lab: Laboratory, journal: Path) -> None:
        self.lab = lab
        clock, settings = lab.clock, lab.settings
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.problems: list[Any] = []
        self.before_call: Callable[[int, str, str], None] = lambda number, method, path: None
        self.rest = Rest(
            self._transport, credentials=lab.credentials, clock=clock,
            on_unexplained=lambda call, said: self.problems.append((call, said)),
        )  # fmt: skip
        self.ledger = Ledger(day_starts_utc_hour=0)
        self.account = Account(
            instrument=INSTRUMENT, margin_mode="isolated", currency="USDT", clock=clock, ledger=self.ledger
        )  # fmt: skip
        self.orders = OrderBookkeeper(clock)
        self.journal = LabJournal(journal)
        self.may_send = ""
        self.router = Router(
            rest=self.rest, entry=self.rest, journal=self.journal, orders=self.orders, settings=settings, clock=clock,
            ttl_ms=lambda: settings.risk.order_ttl_ms, may_send=lambda order: self.may_send,
            on_fills=self.account.on_fills,
        )  # fmt: skip
        self.private = PrivateFeed(
            account=self.account, orders=self.orders, on_change=lambda: None, on_order=self.router.note_end,
            on_lifecycle_error=self.problems.append, on_unexplained=lambda what, said: self.problems.append(said),
        )  # fmt: skip
        self.books = Books(
            rest=self.rest, instrument=INSTRUMENT, margin_mode="isolated", account=self.account, orders=self.orders,
            ledger=self.ledger, journal=self.journal, router=self.router, clock=clock,
        )  # fmt: skip
        self.pushed: list[bytes] = []

    async def _transport(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        path = target.partition("?")[0].removeprefix("/api/v5")
        self.before_call(len(self.calls), method, path)
        self.calls.append(f"{method} {path}")
        self.headers.append(headers)
        try:
            async with asyncio.timeout(self.lab.settings.venue.request_timeout_ms / 1_000):
                response = await self.lab.door.request(method, target, headers, body)
        except TimeoutError:
            raise NoAnswer("time-out") from None
        if response is None:
            raise NoAnswer("connection lost")
        return response.status, response.body

    def listen(self) -> None:
        """The private feed, without a delay."""

        def hear(message: bytes) -> None:
            self.pushed.append(message)
            self.private.on_frame(message)

        session = Session(
            "private", "b", hub=self.lab.hub, trade=self.lab.trade_api, credentials=self.lab.venue_credentials,
            send=hear, answer=hear, close=lambda code, reason: None, drop=lambda: None,
        )  # fmt: skip
        args = [
            {"channel": "orders", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "positions", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "account"},
        ]
        login = {"op": "login", "args": [login_args(self.lab.credentials, wall_ns=self.lab.clock.wall_ns())]}
        session.receive(msgspec.json.encode(login).decode())
        session.receive(msgspec.json.encode({"op": "subscribe", "args": args}).decode())

    def state(self) -> dict[str, Any]:
        """All that the books say, but for times."""

        def row(record: OrderRecord) -> tuple[Any, ...]:
            return (
                record.client_order_id, record.venue_order_id, record.intent_id, record.state.value, record.side,
                record.contracts, record.filled, record.average_price, record.fee, record.kind,
            )  # fmt: skip

        return {
            "working": sorted(row(record) for record in self.orders.working()),
            "ended": sorted(row(record) for record in self.orders._ended),
            "contracts": self.account.contracts,
            "equity": self.account.equity,
            "available": self.account.available,
            "today": self.ledger.today(self.lab.clock.wall_ns()),
            "protection": self.account.protection,
        }


def journal_entry(lab: Laboratory, intent: str, side: Side, contracts: str, *, state: str = "") -> Entry:
    """An intent, or with `state` its end, as the router writes it now."""
    plain: dict[str, Any] = {
        "intent_id": intent, "client_order_id": client_order_id_of(intent), "wall_ns": lab.clock.wall_ns(),
    }  # fmt: skip
    if state:
        return Entry(event="end", state=state, **plain)
    return Entry(
        event="intent", instrument=INSTRUMENT, side=side.name, contracts=contracts, sl_price="60000", **plain
    )  # fmt: skip


def place_ours(lab: Laboratory, intent: str, side: Side, contracts: str, *, px: int | None = None) -> Order:
    """What the router would have sent for an intent, straight into the exchange; a stop far away."""
    client_id = client_order_id_of(intent)
    trigger = "60000" if side is Side.BUY else "68000"
    stop = {"attachAlgoClOrdId": OURS + client_id[2:], "slTriggerPx": trigger, "slOrdPx": "-1"}
    return place(lab, client_id, side, contracts, px=px, tag=TAG, attachAlgoOrds=[stop])


def place(lab: Laboratory, client_id: str, side: Side, contracts: str, *, px: int | None = None, **more: Any) -> Order:
    """Any order, straight into the exchange. `px` in ticks; None: at market."""
    terms = {
        "instId": INSTRUMENT, "tdMode": "isolated", "side": side.name.lower(), "sz": contracts, "clOrdId": client_id,
        "ordType": "market" if px is None else "limit", **({} if px is None else {"px": f"{px / 10}"}), **more,
    }  # fmt: skip
    order = lab.exchange.place(new_order(terms))
    lab.hub.flush()
    return order


def venue_orders(lab: Laboratory) -> list[tuple[str, str, int]]:
    """Id, state and filled lots of every order that the venue ever took."""
    return [(order.ord_id, order.state, order.filled) for order in exchange_orders(lab.exchange)]
